"""Each rule by index cases: qcc's own (counted from 1, as there) and the edges of each."""

import math

import pytest

from lineside.statistics.spc import (
    BEYOND_LIMITS,
    EIGHT_AWAY,
    EIGHT_ON_ONE_SIDE,
    FIFTEEN_CLOSE,
    FOUR_OF_FIVE,
    FOURTEEN_ALTERNATING,
    NELSON,
    NINE_ON_ONE_SIDE,
    SIX_IN_A_TREND,
    TWO_OF_THREE,
    WESTERN_ELECTRIC,
    Rule,
    broken_rules,
)

SAW = [1.0, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 9, 8]


def places(rule: Rule, deviates: list[float]) -> list[int]:
    return [place for place, names in enumerate(broken_rules(deviates, [rule]), 1) if names]


@pytest.mark.parametrize(
    ("rule", "deviates", "expected"),
    [
        pytest.param(BEYOND_LIMITS, [0, 3.2, -3.5, 2.9], [2, 3], id="1: qcc"),
        pytest.param(BEYOND_LIMITS, [3.0, -3.0], [], id="1: on the limit is not beyond"),
        pytest.param(BEYOND_LIMITS, [math.inf, -math.inf], [1, 2], id="1: off a centre line without spread"),
        pytest.param(TWO_OF_THREE, [0, 2.5, 1.0, 2.6, 0], [4], id="2 of 3: qcc"),
        pytest.param(TWO_OF_THREE, [2.5] * 7 + [3.2], [3, 4, 5, 6, 7, 8], id="2 of 3: a full window"),
        pytest.param(TWO_OF_THREE, [0, 2.5, -2.5], [], id="2 of 3: on one side"),
        pytest.param(TWO_OF_THREE, [0, 2.3, 0.4, 2.2, -2.4, -0.2, -2.5], [4, 7], id="2 of 3: Nelson's fifth, qcc"),
        pytest.param(FOUR_OF_FIVE, [0, 1.2, 1.3, 0.2, 1.4, 1.5], [6], id="4 of 5: qcc"),
        pytest.param(FOUR_OF_FIVE, [2.5] * 7 + [3.2], [5, 6, 7, 8], id="4 of 5: a full window"),
        pytest.param(
            FOUR_OF_FIVE, [1.2, 1.3, 0.2, 1.4, 1.5, -1.2, -1.3, -0.1, -1.4, -1.5], [5, 10], id="4 of 5: sixth, qcc"
        ),
        pytest.param(FOUR_OF_FIVE, [1.5, 1.5, 1.5, 1.5, 0.5], [], id="4 of 5: the last one among them"),
        pytest.param(EIGHT_ON_ONE_SIDE, [-1.0] * 8 + [1], [8], id="8: qcc"),
        pytest.param(EIGHT_ON_ONE_SIDE, [2.5] * 7 + [3.2], [8], id="8: mixed heights"),
        pytest.param(EIGHT_ON_ONE_SIDE, [0.1] * 4 + [0.0] + [0.1] * 4, [], id="8: the centre is no side"),
        pytest.param(NINE_ON_ONE_SIDE, [0.5] * 10 + [-0.5] * 10, [9, 10, 19, 20], id="9: qcc"),
        pytest.param(SIX_IN_A_TREND, [1.0, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1], [6, 7, 13, 14], id="trend: qcc"),
        pytest.param(SIX_IN_A_TREND, [1.0, 2, 3, 3, 4, 5, 6], [], id="trend: a tie ends it"),
        pytest.param(FOURTEEN_ALTERNATING, SAW, [14, 15], id="14: qcc"),
        pytest.param(FOURTEEN_ALTERNATING, SAW[:13], [], id="14: thirteen are too few"),
        pytest.param(FIFTEEN_CLOSE, [0.3] * 16 + [1.2], [15, 16], id="15: qcc"),
        pytest.param(EIGHT_AWAY, [1.2, -1.3, 1.1, -1.4, 1.5, -1.2, 1.3, -1.1, 0.2], [8], id="8 away: qcc"),
        pytest.param(EIGHT_AWAY, [1.2] * 8, [], id="8 away: both sides, qcc"),
    ],
)
def test_a_rule_is_broken_where_its_pattern_completes(rule: Rule, deviates: list[float], expected: list[int]) -> None:
    assert places(rule, deviates) == expected
    mirrored = [-deviate for deviate in deviates]
    assert places(rule, mirrored) == expected


@pytest.mark.parametrize("length", range(4))
def test_short_sequences_break_nothing(length: int) -> None:
    assert broken_rules([0.5] * length, NELSON) == ((),) * length


def test_a_point_names_every_rule_that_it_breaks_in_their_order() -> None:
    names = broken_rules([2.5] * 7 + [3.2], WESTERN_ELECTRIC)
    assert names[7] == ("beyond-limits", "2-of-3-beyond-2-sigma", "4-of-5-beyond-1-sigma", "8-on-one-side")
    assert names[0] == ()


def test_the_two_sets_have_four_and_eight_rules_of_different_names() -> None:
    assert (len(WESTERN_ELECTRIC), len(NELSON)) == (4, 8)
    assert len({rule.name for rule in (*WESTERN_ELECTRIC, *NELSON)}) == 9


def test_a_deviate_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        broken_rules([0.0, math.nan], NELSON)


def test_no_rule_asks_for_nothing() -> None:
    assert broken_rules([9.0], []) == ((),)
