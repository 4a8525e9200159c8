"""Judging a revision's parts as the line would, with a real detector that sees gray squares."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from blob_detector import BLOB_CLASSES, Blob, BlobModel, TinyRelease
from labelled_blobs import BlobImage, png, write_blob_revision
from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.errors import ReleaseUnverified
from lineside.inspection.release import Release, read_release
from lineside.inspection.verdict import Verdict
from lineside.training.errors import NothingToEvaluate
from lineside.training.evaluation import (
    Evaluation,
    EvaluationPlan,
    Rules,
    Truth,
    evaluate,
    judge_revision,
    read_subject,
)
from lineside.workflows.judging import open_judge
from lineside.workflows.pictures import PartPicture
from recipes import NOW, recipe

A, B, C = (16, 32), (64, 64), (112, 100)
"""Places on multiples of 4 px, where the detector is exact."""

ENGINE = "onnxruntime-fp32"
PLAN = EvaluationPlan(engine=ENGINE, timed_parts=0, resamples=20)
HEAD = """\
schema: lineside.recipe/1
id: board
version: 3
product: BRD
catalogue: {id: pcb, version: 1}
release: blobs
deadline_ms: 500
"""
SCALE = """\
scale:
  mm_per_px: 0.1
  calibration: {id: CAL-1, method: glass scale, at: 2026-01-01T00:00:00Z, expires_at: 2027-01-01T00:00:00Z}
"""


def blob(place: tuple[int, int], class_id: int = 0) -> Blob:
    return Blob(class_id, *place)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return read_release(TinyRelease().write(tmp_path_factory.mktemp("releases") / "blobs"))


@pytest.fixture(scope="module")
def comparing(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that looks at the difference to a reference."""
    model = BlobModel(kind="reference")
    return read_release(TinyRelease(model=model).write(tmp_path_factory.mktemp("releases") / "blobs"))


@pytest.fixture
def store(tmp_path: Path) -> RevisionStore:
    return RevisionStore(str(tmp_path / "store"))


@pytest.fixture
def judged(release: Release, store: RevisionStore) -> Callable[..., Evaluation]:
    """Evaluate these images."""

    def run(
        *images: BlobImage, plan: EvaluationPlan = PLAN, of: Release = release, classes: Sequence[str] = BLOB_CLASSES
    ) -> Evaluation:
        return evaluate(of, write_blob_revision(store, images, classes=classes), store, plan=plan, now=NOW)

    return run


def under(body: str, *, truth: Truth = Truth.LABELS) -> EvaluationPlan:
    rules = Rules(recipe(body, head=HEAD), {}, truth)
    return dataclasses.replace(PLAN, rules=rules, recipe_digest="ab" * 32)


MIXED = (
    BlobImage("hit", drawn=[blob(A)]),
    BlobImage("escape", labelled=[blob(A)]),
    BlobImage("pass"),
    BlobImage("overkill", drawn=[blob(A), blob(B, 2)], labelled=[]),
    BlobImage("wrong class", drawn=[blob(A, 1)], labelled=[blob(A, 0)]),
    BlobImage("half", drawn=[blob(A), blob(C, 3)], labelled=[blob(A), blob(B)]),
    BlobImage("blank", labelled=[blob(A)], is_blank=True),
)


def test_each_part_has_the_outcome_that_the_line_would_have_seen(judged: Callable[..., Evaluation]) -> None:
    evaluation = judged(*MIXED)
    parts = {part.part_id: part for part in evaluation.parts}
    assert {name: part.verdict.value for name, part in parts.items()} == {
        "hit": "NG",
        "escape": "OK",
        "pass": "OK",
        "overkill": "NG",
        "wrong class": "NG",
        "half": "NG",
        "blank": "NOT_INSPECTED",
    }
    assert {part.part_id for part in evaluation.escapes} == {"escape"}
    assert {part.part_id for part in evaluation.overkills} == {"overkill"}
    assert {name: part.false_calls for name, part in parts.items() if part.false_calls} == {"overkill": 2, "half": 1}
    [wrong] = parts["wrong class"].defects
    assert (wrong.is_found, wrong.is_right_class) == (True, False)
    assert [(each.is_found, each.confidence > 0.9) for each in parts["half"].defects] == [(True, True), (False, False)]
    assert parts["hit"].defects[0].size_px == 16.0
    assert parts["escape"].defects[0].confidence == 0.0


def test_the_figures_count_them(judged: Callable[..., Evaluation]) -> None:
    figures = judged(*MIXED).figures
    assert figures["counts"] == {
        "parts": 7,
        "groups": 7,
        "images": 7,
        "defective": 5,
        "good": 2,
        "defects": 6,
        "verdicts": {"OK": 2, "NG": 4, "NOT_INSPECTED": 1},
        "not_inspected": {"defective": 1, "good": 0},
    }
    assert (figures["escapes"]["events"], figures["escapes"]["units"]) == (1, 4), "NOT_INSPECTED is in no rate"
    assert (figures["overkill"]["events"], figures["overkill"]["units"]) == (1, 2)
    assert figures["escapes"]["lower"] < 0.25 < figures["escapes"]["upper"]
    assert figures["false_calls"]["count"] == 3
    assert figures["false_calls"]["per_part"][0] == pytest.approx(3 / 7, abs=1e-4)
    assert (figures["defects"]["found"]["events"], figures["defects"]["found"]["units"]) == (3, 6)
    assert figures["defects"]["right_class"]["events"] == 2
    labels = figures["confusion"]["labels"]
    cells = {
        (labels[row], labels[column]): count
        for row, counts in enumerate(figures["confusion"]["counts"])
        for column, count in enumerate(counts)
        if count
    }
    assert cells == {
        ("open", "open"): 2,
        ("open", "short"): 1,
        ("open", "background"): 3,
        ("background", "open"): 1,
        ("background", "mousebite"): 1,
        ("background", "spur"): 1,
    }
    assert figures["classes"] == {
        "labelled": ["open"],
        "unknown_to_release": [],
        "never_labelled": ["short", "mousebite", "spur", "copper", "pin-hole"],
    }


def test_an_evaluation_survives_its_file(judged: Callable[..., Evaluation]) -> None:
    evaluation = judged(*MIXED, plan=dataclasses.replace(PLAN, timed_parts=2))
    again = Evaluation.from_json(evaluation.to_json())
    assert again.parts == evaluation.parts
    assert again.to_json() == evaluation.to_json()
    assert again.latency_ms is not None
    assert again.latency_ms.parts == 2


def test_the_same_data_gives_the_same_evaluation(judged: Callable[..., Evaluation]) -> None:
    assert judged(*MIXED).to_json() == judged(*reversed(MIXED)).to_json()


def test_parts_are_judged_as_pictures_of_the_same_recipe_are(
    release: Release, store: RevisionStore, tmp_path: Path
) -> None:
    """Frames larger than the model's input too: tiles, united pieces, thresholds."""
    body = """\
limits: {open: {max_count: 1, confidence: 0.5}, spur: {max_count: 3}}
views: {default: {}}
"""
    images = [
        *MIXED,
        BlobImage("large", drawn=[blob((150, 150), 1), blob((400, 200), 2), blob((140, 30), 4)], size_wh_px=(480, 320)),
        BlobImage("tolerated", drawn=[blob(B)]),
        BlobImage("two", drawn=[blob(B), blob(C)]),
    ]
    (tmp_path / "recipe.yaml").write_text(HEAD + body)
    folder = TinyRelease().write(tmp_path / "release")
    evaluation = judge_revision(release, write_blob_revision(store, images), store, plan=under(body), now=NOW)
    pictures = []
    for part in evaluation.parts:
        path = tmp_path / f"{part.part_id}.png"
        path.write_bytes(store.image_bytes(part.first.image))
        pictures.append(PartPicture(path, None, part.part_id))
    with open_judge(folder, recipe_path=tmp_path / "recipe.yaml", engine_cache=None, engine=ENGINE) as judge:
        expected = [each.judgement for each in judge.judge_all(pictures)]
    assert [part.judgement for part in evaluation.parts] == expected
    assert {judgement.verdict for judgement in expected} == set(Verdict)


class TestRecipes:
    def test_what_the_labels_exceed_decides_only_if_asked(self, judged: Callable[..., Evaluation]) -> None:
        """One open is allowed: passing the part is an escape by its labels, and right by the recipe."""
        body = "limits: {open: {max_count: 1}}\nviews: {default: {}}\n"
        images = BlobImage("one", drawn=[blob(A)]), BlobImage("two", drawn=[blob(A), blob(B)])
        by_labels = judged(*images, plan=under(body))
        by_recipe = judged(*images, plan=under(body, truth=Truth.RECIPE))
        assert [part.part_id for part in by_labels.escapes] == ["one"]
        assert by_recipe.escapes == ()
        assert [part.is_defective for part in by_recipe.parts] == [False, True]
        assert (by_labels.truth, by_recipe.truth) == ("labels", "recipe")

    def test_the_recipe_s_threshold_decides(self, judged: Callable[..., Evaluation]) -> None:
        """A square half a step beside the detector's grid scores about 0.5."""
        faint = BlobImage("faint", drawn=[blob((18, 32))], labelled=[blob(A)])
        strict = judged(faint, plan=under("limits: {open: {confidence: 1.0}}\nviews: {default: {}}\n"))
        loose = judged(faint, plan=under("limits: {open: {confidence: 0.1}}\nviews: {default: {}}\n"))
        assert ([part.verdict for part in strict.parts], [part.verdict for part in loose.parts]) == (
            [Verdict.OK],
            [Verdict.NG],
        )
        assert strict.thresholds["open"] == 1.0
        assert strict.parts[0].defects[0].confidence == loose.parts[0].defects[0].confidence > 0

    def test_sizes_are_in_millimetres_where_the_recipe_has_a_scale(self, judged: Callable[..., Evaluation]) -> None:
        evaluation = judged(BlobImage("hit", drawn=[blob(A)]), plan=under(SCALE + "views: {default: {}}\n"))
        assert evaluation.parts[0].defects[0].size_mm == pytest.approx(1.6)
        assert evaluation.figures["size_recall"]["unit"] == "mm"

    def test_an_expired_calibration_makes_every_part_not_inspected(self, judged: Callable[..., Evaluation]) -> None:
        body = SCALE.replace("2027-01-01", "2026-05-01") + "views: {default: {}}\n"
        evaluation = judged(BlobImage("hit", drawn=[blob(A)]), plan=under(body, truth=Truth.RECIPE))
        assert evaluation.parts[0].verdict is Verdict.NOT_INSPECTED
        assert evaluation.parts[0].is_defective, "labels that no rule can be applied to stay defects"
        assert evaluation.figures["escapes"]["rate"] is None

    def test_views_of_a_part_are_judged_together(self, judged: Callable[..., Evaluation]) -> None:
        body = "limits: {open: {max_count: 1}}\nviews: {top: {}, bottom: {}}\n"
        images = [
            BlobImage("both", drawn=[blob(A)], view="top"),
            BlobImage("both", drawn=[blob(B)], view="bottom"),
            BlobImage("half seen", view="top"),
        ]
        both, half_seen = judged(*images, plan=under(body)).parts
        assert (both.verdict, len(both.defects), len(both.image_digests)) == (Verdict.NG, 2, 2)
        assert {defect.view for defect in both.defects} == {"top", "bottom"}
        assert half_seen.verdict is Verdict.NOT_INSPECTED

    def test_images_that_are_no_views_of_the_recipe_are_refused(self, judged: Callable[..., Evaluation]) -> None:
        images = BlobImage("p", view="left"), BlobImage("p", view="right")
        with pytest.raises(NothingToEvaluate, match=r"part 'p' has 2 images of the views left, right; recipe 'board'"):
            judged(*images, plan=under("views: {top: {}, bottom: {}}\n"))

    def test_parts_of_another_product_are_left_to_their_own_recipe(self, judged: Callable[..., Evaluation]) -> None:
        images = BlobImage("ours", product="BRD"), BlobImage("theirs", product="OTHER"), BlobImage("unsaid")
        evaluation = judged(*images, plan=under("views: {default: {}}\n"))
        assert [part.part_id for part in evaluation.parts] == ["ours", "unsaid"]
        with pytest.raises(NothingToEvaluate, match="recipe 'board' is for product 'BRD'; the parts are OTHER"):
            judged(BlobImage("theirs", product="OTHER"), plan=under("views: {default: {}}\n"))

    def test_two_images_of_one_view_are_one_part_without_a_recipe(self, judged: Callable[..., Evaluation]) -> None:
        """Revisions of crops have many images of a part, all of the view "default"."""
        first, second = BlobImage("p", drawn=[blob(A)], view="default"), BlobImage("p", view="other")
        [part] = judged(first, second).parts
        assert part.verdict is Verdict.NG


class TestReferences:
    def test_the_part_is_compared_with_its_own_reference(
        self, judged: Callable[..., Evaluation], comparing: Release
    ) -> None:
        images = BlobImage("hit", drawn=[blob(A)], has_reference=True), BlobImage("pass", has_reference=True)
        evaluation = judged(*images, of=comparing)
        assert [part.verdict for part in evaluation.parts] == [Verdict.NG, Verdict.OK]

    def test_images_without_a_reference_are_refused(
        self, judged: Callable[..., Evaluation], comparing: Release
    ) -> None:
        images = BlobImage("a"), BlobImage("b", has_reference=True)
        with pytest.raises(NothingToEvaluate, match="1 of 2 images have none, the first is 'a-default'"):
            judged(*images, of=comparing)

    def test_a_part_that_does_not_fit_its_reference_is_not_inspected(
        self, store: RevisionStore, comparing: Release
    ) -> None:
        revision = write_blob_revision(
            store, [BlobImage("a", drawn=[blob(A)], has_reference=True), BlobImage("b", has_reference=True)]
        )
        other = store.add_picture(_stripes(), source="stripes")
        swapped = dataclasses.replace(
            revision, images=tuple(dataclasses.replace(image, reference=other) for image in revision.images)
        )
        evaluation = evaluate(comparing, swapped, store, plan=PLAN, now=NOW)
        assert {part.verdict for part in evaluation.parts} == {Verdict.NOT_INSPECTED}
        assert evaluation.figures["detection"]["map50"][0] == 0.0, "what was not judged is missed"


class TestClasses:
    def test_names_are_matched_whatever_their_order(self, judged: Callable[..., Evaluation]) -> None:
        backwards = tuple(reversed(BLOB_CLASSES))
        image = BlobImage("hit", drawn=[blob(A, 1)], labelled=[blob(A, 4)], classes=backwards)
        [part] = judged(image, classes=backwards).parts
        assert [(defect.class_name, defect.is_right_class) for defect in part.defects] == [("short", True)]

    def test_a_labelled_class_that_the_release_does_not_know_is_named_and_missed(
        self, judged: Callable[..., Evaluation]
    ) -> None:
        classes = ("open", "burr")
        images = (
            BlobImage("burr", labelled=[blob(A, 1)], classes=classes),
            BlobImage("open", drawn=[blob(A)], classes=classes),
        )
        evaluation = judged(*images, classes=classes)
        assert evaluation.figures["classes"]["unknown_to_release"] == ["burr"]
        assert [part.part_id for part in evaluation.escapes] == ["burr"]
        assert evaluation.figures["detection"]["ap50_by_class"] == {"open": 1.0, "burr": 0.0}
        assert evaluation.figures["detection"]["map50"][0] == 0.5
        assert "burr" not in evaluation.thresholds

    def test_labels_of_nothing_that_the_release_knows_are_refused(self, judged: Callable[..., Evaluation]) -> None:
        image = BlobImage("x", labelled=[blob(A)], classes=("burr",))
        with pytest.raises(NothingToEvaluate, match="the labels are of burr: none in common"):
            judged(image, classes=("burr",))

    def test_good_parts_alone_show_overkill_and_nothing_else(self, judged: Callable[..., Evaluation]) -> None:
        figures = judged(BlobImage("pass"), BlobImage("overkill", drawn=[blob(A)], labelled=[])).figures
        assert (figures["overkill"]["events"], figures["overkill"]["units"]) == (1, 2)
        assert (figures["deeppcb"], figures["detection"]["map50"], figures["escapes"]["rate"]) == (None, None, None)
        assert (figures["escapes"]["lower"], figures["escapes"]["upper"]) == (0.0, 1.0)


def test_products_and_lines_have_figures_of_their_own(judged: Callable[..., Evaluation]) -> None:
    images = (
        BlobImage("a", drawn=[blob(A)], product="alpha", line="line-1"),
        BlobImage("b", labelled=[blob(A)], product="beta", line="line-1"),
        BlobImage("c", product="beta", line="line-1"),
    )
    figures = judged(*images).figures
    assert {name: record["escapes"]["events"] for name, record in figures["by_product"].items()} == {
        "alpha": 0,
        "beta": 1,
    }
    assert figures["by_product"]["beta"]["counts"]["good"] == 1
    assert figures["by_line"] == {}, "one line is all there is"


def test_only_the_splits_asked_for_are_judged(release: Release, store: RevisionStore) -> None:
    images = [BlobImage("a"), BlobImage("b", split=Split.TRAIN), BlobImage("c", split=None)]
    revision = write_blob_revision(store, images)
    golden = dataclasses.replace(PLAN, splits=(Split.GOLDEN,))
    evaluation = evaluate(release, revision, store, plan=golden, now=NOW)
    assert ([part.part_id for part in evaluation.parts], evaluation.splits) == (["a"], ("golden",))
    with pytest.raises(RevisionUnknown, match="no image in sealed"):
        evaluate(release, revision, store, plan=dataclasses.replace(PLAN, splits=(Split.SEALED,)), now=NOW)


class TestSubjects:
    """What can be judged: a release, or a finished training run."""

    def run_folder(self, tmp_path: Path, **changes: Any) -> Path:
        folder = tmp_path / "My Run_7"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(BlobModel().to_bytes())
        record = {"schema": "lineside.run/1", "status": "finished", "kind": "single", "catalogue": None, **changes}
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    def test_a_run_is_judged_with_one_threshold_for_all(self, store: RevisionStore, tmp_path: Path) -> None:
        release = read_subject(self.run_folder(tmp_path), run_threshold=0.4)
        assert (release.name, release.version, set(release.thresholds.values())) == ("my-run-7", "0", {0.4})
        evaluation = evaluate(release, write_blob_revision(store, MIXED), store, plan=PLAN, now=NOW)
        assert [part.part_id for part in evaluation.escapes] == ["escape"]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param({"status": "running"}, "expected a finished run", id="not finished"),
            pytest.param({"schema": "lineside.run/9"}, "expected a finished run", id="another schema"),
            pytest.param({"kind": "double"}, "no record of a training run", id="unknown kind"),
            pytest.param({"model_sha256": "00" * 32}, "not the model that", id="another model"),
        ],
    )
    def test_a_run_that_cannot_be_judged_is_refused(
        self, tmp_path: Path, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(NothingToEvaluate, match=message):
            read_subject(self.run_folder(tmp_path, **changes))

    def test_a_folder_with_neither_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(NothingToEvaluate, match=r"neither manifest.json nor run.json"):
            read_subject(tmp_path)

    def test_a_changed_release_is_refused(self, tmp_path: Path) -> None:
        folder = TinyRelease().write(tmp_path / "blobs")
        (folder / "model.onnx").write_bytes(b"another")
        with pytest.raises(ReleaseUnverified):
            read_subject(folder)


def _stripes() -> bytes:
    image = BlobImage("stripes").picture()
    image[:, ::8] = 255
    image[::6, :] = 128
    return png(image)
