"""The recipe says when parts are held back, and a rule that is dropped or weakened makes it looser."""

import pytest

from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe import HoldAct, HoldOf, HoldRule, HoldTrigger, RateCounted, looser_than
from recipes import ONE_VIEW, recipe

RATE = "{when: rate_above, limit: 0.02}"


def holds(*rules: str) -> str:
    return ONE_VIEW + f"holds: [{', '.join(rules)}]\n"


def test_without_rules_nothing_is_held() -> None:
    assert recipe().holds == ()


def test_rules_are_read_in_order_with_their_defaults() -> None:
    found = recipe(
        holds(
            "{when: rate_above, limit: 0.02, confidence: 0.9, min_parts: 50, counted: process, do: order, of: lot}",
            RATE,
            "{when: escape_confirmed, of: lot}",
        )
    ).holds
    assert found == (
        HoldRule(
            HoldTrigger.RATE_ABOVE,
            HoldAct.ORDER,
            HoldOf.LOT,
            limit=0.02,
            confidence=0.9,
            min_parts=50,
            counted=RateCounted.PROCESS,
        ),
        HoldRule(HoldTrigger.RATE_ABOVE, limit=0.02, confidence=0.95, min_parts=30),
        HoldRule(HoldTrigger.ESCAPE_CONFIRMED, HoldAct.PROPOSE, HoldOf.LOT),
    )


REFUSED = {
    "a rate without a limit": ("{when: rate_above}", r"holds\[0\]: rate_above needs a limit"),
    "a limit of 1": ("{when: rate_above, limit: 1}", r"holds\[0\].limit"),
    "a negative limit": ("{when: rate_above, limit: -0.1}", r"holds\[0\].limit"),
    "a limit that is none": ("{when: rate_above, limit: .nan}", r"holds\[0\].limit"),
    "a limit of a signal": ("{when: chart_signal, limit: 0.1}", r"holds\[0\].limit: only rate_above has it"),
    "parts of an alarm": ("{when: drift_alarm, min_parts: 9}", r"holds\[0\].min_parts: only rate_above has it"),
    "no confidence": ("{when: rate_above, limit: 0.1, confidence: 0.2}", r"holds\[0\].confidence"),
    "no parts": ("{when: rate_above, limit: 0.1, min_parts: 0}", r"holds\[0\].min_parts"),
    "an unknown trigger": ("{when: full_moon}", r"holds\[0\].when"),
    "an unknown act": ("{when: chart_signal, do: panic}", r"holds\[0\].do"),
    "a misspelt key": ("{when: chart_signal, off: lot}", r"did you mean 'of'"),
    "twice the same": (f"{RATE}, {RATE}", r"holds\[1\]: this rule is here twice"),
}


@pytest.mark.parametrize(("rules", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_cannot_be_obeyed_is_refused_with_its_place(rules: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(holds(rules))


@pytest.mark.parametrize(
    "wrong",
    [
        {"when": HoldTrigger.RATE_ABOVE},
        {"when": HoldTrigger.DRIFT_ALARM, "limit": 0.1},
        {"when": HoldTrigger.RATE_ABOVE, "limit": 1.0},
        {"when": HoldTrigger.RATE_ABOVE, "limit": 0.1, "confidence": 0.4},
        {"when": HoldTrigger.RATE_ABOVE, "limit": 0.1, "min_parts": 0},
    ],
    ids=str,
)
def test_no_rule_exists_that_could_not_be_obeyed(wrong: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        HoldRule(**wrong)  # type: ignore[arg-type]  # wrong on purpose


FULL = "{when: rate_above, limit: 0.02, confidence: 0.95, min_parts: 30, do: order, of: lot}"

LOOSER = {
    "dropped": "",
    "a higher limit": FULL.replace("0.02", "0.03"),
    "surer": FULL.replace("0.95", "0.99"),
    "later": FULL.replace("30", "31"),
    "softer": FULL.replace("order", "propose"),
    "of something else": FULL.replace("lot", "station"),
    "another rate": FULL.replace("}", ", counted: process}"),
    "another trigger": "{when: chart_signal, do: order, of: lot}",
}


@pytest.mark.parametrize("new", LOOSER.values(), ids=LOOSER)
def test_a_rule_dropped_or_weakened_makes_a_recipe_looser(new: str) -> None:
    (said,) = looser_than(recipe(holds(new)), recipe(holds(FULL)))
    assert said.startswith("holds: rate_above 0.02 (detector): order a hold of the lot")


STRICTER = {
    "the same": FULL,
    "a lower limit": FULL.replace("0.02", "0.01"),
    "sooner": FULL.replace("30", "10"),
    "less sure": FULL.replace("0.95", "0.9"),
    "another beside it": f"{RATE}, {FULL}",
}


@pytest.mark.parametrize("new", STRICTER.values(), ids=STRICTER)
def test_a_rule_kept_or_made_stricter_does_not(new: str) -> None:
    assert looser_than(recipe(holds(new)), recipe(holds(FULL))) == ()


def test_a_proposal_may_become_an_order_and_rules_may_be_added() -> None:
    proposing = FULL.replace("order", "propose")
    assert looser_than(recipe(holds(FULL)), recipe(holds(proposing))) == ()
    assert looser_than(recipe(holds(FULL)), recipe()) == ()
