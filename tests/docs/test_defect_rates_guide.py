"""The guide on defect rates quotes the run that its pictures are drawn from, and says what the program does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lineside.statistics.pod import SizeDesign, Target, estimate_pod
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
STUDIES: dict[str, Any] = json.loads((FOLDER / "pictures/studies.json").read_text(encoding="utf-8"))
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


def test_the_studies_figures_are_those_of_their_runs() -> None:
    text = " ".join(GUIDE.split())
    lower, point, upper = (f"{1e6 * figure:,.0f}" for figure in RUN["rate"])
    lines, detection, drift = STUDIES["lines"], STUDIES["detection"], STUDIES["drift"]
    for said in (
        f"{point} ppm ({lower} to {upper}) of a true {1e6 * RUN['true_rate']:,.0f}",
        f"bear {lines['true_defects']} defects, a true DPU of {lines['true_dpu']:.3f}",
        f"count {lines['confirmed_defects']}, a DPU of {lines['dpu']:.3f}",
        f"a DPMO of {1e6 * lines['dpu'] / 400:.0f}, and of {1e6 * lines['dpu'] / 800:.0f} for",
        f"a90 = {detection['a90']:.1f} um, and a90/95 = {detection['a90_95']:.1f} um",
        f"{detection['further_targets']} further boards",
        f"the true a90 at {detection['true_a90']:.1f} um",
        f"(up to {100 * detection['false_calls'][2]:.1f} % are possible",
        f"alarms {drift['alarm_after_parts']} boards after the fading began, at {100 * drift['light_lost_then']:.0f} %",
        f"{drift['flagged_before']:.0f} % before, {drift['flagged_while_fading']:.0f} % while it fades",
        *(
            f"{100 * middle:.1f} % ({100 * low:.1f} % to {100 * high:.1f} %)"
            for low, middle, high in (STUDIES["agreement"][name]["miss_rate"] for name in ("kim", "lee", "detector"))
        ),
        f"Line 1 looks worst with {100 * lines['lines']['line 1']['rate']:.1f} %",
        f"line 2 best with {100 * lines['lines']['line 2']['rate']:.1f} %",
    ):
        assert said in text


def test_the_studies_show_what_the_guide_says_that_they_show() -> None:
    detection, drift = STUDIES["detection"], STUDIES["drift"]
    assert detection["true_a90"] < detection["a90_95"]
    assert "larger defects are not found more often" in detection["by_length"]
    assert STUDIES["lines"]["outside"] == []
    assert (drift["false_alarms_before"], drift["is_score_or_share_among_them"]) == (0, False)
    assert STUDIES["agreement"]["detector"]["repeatability"] == 1.0


def test_the_study_file_beside_the_guide_gives_its_figures() -> None:
    rows = [
        line.split(",") for line in (FOLDER / "pictures/detection.csv").read_text(encoding="utf-8").splitlines()[3:]
    ]
    found = estimate_pod(
        [Target(part, float(size), result == "hit") for part, size, result in rows if size],
        design=SizeDesign.DESIGNED,
        defect_free=sum(not size for _, size, _ in rows),
        false_calls=sum(result == "false_call" for *_, result in rows),
        curve_points=0,
    )
    assert found.size_found == pytest.approx(STUDIES["detection"]["a90"], rel=1e-3)  # sizes of the file are rounded
    assert found.size_bound == pytest.approx(STUDIES["detection"]["a90_95"], rel=1e-3)


def test_every_picture_of_the_guide_is_there_and_none_is_left_over() -> None:
    shown = set(re.findall(r"\]\(pictures/([^)]+\.svg)\)", GUIDE))
    assert shown == {path.name for path in (FOLDER / "pictures").glob("*.svg")}
    assert all((FOLDER / "pictures" / name).stat().st_size > 0 for name in shown)


def test_the_figures_of_simulations_stand_on_the_page_of_benchmarks() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (FOLDER.parent / "benchmarks.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    coverage = {row[0]: row for row in rows if len(row) == 5 and "reviewer error 0 %" in row[0]}
    calibrated, lost = "recall as calibrated, reviewer error 0 %: ", "recall drifted 0.9 to 0.6, reviewer error 0 %: "
    assert float(coverage[f"{calibrated}Lineside"][1]) >= 95.0
    assert coverage[f"{calibrated}raw + Wilson"][3] == "30 of 30"
    worst, short = coverage[f"{lost}Lineside"][1], coverage[f"{lost}Lineside"][3]
    text = " ".join(GUIDE.split())
    assert f"it did not in {short.replace('of 30', 'of the 30')}, and in the worst only {worst} times of 100" in text
    assert coverage[f"{lost}without golden"][3] == "0 of 30"
    (alarms,) = (row for row in rows if row[:2] == ["2000", "0.5"])
    p, p_prime = (round(100 * float(share)) for share in alarms[2:])
    assert f"a false alarm at {p} % of the points, p' at {p_prime} %" in text
