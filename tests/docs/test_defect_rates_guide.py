"""The guide on defect rates quotes the run that its pictures are drawn from, and says what the program does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lineside.statistics.rates import (
    FlaggedStratum,
    PassedStratum,
    RateCounts,
    SamplingPlan,
    estimate_rate,
    operating_characteristic,
)

FOLDER = Path(__file__).parents[2] / "docs/guides"
GUIDE = (FOLDER / "defect-rates.md").read_text(encoding="utf-8")
RUN: dict[str, Any] = json.loads((FOLDER / "pictures/defect-rates.json").read_text(encoding="utf-8"))["as_ever"]


def row_of(name: str) -> list[str]:
    """The cells of a table's row behind its name."""
    (row,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", GUIDE, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


@pytest.mark.parametrize(
    ("name", "figure"), [("detector rate", "detector_rate"), ("**defect rate**", "rate")], ids=["detector", "rate"]
)
def test_the_table_is_the_runs(name: str, figure: str) -> None:
    lower, point, upper = RUN[figure]
    share, interval, truth = row_of(name)
    assert share == f"{100 * point:.1f} %"
    assert interval == f"{100 * lower:.1f} % to {100 * upper:.1f} %"
    assert truth == ("inside" if lower <= RUN["true_rate"] <= upper else "outside")


def test_the_run_shows_what_the_guide_says_that_it_shows() -> None:
    assert RUN["rate_holds_truth"]
    assert not RUN["detector_rate_holds_truth"]
    assert row_of("true rate of these boards")[0] == f"{100 * RUN['true_rate']:.1f} %"


def test_the_counts_in_the_text_are_the_runs() -> None:
    of = RUN["outcomes"]
    flagged, passed = of["hit"] + of["false_call"], of["escape"] + of["correct_pass"]
    for said in (
        f"called {of['false_call']} good boards,\nand let {of['escape']} defective ones pass",
        f"({RUN['confirmed']} of the {flagged} flagged ones above)",
        f"{RUN['audited']} of the {passed} passed boards were drawn, and {RUN['escapes_found']} were found defective",
        f"Above: {100 * RUN['contract_upper_bound']:.1f} %",
        f"Above it is {passed} of {flagged + passed}, {100 * passed / (flagged + passed):.1f} %",
        f"of which {100 - 100 * RUN['true_rate']:.1f} % are good",
    ):
        assert said in GUIDE


def test_the_rate_of_the_run_is_what_its_counts_give() -> None:
    of = RUN["outcomes"]
    flagged, passed = of["hit"] + of["false_call"], of["escape"] + of["correct_pass"]
    found = estimate_rate(
        RateCounts(
            (FlaggedStratum(flagged, 1.0, flagged, flagged, RUN["confirmed"]),),
            (PassedStratum(passed, 0.25, RUN["audited"], RUN["audited"], RUN["escapes_found"]),),
        )
    )
    assert found.point is not None
    assert [found.lower, found.point, found.upper] == pytest.approx(RUN["rate"], rel=1e-6)
    assert found.contract_upper_bound == pytest.approx(RUN["contract_upper_bound"], rel=1e-6)


def test_the_audits_curve_is_as_said() -> None:
    of = RUN["outcomes"]
    lot = of["escape"] + of["correct_pass"]
    for sample, said in ((50, "4.5 %"), (RUN["audited"], "1.1 %")):
        curve = operating_characteristic(SamplingPlan(sample, 0), lot=lot)
        assert f"{100 * curve.consumer_share:.1f} %" == said
        assert said in GUIDE


def test_every_picture_of_the_guide_is_there_and_none_is_left_over() -> None:
    shown = set(re.findall(r"\]\(pictures/([^)]+)\)", GUIDE))
    assert shown == {path.name for path in (FOLDER / "pictures").iterdir() if path.name in shown or "rate" in path.name}
    assert all((FOLDER / "pictures" / name).stat().st_size > 0 for name in shown)
