"""A roll map survives its file, and its cut list names every stretch that is not OK."""

import csv
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.errors import RollMapRefused
from lineside.inspection.strips import (
    LineFault,
    LineFaultKind,
    RollMap,
    RollRegion,
    WebDefect,
    WebPart,
    joined_faults,
    read_roll_map,
)
from lineside.inspection.verdict import Reason, ReasonCode, Verdict

LATE = Reason(ReasonCode.LATE, "no time", "default")
LARGE = Reason(ReasonCode.SIZE_LIMIT, "too long", "default")
LOST = Reason(ReasonCode.LINES_LOST, "ä gap, with a comma", "default")


def region(number: int, verdict: Verdict, *reasons: Reason, gap_mm: float = 0.0) -> RollRegion:
    from_mm = 100.0 * (number - 1) + gap_mm
    return RollRegion(WebPart(f"R-{number:06d}", number, from_mm, 100.0 * number), verdict, reasons)


A_MAP = RollMap(
    roll="R",
    width_mm=512.0,
    length_mm=700.0,
    recipe="foil@3",
    product="foil",
    regions=(
        region(1, Verdict.OK),
        region(2, Verdict.NG, LARGE),
        region(3, Verdict.NG, LARGE, LOST),
        region(4, Verdict.NOT_INSPECTED, LATE),
        region(5, Verdict.OK),
        region(6, Verdict.NG, LARGE),
        region(7, Verdict.NG, LARGE, gap_mm=20.0),
    ),
    defects=(WebDefect("scratch", 0.5, 1.0, 2.0, 180.0, 260.5, pieces=4), WebDefect("hole", 1.0, 1.0, 2.0, 650, 651)),
    faults=(LineFault(LineFaultKind.DROPPED, 400, 410, 300.0, 305.0, "10 lines were lost"),),
)


def test_the_cut_list_joins_neighbours_of_one_verdict() -> None:
    rows = list(csv.DictReader(A_MAP.cut_list_csv().splitlines()))
    assert [(row["from_mm"], row["to_mm"], row["length_mm"], row["verdict"]) for row in rows] == [
        ("100.000", "300.000", "200.000", "NG"),
        ("300.000", "400.000", "100.000", "NOT_INSPECTED"),
        ("500.000", "600.000", "100.000", "NG"),
        ("600.000", "620.000", "20.000", "NOT_INSPECTED"),
        ("620.000", "700.000", "80.000", "NG"),
    ]
    assert [(row["first_part"], row["last_part"]) for row in rows][:2] == [
        ("R-000002", "R-000003"),
        ("R-000004", "R-000004"),
    ]
    assert [(row["reasons"], row["defects"]) for row in rows][:2] == [("size_limit lines_lost", "1"), ("late", "0")]


def test_web_that_belongs_to_no_part_is_cut_out_as_not_inspected() -> None:
    """Before the first mark, between two parts, and behind the last one where a run ended in an error."""
    regions = (region(1, Verdict.OK, gap_mm=30.0), region(2, Verdict.NOT_INSPECTED, LATE), region(4, Verdict.OK))
    cuts = list(replace(A_MAP, regions=regions, length_mm=450.0).cuts())
    assert [(cut.from_mm, cut.to_mm, cut.verdict.value, cut.reason_codes) for cut in cuts] == [
        (0.0, 30.0, "NOT_INSPECTED", ("no_region",)),
        (100.0, 300.0, "NOT_INSPECTED", ("late", "no_region")),
        (400.0, 450.0, "NOT_INSPECTED", ("no_region",)),
    ]
    [bare] = csv.DictReader(replace(A_MAP, regions=()).cut_list_csv().splitlines())
    assert (bare["from_mm"], bare["to_mm"], bare["first_part"], bare["defects"]) == ("0.000", "700.000", "", "2")


def test_defects_are_found_by_position() -> None:
    assert [each.class_name for each in A_MAP.defects_between(260.4, 651.0)] == ["scratch", "hole"]
    assert A_MAP.defects_between(260.5, 650.0) == ()


def test_a_roll_map_is_read_as_it_was_written() -> None:
    assert read_roll_map(A_MAP.to_json().encode()) == A_MAP
    assert read_roll_map(json.dumps(json.loads(A_MAP.to_json()), indent=2).encode()) == A_MAP


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(A_MAP.to_json()).items() if name != key}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(b"{", "no JSON", id="cut short"),
        pytest.param(b"[]", "schema is None", id="a list"),
        pytest.param(json.dumps(without("schema")).encode(), "schema is None", id="another file"),
        pytest.param(json.dumps(without("length_mm")).encode(), "'length_mm'", id="a key missing"),
        pytest.param(A_MAP.to_json().replace("512.0", "-1.0").encode(), "width above 0", id="no width"),
        pytest.param(A_MAP.to_json().replace('"NG"', '"MAYBE"').encode(), "'regions.1.verdict'", id="no verdict"),
        pytest.param(A_MAP.to_json().replace("{", '{"note":1,', 1).encode(), "not known here", id="a key too many"),
        pytest.param(A_MAP.to_json().replace('"number":1', '"number":"1"').encode(), "another type", id="a text"),
        pytest.param(A_MAP.to_json().replace('"to_mm":200.0', '"to_mm":250.0').encode(), "before", id="over another"),
    ],
)
def test_what_is_no_roll_map_is_refused(text: bytes, found: str) -> None:
    with pytest.raises(RollMapRefused, match=found):
        read_roll_map(text)


@given(
    st.lists(
        st.tuples(st.sampled_from(["dropped", "speed"]), st.integers(0, 50), st.integers(0, 10)).map(
            lambda drawn: LineFault(LineFaultKind(drawn[0]), drawn[1], drawn[1] + 1, drawn[1], drawn[1] + drawn[2], "")
        ),
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_joined_faults_cover_the_same_places_and_do_not_meet(faults: list[LineFault]) -> None:
    joined = joined_faults(faults)
    assert joined_faults(reversed(faults)) == joined
    for kind in LineFaultKind:
        covered = {at for each in faults if each.kind is kind for at in range(int(each.from_mm), int(each.to_mm) + 1)}
        ours = [each for each in joined if each.kind is kind]
        assert {at for each in ours for at in range(int(each.from_mm), int(each.to_mm) + 1)} == covered
        assert all(one.to_mm < other.from_mm for one, other in itertools.pairwise(ours))
