"""The recipe says how many flagged parts are confirmed, and how many opportunities for defects a part has."""

import pytest

from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe import Recipe, load_recipe, looser_than
from plant import RECIPE


def recipe(more: str = "") -> Recipe:
    return load_recipe(RECIPE + more, catalogue=builtin_catalogue("pcb"))


def test_every_flagged_part_is_confirmed_and_opportunities_are_unknown_unless_it_says_otherwise() -> None:
    assert (recipe().confirmation_share, recipe().opportunities) == (1.0, None)
    said = recipe("confirmation: {share: 0.25}\nopportunities: 120\n")
    assert (said.confirmation_share, said.opportunities) == (0.25, 120)


@pytest.mark.parametrize("wrong", ["confirmation: {share: 0}", "confirmation: {share: 1.5}", "opportunities: 0"])
def test_what_would_leave_nothing_known_is_refused(wrong: str) -> None:
    with pytest.raises(RecipeError, match=wrong.split(":")[0]):
        recipe(wrong + "\n")


def test_confirming_fewer_flagged_parts_makes_a_recipe_looser() -> None:
    fewer = recipe("confirmation: {share: 0.5}\n")
    assert any("confirmation.share: 1 -> 0.5" in each for each in looser_than(fewer, recipe()))
    assert not looser_than(recipe(), fewer)
