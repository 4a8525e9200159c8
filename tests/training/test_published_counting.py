"""Our counting of DeepPCB's protocol against the files that `lineside predict` writes, counted as published."""

from pathlib import Path

import pytest

from lineside.datasets.labelled import LabelledBox, LabelledImage
from lineside.datasets.revisions import RevisionDraft, RevisionStore
from lineside.inspection.release import read_release, starter_release_folder
from lineside.training.evaluation import EvaluationPlan, JudgedImage, judge_revision, protocol_curve
from lineside.workflows.judging import open_judge
from lineside.workflows.pictures import PartPicture, find_parts, read_list
from lineside.workflows.predicting import predict_all
from published_counting import CLASSES, published_figures
from recipes import NOW

ENGINE = "onnxruntime-fp32"
LEAST = 0.01


@pytest.fixture(scope="module")
def some_parts(deeppcb_root: Path) -> list[PartPicture]:
    """Boards from every group, as the published list names them."""
    return list(read_list(deeppcb_root / "trainval.txt"))[::170]


@pytest.fixture(scope="module")
def annotations(deeppcb_root: Path) -> dict[str, Path]:
    pairs = (line.split() for line in (deeppcb_root / "trainval.txt").read_text().splitlines() if line.strip())
    return {Path(image).stem: deeppcb_root / annotation for image, annotation in pairs}


def evaluated(
    parts: list[PartPicture], annotations: dict[str, Path], store: RevisionStore, name: str
) -> tuple[list[JudgedImage], float]:
    """What `lineside evaluate` finds in these pictures, and the threshold that it states."""
    images = []
    for part in parts:
        rows = (line.split() for line in annotations[part.name].read_text().splitlines() if line.strip())
        boxes = [
            LabelledBox(CLASSES[int(kind) - 1], (int(left), int(top), int(right), int(bottom)))
            for left, top, right, bottom, kind in rows
        ]
        assert part.reference is not None
        file, reference = (
            store.add_picture(path.read_bytes(), source=path.name) for path in (part.path, part.reference)
        )
        images.append(
            LabelledImage(
                name=part.name,
                part_id=part.name,
                group=part.name[:5],
                image=file,
                reference=reference,
                boxes=tuple(boxes),
            )
        )
    draft = RevisionDraft(classes=CLASSES, images=tuple(images), source="DeepPCB", licence_note="research only")
    release = read_release(starter_release_folder(name))
    plan = EvaluationPlan(engine=ENGINE, timed_parts=0, resamples=1)
    judged = judge_revision(release, store.write(draft), store, plan=plan, now=NOW)
    by_part = {part.part_id: part.views[0].judged for part in judged.parts}
    return [by_part[part.name] for part in parts], judged.evaluation.figures["deeppcb"]["threshold"]


@pytest.mark.parametrize("name", ["pcb-single", "pcb-reference"])
def test_our_figures_are_those_of_the_written_files(
    some_parts: list[PartPicture], annotations: dict[str, Path], tmp_path: Path, name: str
) -> None:
    """One set of files from a low confidence on for mAP, one from the stated threshold on for F; no digit differs."""
    judged, best = evaluated(some_parts, annotations, RevisionStore(str(tmp_path / "store")), name)
    curve = protocol_curve(judged)
    chosen = {part.name: annotations[part.name] for part in some_parts}
    with open_judge(starter_release_folder(name), recipe_path=None, engine_cache=None, engine=ENGINE) as judge:
        for folder, confidence in ((tmp_path / "all", LEAST), (tmp_path / "best", best)):
            written = list(predict_all(judge, some_parts, confidence=confidence, out=folder))
            assert len(written) == len(some_parts)
    everything = published_figures(chosen, tmp_path / "all")
    at_best = published_figures(chosen, tmp_path / "best")
    assert curve.average_precision() == pytest.approx(everything.average_precision, rel=1e-12)
    assert curve.counts_at(LEAST) == pytest.approx(
        (everything.precision, everything.recall, everything.f_score), rel=1e-12
    )
    assert curve.counts_at(best) == pytest.approx((at_best.precision, at_best.recall, at_best.f_score), rel=1e-12)
    assert at_best.f_score > everything.f_score, "the threshold was worth choosing"
    assert everything.average_precision > 0.7


def test_files_have_whole_pixels_and_fall_in_confidence(some_parts: list[PartPicture], tmp_path: Path) -> None:
    folder = starter_release_folder("pcb-single")
    with open_judge(folder, recipe_path=None, engine_cache=None, engine=ENGINE) as judge:
        [(part, count)] = predict_all(judge, some_parts[:1], confidence=LEAST, out=tmp_path)
    lines = (tmp_path / f"{part.name}.txt").read_text().splitlines()
    assert len(lines) == count > 3
    confidences = []
    for line in lines:
        *sides, confidence, name = line.split(",")
        assert all(side == str(int(side)) for side in sides)
        assert name in CLASSES
        confidences.append(float(confidence))
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize("name", ["pcb-single", "pcb-reference"])
def test_a_folder_of_pairs_gives_the_same_files_as_the_published_list(
    some_parts: list[PartPicture], tmp_path: Path, name: str
) -> None:
    """In a folder a part is named by its picture's file, NNNN_test; in the list by its line, NNNN."""
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for part in some_parts[:1]:
        assert part.reference is not None
        for path in (part.path, part.reference):
            (pairs / path.name).write_bytes(path.read_bytes())
    parts = find_parts([pairs])
    assert [(part.name, part.reference is not None) for part in parts] == [
        (f"{part.name}_test", True) for part in sorted(some_parts[:1], key=lambda part: part.name)
    ]
    with open_judge(starter_release_folder(name), recipe_path=None, engine_cache=None, engine=ENGINE) as judge:
        list(predict_all(judge, parts, confidence=LEAST, out=tmp_path / "folder"))
        list(predict_all(judge, some_parts[:1], confidence=LEAST, out=tmp_path / "list"))
    for part in some_parts[:1]:
        assert (tmp_path / "folder" / f"{part.name}_test.txt").read_text() == (
            tmp_path / "list" / f"{part.name}.txt"
        ).read_text()
