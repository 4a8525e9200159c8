"""A day's queue from candidates and their pictures, and candidates from the server's answers."""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from blob_detector import Blob, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from labelled_blobs import png as blob_png
from lineside.datasets.errors import QueueRefused
from lineside.datasets.labelled import LabelledBox
from lineside.datasets.revisions import RevisionDraft, RevisionStore
from lineside.datasets.sampling import (
    Candidate,
    CandidateDefect,
    CandidateView,
    Disagreement,
    Labelled,
    PickReason,
    QueuePlan,
    QueueShares,
    load_shares,
    plan_queue,
    read_candidate,
    score_disagreement,
    tile_disagreement,
)
from lineside.datasets.sampling.shares import share_out
from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.detections import Detections
from lineside.inspection.release import starter_release_folder
from lineside.inspection.tiling import Tile
from lineside.inspection.verdict import Verdict
from queue_candidates import candidate


@cache
def png(seed: int, family: LayoutFamily = LayoutFamily.SURFACE_MOUNT) -> bytes:
    board = Board(BoardDesign(family, seed=11))
    return bytes(cv2.imencode(".png", board.sample(look=Look.CAMERA, seed=seed, defects=seed % 2).frame)[1])


def day(count: int) -> tuple[list[Candidate], dict[str, bytes]]:
    """Boards of one product, the last of another."""
    candidates = [candidate(number, peak=0.1 + number / 1000) for number in range(count)]
    pictures = {each.inspection_id: png(number) for number, each in enumerate(candidates)}
    pictures[candidates[-1].inspection_id] = png(count, LayoutFamily.BUS)
    return candidates, pictures


def planned(candidates: list[Candidate], pictures: dict[str, bytes], **given: Any) -> QueuePlan:
    asked: dict[str, Any] = {"budget": 3, "shares": QueueShares(), "seed": 1, "release": None} | given
    return plan_queue(candidates, lambda inspection_id, _: pictures.get(inspection_id), **asked)


@pytest.fixture
def labelled(memory_store: RevisionStore) -> Labelled:
    """Three labelled boards of the usual product, with a scratch each."""
    files = [memory_store.add_picture(png(100 + number), source="board") for number in range(3)]
    plain = write_blob_revision(memory_store, [BlobImage(f"p{number}") for number in range(3)])
    images = tuple(
        type(each)(
            name=each.name,
            part_id=each.part_id,
            group=each.group,
            image=file,
            boxes=(LabelledBox("scratch", (1, 1, 9, 9)), LabelledBox("scratch", (20, 20, 29, 29))),
        )
        for each, file in zip(plain.images, files, strict=True)
    )
    revision = memory_store.write(
        RevisionDraft(classes=("scratch",), images=images, source="drawn", licence_note="ours")
    )
    return Labelled(revision.images, memory_store.image_bytes)


def test_the_stranger_is_novel_and_says_how_far_it_is(labelled: Labelled) -> None:
    candidates, pictures = day(8)
    seen: list[tuple[int, int]] = []
    plan = planned(
        candidates,
        pictures,
        budget=1,
        shares=QueueShares.of({"novelty": 1}),
        labelled=labelled,
        on_image=lambda done, of: seen.append((done, of)),
    )
    [made] = plan.picks
    assert (made.inspection_id, made.reason) == ("i00007", PickReason.NOVELTY)
    assert made.why.startswith("looks new: ")
    assert made.why.endswith("from the nearest of 3 labelled images")
    assert seen == [(done, 11) for done in range(1, 12)]


def test_labels_count_images_not_boxes(labelled: Labelled) -> None:
    assert labelled.counts == {"scratch": 3}
    candidates, pictures = day(2)
    candidates.append(candidate(9, defects={"scratch": 0.9}))
    pictures["i00009"] = png(9)
    plan = planned(candidates, pictures, budget=1, shares=QueueShares.of({"rare_class": 1}), labelled=labelled)
    assert plan.picks[0].why == "the model says scratch; it would be label 4 of it"


def test_the_same_day_gives_the_same_queue_in_whatever_order(labelled: Labelled) -> None:
    candidates, pictures = day(10)
    first = planned(candidates, pictures, budget=6, labelled=labelled)
    assert planned(candidates[::-1], pictures, budget=6, labelled=labelled) == first
    assert {each.reason for each in first.picks} >= {PickReason.RANDOM, PickReason.NOVELTY, PickReason.DIVERSITY}


def test_a_copy_is_dropped_and_a_picture_that_is_gone_is_no_candidate() -> None:
    candidates, pictures = day(6)
    pictures["i00004"] = pictures["i00003"]
    del pictures["i00001"]
    plan = planned(candidates, pictures, budget=6, shares=QueueShares.of({"near_threshold": 1}))
    assert {each.inspection_id for each in plan.picks} == {"i00000", "i00002", "i00003", "i00005"}
    assert [(copy.inspection_id, copy.copy_of) for copy in plan.dropped] == [("i00004", "i00003")]
    assert plan.notes[-1] == "1 candidate(s) are left out, an image of theirs is gone: i00001"


def test_a_picture_that_cannot_be_read_is_told_and_the_part_stays_a_candidate() -> None:
    candidates, pictures = day(3)
    pictures["i00001"] = b"no picture"
    plan = planned(candidates, pictures)
    assert {each.inspection_id for each in plan.picks} == {"i00000", "i00001", "i00002"}
    assert plan.notes[-1].startswith(
        "1 candidate(s) cannot be looked at, so neither diversity nor novelty sees them: v"
    )


def test_of_a_large_day_the_uncertain_and_a_draw_are_looked_at() -> None:
    candidates, pictures = day(12)
    read: list[str] = []

    def image(inspection_id: str, _: str) -> bytes:
        read.append(inspection_id)
        return pictures[inspection_id]

    plan = plan_queue(candidates, image, budget=2, shares=QueueShares(), seed=5, release=None, most_looked_at=4)
    assert {"i00011", "i00010"} < set(read), "nearest to the threshold"
    assert len(set(read)) == 4
    assert plan.notes[-1].startswith("the pictures of 4 of 12 candidates were looked at: the most uncertain ones")


def test_a_day_without_candidates_is_an_empty_queue() -> None:
    assert planned([], {}).picks == ()


HEAD = "schema: lineside.queue/1\n"
ANSWER: dict[str, Any] = {
    "inspection_id": "0199",
    "part_id": "p-1",
    "station": "aoi-1",
    "line": "line-1",
    "judged_at": "2026-03-02T06:00:00.123456Z",
    "verdict": "NG",
    "audit": False,
    "audit_probability": 0.05,
    "operator_report": True,
    "views": [{"view": "top", "digest": "0" * 64, "media_type": "image/png", "kept": True, "peak_score": 0.8}],
    "defects": [{"view": "top", "class_name": "open", "confidence": 0.8, "box_xyxy_px": [1, 2, 3, 4]}],
    "thresholds": {"open": 0.4},
    "disagreement": {"deployment_id": "d-1", "verdict_differs": True},
    "kept_probability": 0.25,
}


def test_the_server_s_answer_becomes_a_candidate() -> None:
    read = read_candidate(ANSWER)
    assert (read.verdict, read.views) == (Verdict.NG, (CandidateView("top", "0" * 64, 0.8),))
    assert read.defects == (CandidateDefect("top", "open", 0.8),)
    assert read.audit_probability is None, "the chance that it had, not a draw"
    assert (read.is_reported, read.kept_probability) == (True, 0.25)
    assert read.disagreements == (Disagreement("live and shadow", 1.0),)
    drawn = read_candidate(ANSWER | {"audit": True, "disagreement": {"deployment_id": "d", "verdict_differs": False}})
    assert (drawn.audit_probability, drawn.disagreements[0].strength) == (0.05, 0.5)
    assert read_candidate(ANSWER | {"disagreement": None}).disagreements == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"verdict": "NOT_INSPECTED"}, "was not inspected", id="not inspected"),
        pytest.param({"verdict": "MAYBE"}, "'MAYBE' is not a valid Verdict", id="another verdict"),
        pytest.param({"judged_at": "2026-03-02T06:00:00"}, "has no time zone", id="no time zone"),
        pytest.param({"judged_at": None}, "cannot be used", id="no instant"),
        pytest.param({"views": []}, "no id or no image", id="no image"),
        pytest.param({"thresholds": {"open": 4}}, "expected a number in", id="no threshold"),
        pytest.param({"audit": True, "audit_probability": 0.0}, "expected above 0", id="an impossible draw"),
        pytest.param({"defects": [{"view": "top", "class_name": "open", "confidence": 2}]}, r"in \[0, 1\]", id="score"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(QueueRefused, match=message):
        read_candidate(ANSWER | change)


def test_an_answer_of_another_version_is_refused() -> None:
    with pytest.raises(QueueRefused, match="lacks 'station'; server and command are of other versions"):
        read_candidate({name: value for name, value in ANSWER.items() if name != "station"})


def test_shares_come_from_a_file() -> None:
    shares = load_shares("schema: lineside.queue/1\nshares: {random: 0.3, near_threshold: 0.7}\n")
    assert shares == QueueShares.of({"random": 0.3, "near_threshold": 0.7})
    assert shares.by_reason[PickReason.NOVELTY] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("shares: {random: 1}", "schema: required, but not there", id="no schema"),
        pytest.param("{}", "required, but not there", id="empty"),
        pytest.param(f"{HEAD}random: 1", "unknown key 'random'", id="not below shares"),
        pytest.param(f"{HEAD}shares: {{radnom: 1}}", r"2: shares.radnom: .*did you mean 'random'\?", id="mistyped"),
        pytest.param(f"{HEAD}shares: {{random: 0.5}}", r"2: shares: .*add up to 0.5; expected 1", id="not 1"),
        pytest.param(f"{HEAD}shares: {{random: 2, novelty: -1}}", "less than or equal to 1", id="no shares"),
        pytest.param(f"{HEAD}shares: {{random: .nan}}", "shares.random", id="no number"),
        pytest.param(f"{HEAD}shares: {{audit: 1}}", "unknown key 'audit'", id="audits have no share"),
    ],
)
def test_a_file_of_shares_that_says_nothing_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(QueueRefused, match=message):
        load_shares(text, source="queue.yaml")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        pytest.param({"random": 0.5}, "add up to 0.5; expected 1", id="not 1"),
        pytest.param({"random": 1.5, "novelty": -0.5}, "the share of novelty is -0.5", id="below 0"),
        pytest.param({"audit": 1.0}, "no places can be shared out to audit", id="unknown"),
        pytest.param({"random": float("nan")}, "the share of random is nan", id="no number"),
    ],
)
def test_shares_that_are_none_are_refused(shares: dict[str, float], message: str) -> None:
    with pytest.raises(QueueRefused, match=message):
        QueueShares.of(shares)


def test_places_go_to_the_largest_remainder_and_never_beyond_what_a_reason_can_use() -> None:
    a, b, c = PickReason.RANDOM, PickReason.NOVELTY, PickReason.DIVERSITY
    plenty = {a: 99, b: 99, c: 99}
    assert share_out(10, {a: 0.5, b: 0.3, c: 0.2}, plenty) == {a: 5, b: 3, c: 2}
    assert share_out(7, {a: 0.5, b: 0.3, c: 0.2}, plenty) == {a: 4, b: 2, c: 1}
    assert share_out(10, {a: 0.5, b: 0.3, c: 0.2}, {a: 1, b: 99, c: 99}) == {a: 1, b: 5, c: 4}
    assert share_out(10, {a: 0.5, b: 0.5, c: 0.0}, {a: 2, b: 3, c: 99}) == {a: 2, b: 3, c: 0}
    assert share_out(0, {a: 1.0, b: 0.0, c: 0.0}, plenty) == {a: 0, b: 0, c: 0}


def found(*boxes: tuple[float, float, float, float], score: float = 0.7, class_id: int = 0) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, score, np.float32),
        np.full(count, class_id, np.int64),
    )


@pytest.mark.parametrize(
    ("first", "second", "strength"),
    [
        pytest.param(found((110, 10, 120, 20)), found((110, 10, 121, 20)), None, id="both see it"),
        pytest.param(found((110, 10, 120, 20)), found(), 0.7, id="one sees it"),
        pytest.param(found(), found((110, 10, 120, 20)), 0.7, id="the other sees it"),
        pytest.param(found((110, 10, 120, 20)), found((110, 10, 120, 20), class_id=1), 0.7, id="another class"),
        pytest.param(found((40, 10, 60, 20)), found(), None, id="outside the overlap"),
        pytest.param(found((92, 10, 128, 20)), found(), None, id="cut by the overlap's edge"),
        pytest.param(found((110, 10, 120, 20), score=0.01), found(), None, id="nothing to speak of"),
        pytest.param(found(), found(), None, id="nothing at all"),
    ],
)
def test_tiles_disagree_about_what_both_see(first: Detections, second: Detections, strength: float | None) -> None:
    tiles = (Tile(0, 0, 130, 130), Tile(100, 0, 230, 130))
    disagreement = tile_disagreement(tiles, [first, second])
    if strength is None:
        assert disagreement is None
    else:
        assert disagreement is not None
        assert disagreement.between == "tiles"
        assert disagreement.strength == pytest.approx(strength)


def test_engines_disagree_by_their_largest_difference() -> None:
    said = score_disagreement({"open": 0.4, "short": 0.9}, {"open": 0.7}, between="two engines")
    assert said is not None
    assert said.between == "two engines"
    assert said.strength == pytest.approx(0.9)
    assert score_disagreement({"open": 0.4}, {"open": 0.41}, between="two engines") is None
    assert score_disagreement({}, {}, between="two engines", least=0.0) is None


def blob_day(folder: Path, *, peaks: list[float]) -> tuple[Path, list[Candidate], dict[str, bytes]]:
    """Pictures with one blob that the tiny release sees surely, and the peaks that the line is said to have seen."""
    parts = [BlobImage(f"p{at}", drawn=[Blob(0, 8, 64)]) for at in range(len(peaks))]
    pictures = {f"i{at:05}": blob_png(part.picture()) for at, part in enumerate(parts)}
    seen = [candidate(at, peak=peak, station=f"aoi-{at}") for at, peak in enumerate(peaks)]  # else they were copies
    return TinyRelease().write(folder / "blobs"), seen, pictures


def test_a_second_look_finds_the_part_of_which_another_engine_says_something_else(tmp_path: Path) -> None:
    release, candidates, pictures = blob_day(tmp_path, peaks=[1.0, 0.3, 1.0])
    shares = QueueShares.of({"disagreement": 1})
    asked: dict[str, Any] = {"budget": 3, "shares": shares, "release": release}
    assert planned(candidates, pictures, **asked).picks == ()

    [made] = planned(candidates, pictures, is_looking_twice=True, **asked).picks
    assert (made.inspection_id, made.reason) == ("i00001", PickReason.DISAGREEMENT)
    assert made.why == "the line and blobs 1.0.0 on onnxruntime-fp32 disagree on it (strength 0.70)"


def test_a_second_look_sees_nothing_without_the_reference_that_the_release_compares_with() -> None:
    """The second board has a defect, and the line is said to have seen next to nothing."""
    candidates, pictures = day(3)
    shares = QueueShares.of({"disagreement": 1})
    starter = starter_release_folder("pcb-reference")
    blind = planned(candidates, pictures, shares=shares, release=starter, is_looking_twice=True)
    assert blind.picks == ()

    golden = Board(BoardDesign(LayoutFamily.SURFACE_MOUNT, seed=11)).golden(look=Look.CAMERA)
    seen = planned(
        candidates,
        pictures,
        shares=shares,
        release=starter,
        is_looking_twice=True,
        references=lambda *_: blob_png(golden),
    )
    assert "i00001" in {each.inspection_id for each in seen.picks}
