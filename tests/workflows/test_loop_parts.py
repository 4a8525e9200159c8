"""The parts of the loop's demonstration: the person who errs, the first labels, and what a summary counts."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from lineside.datasets.labelled import LabelledBox, OriginKind, Split
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.verdict import Verdict
from lineside.workflows.demo.loop import (
    Annotator,
    FirstLabels,
    LoopPlan,
    LoopSummary,
    Slip,
    Stretch,
    write_first_revision,
)
from lineside.workflows.demo.loop.page import write_loop_page
from lineside.workflows.demo.loop.running import require_extras, run_loop
from lineside.workflows.demo.loop.studio_annotator import Labelled
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.demo.tally import Outcome, Passage
from lineside.workflows.demo.virtual_line import VirtualPart, fate_of
from lineside.workflows.errors import DemoLacksExtras, LineFailed

SIZE = (640, 640)
TRUTH = (LabelledBox("short", (10, 10, 40, 40)), LabelledBox("spur", (100, 100, 130, 140)))


def part(number: int, *, is_defective: bool, is_film: bool = False) -> VirtualPart:
    """A part without a picture."""
    return VirtualPart(
        number=number,
        part_id=f"P{number}",
        panel_id="N1",
        lot="L1",
        product="controller-board",
        starts_lot=False,
        frame_png=b"",
        defects=("defect",) if is_defective else (),  # type: ignore[arg-type]  # only counted
        is_film=is_film,
    )


def test_a_person_errs_at_the_stated_rate_and_reads_a_part_the_same_way_twice() -> None:
    """2000 readings at 0.1: within 5 sigma."""
    annotator = Annotator(0.1, seed=3)
    first = [annotator.read(f"P{number}", TRUTH, size_wh_px=SIZE) for number in range(2000)]
    again = [annotator.read(f"P{number}", TRUTH, size_wh_px=SIZE) for number in range(2000)]
    wrong = sum(reading.slip is not None for reading in first)
    assert first == again
    assert abs(wrong - 200) <= 5 * (2000 * 0.1 * 0.9) ** 0.5
    assert all(reading.boxes == TRUTH for reading in first if reading.slip is None)


def test_every_slip_is_wrong_in_its_own_way() -> None:
    always = Annotator(1.0, seed=1)
    defective = [always.read(f"P{number}", TRUTH, size_wh_px=SIZE) for number in range(60)]
    good = [always.read(f"P{number}", (), size_wh_px=SIZE) for number in range(60)]
    assert {reading.slip for reading in defective} == {Slip.OVERLOOKED, Slip.MISNAMED}
    for reading in defective:
        if reading.slip is Slip.OVERLOOKED:
            assert reading.boxes == ()
        else:
            pairs = zip(reading.boxes, TRUTH, strict=True)
            renamed = [(said, true) for said, true in pairs if said.class_name != true.class_name]
            assert len(renamed) == 1
            assert renamed[0][0].box_xyxy_px == renamed[0][1].box_xyxy_px
    for reading in good:
        assert reading.slip is Slip.INVENTED
        ((left, top, right, bottom),) = (box.box_xyxy_px for box in reading.boxes)
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]


def test_somebody_who_never_errs_says_the_truth() -> None:
    assert Annotator(0.0, seed=1).read("P1", TRUTH, size_wh_px=SIZE).boxes == TRUTH
    assert Annotator(0.0, seed=1).read("P1", (), size_wh_px=SIZE).boxes == ()


def test_golden_parts_are_designed_and_only_they_show_films(tmp_path: Path) -> None:
    first = FirstLabels(train=8, val=4, golden_solid=5, golden_film=4, golden_good=3)
    store = RevisionStore(str(tmp_path))
    revision = write_first_revision(store, first, seed=2)
    assert write_first_revision(store, first, seed=2).id == revision.id
    assert Counter(image.split for image in revision.images) == {Split.TRAIN: 8, Split.VAL: 4, Split.GOLDEN: 12}
    golden = revision.of_split(Split.GOLDEN)
    assert {image.origin.kind for image in golden if image.origin} == {OriginKind.DESIGNED}
    assert all(image.origin is not None for image in golden)
    assert all(image.reference is not None for image in revision.images)
    assert sum(not image.boxes for image in golden) == 3
    films = [image for image in golden if image.name.startswith("golden-film")]
    assert {box.class_name for image in films for box in image.boxes} <= {"short", "spur", "copper"}
    assert len({image.group for image in revision.images}) == 24


def test_the_usual_golden_set_is_enough_for_the_gates_own_limits() -> None:
    usual = FirstLabels()
    assert usual.golden_solid + usual.golden_film >= 161
    assert usual.golden_good >= 59


def test_the_loops_line_changes_once_and_goes_on() -> None:
    plan = LoopPlan(out=Path("unused"), steady_parts=20, defect_rate=0.5)
    before, after = plan.line(parts=20), plan.line(first_part=20, parts=40)
    assert not any(fate_of(before, number).is_film for number in range(20))
    assert any(fate_of(after, number).is_film for number in range(20, 60))
    assert isinstance(after, DemoPlan)


def test_a_stretch_counts_films_apart_and_what_was_not_judged_in_no_rate() -> None:
    outcomes = [
        (True, True, Outcome.ESCAPE),
        (True, True, Outcome.HIT),
        (True, False, Outcome.HIT),
        (False, False, Outcome.FALSE_CALL),
        (False, False, Outcome.CORRECT_PASS),
        (True, True, Outcome.UNANSWERED),
        (True, False, Outcome.NOT_INSPECTED),
    ]
    stretch = Stretch.of(
        Passage(part(number, is_defective=is_defective, is_film=is_film), None, outcome, 1.0)
        for number, (is_defective, is_film, outcome) in enumerate(outcomes)
    )
    assert (stretch.parts, stretch.not_judged) == (7, 2)
    assert (stretch.films, stretch.film_escapes) == (2, 1)
    assert (stretch.solids, stretch.solid_escapes) == (1, 0)
    assert (stretch.good, stretch.false_calls) == (2, 1)
    assert stretch.escape_rate().units == 3
    assert stretch.film_escape_rate().estimate == pytest.approx(0.5)
    assert Verdict.NOT_INSPECTED.value not in stretch.releases


@pytest.mark.parametrize(
    "fields", [{"budget": 0}, {"epochs": 0}, {"parts_after": 0}, {"seed": -1}, {"annotator_errors": 1.1}], ids=str
)
def test_a_loop_that_shows_nothing_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        LoopPlan(**{"out": Path("unused"), **fields})  # type: ignore[arg-type]  # the test's own literals


def test_without_the_extras_it_says_which_and_how_to_get_them() -> None:
    with pytest.raises(DemoLacksExtras, match=r"label_studio_sdk is not installed: pip install 'lineside\[training,"):
        require_extras(lambda name: name != "label_studio_sdk")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(LineFailed, match="not empty"):
        asyncio.run(run_loop(LoopPlan(out=tmp_path), say=lambda _: None))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("is_promoted", [True, False], ids=["promoted", "refused"])
def test_the_page_says_what_the_gate_said_and_what_came_of_it(tmp_path: Path, *, is_promoted: bool) -> None:
    stretch = Stretch(30, 5, 4, 6, 0, 19, 1, 0, {"pcb-reference 1.0.0": 30})
    summary = LoopSummary(
        plan=LoopPlan(out=tmp_path),
        steady=stretch,
        before=stretch,
        after=stretch,
        reasons={"near_threshold": 7},
        labelled=Labelled(parts=7, defective=5, films=3, wrong=1),
        revision="0" * 64,
        candidate="pcb-reference 1.1.0",
        gate="passed" if is_promoted else "too_few",
        refusals=() if is_promoted else ("Overkill within the budget of 5.00 %: 2 of 20 <good> parts stopped",),
        serials=(1,) if is_promoted else (),
        retrain_page=tmp_path / "retraining" / "summary.html",
        seconds={"retraining": 61.0},
    )
    text = write_loop_page(summary, tmp_path).read_text("utf-8")
    assert ("it is live" in text) is is_promoted
    assert ("Why the gate refused" in text) is not is_promoted
    assert "<good>" not in text
    assert "4 of 11" in text
    assert json.loads((tmp_path / "loop.json").read_text("utf-8"))["after"]["escape_rate"]["of"] == 11
