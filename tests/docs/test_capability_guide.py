"""The guide on studies says what the program does: its file, its bands, its numbers of parts."""

import re
from pathlib import Path

import pytest

from lineside.serving.studies.pod_file import read_pod_study
from lineside.statistics.agreement import EFFECTIVENESS, FALSE_ALARM_RATE, KAPPA, MISS_RATE, Bands, plan_agreement
from lineside.statistics.gauge import GRR_SHARE, LEAST_CATEGORIES
from lineside.statistics.pod import LEAST_TARGETS

GUIDE = (Path(__file__).parents[2] / "docs/guides/capability.md").read_text(encoding="utf-8")


def row_of(name: str) -> list[str]:
    """The cells of a table's row behind its name."""
    (row,) = re.findall(rf"^\| {re.escape(name)}.*?\|(.*)\|$", GUIDE, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def test_the_file_that_the_guide_shows_is_read() -> None:
    shown = re.search(r"```\n(# design: designed\n.*?)```", GUIDE, re.DOTALL)
    assert shown is not None
    study = read_pod_study(shown[1], source="guide")
    assert (len(study.targets), study.defect_free, study.false_calls) == (2, 2, 1)


@pytest.mark.parametrize(
    ("name", "bands", "unit"),
    [
        ("effectiveness", EFFECTIVENESS, 100),
        ("miss rate", MISS_RATE, 100),
        ("false-alarm rate", FALSE_ALARM_RATE, 100),
        ("kappa to the reference", KAPPA, 1),
        ("%GRR", GRR_SHARE, 100),
        ("precision to tolerance", GRR_SHARE, 100),
    ],
)
def test_the_bands_are_the_programs(name: str, bands: Bands, unit: int) -> None:
    good, marginal = (float(re.findall(r"[\d.]+", cell)[0]) for cell in row_of(name)[-2:])
    assert [good, marginal] == pytest.approx([bands.good * unit, bands.marginal * unit])


def test_the_numbers_of_parts_are_the_programs() -> None:
    assert row_of("distinct categories")[1] == f"{LEAST_CATEGORIES} and more"
    assert f"at least {LEAST_TARGETS} parts" in GUIDE
    assert f"fewer than {LEAST_TARGETS} targets" in GUIDE
    usual = plan_agreement()
    assert (usual.parts, usual.defective, round(100 * usual.miss_bound)) == (50, 25, 11)
    assert plan_agreement(miss_rate=0.05).defective == 59
    assert plan_agreement(miss_rate=0.05, defective_share=0.999).defective == 59, "one good part is kept beside them"
