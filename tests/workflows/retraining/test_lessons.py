"""What a retraining taught: both releases on the same parts, with pictures and the story of each label."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from blob_detector import BLOB_CLASSES
from gate_releases import ENGINE, labelled, write_release
from lineside.datasets.labelled import LabelledImage, SampleOrigin, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.inspection.release import MANIFEST_NAME, Role, SigningKey, parse_manifest
from lineside.inspection.verdict import Verdict
from lineside.training.registry import Registry
from lineside.workflows.retraining import Change, Lessons, LiveGiven, RetrainPlan, SetComparison
from lineside.workflows.retraining.comparing import ChangedPart, Errors
from lineside.workflows.retraining.course import Teller
from lineside.workflows.retraining.judging import compare, gate
from lineside.workflows.retraining.labels import LabelNote, LabelNotes, by_reason, newly_labelled
from lineside.workflows.retraining.lessons import parts_that_chose
from lineside.workflows.retraining.live import LiveName, LiveRelease
from lineside.workflows.retraining.progress import Step, nobody_listens

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
EVIL = "<script>alert('x')</script>"
BLIND = 1
"""The class that one of the releases does not see."""

NOTES = LabelNotes(
    {
        "insp-0": LabelNote(
            inspection_id="insp-0",
            part_id="P-0",
            reason="near_threshold",
            annotator=EVIL,
            minutes=1.5,
            task_urls=("http://127.0.0.1:8480/projects/1/data?task=7",),
        ),
        "insp-1": LabelNote(inspection_id="insp-1", part_id="P-1", reason="audit", annotator="kim", minutes=0.5),
    }
)


def write_revision(store: RevisionStore) -> Revision:
    """Golden parts with every class and without one; four newly labelled ones, two of them in val."""
    images: list[LabelledImage] = []
    for number in range(6):
        golden = labelled(store, f"golden-{number}", "alpha", (number % 3,), Split.GOLDEN)
        images.append(replace(golden, part_id=f"{EVIL}{number}") if number % 3 == BLIND else golden)
    images += [labelled(store, f"good-{number}", "alpha", (), Split.GOLDEN) for number in range(2)]
    images.append(labelled(store, "old", "alpha", (0,), Split.TRAIN))
    for number, split in enumerate((Split.VAL, Split.VAL, Split.TRAIN, Split.TRAIN)):
        new = labelled(store, f"P-{number}/insp-{number}/default", "alpha", (BLIND,) if number % 2 == 0 else (), split)
        images.append(replace(new, origin=SampleOrigin.picked("near_threshold")))
    return store.write(
        RevisionDraft(classes=BLOB_CLASSES, images=tuple(images), source="drawn", licence_note="made by this test")
    )


class Bench:
    """Two releases, of which one is blind to a class, and the revision that both are judged on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = RevisionStore(str(folder / "datasets"))
        self.registry = Registry(str(folder / "registry"))
        self.revision = write_revision(self.store)
        self.seeing = write_release(folder / "seeing", version="2.0.0", revision=self.revision.id)
        self.blind = write_release(folder / "blind", version="1.0.0", blind_to=(BLIND,), revision=None)

    def compare(self, *, live: Path, candidate: Path) -> tuple[Lessons, str]:
        """The lessons of a candidate, and the page."""
        out = self.folder / f"out-{candidate.name}"
        plan = RetrainPlan(
            out=out,
            store=self.store.url,
            registry=self.registry.storage.url,
            revision=self.revision.id,
            live=LiveGiven(str(live)),
            build_key=SigningKey.generate(Role.BUILD),
            engine=ENGINE,
        )
        beaten, built = (
            parse_manifest((path / MANIFEST_NAME).read_bytes(), source="test") for path in (live, candidate)
        )
        self.registry.add(candidate)
        at_hand = LiveRelease(LiveName(beaten.name, beaten.version, "0" * 64), str(live), live, beaten, None)
        teller = Teller(Step.COMPARE, nobody_listens, lambda: 0.0)
        gated = gate(
            plan,
            at_hand,
            name=built.name,
            version=built.version,
            revision=self.revision.id,
            clock=lambda: NOW,
            teller=teller,
        )
        compare(
            plan,
            at_hand,
            division={"revision": self.revision.id, "joined": {}, "set_aside": {"P-9/x/default": EVIL}},
            trained={
                "start": EVIL,
                "images": {"train": 3, "val": 2},
                "seconds": 60.0,
                "epochs_done": 2,
                "best_epoch": 1,
                "ended_by": "epochs",
            },
            built={"name": built.name, "version": built.version},
            gated=gated.outputs,
            notes=NOTES,
            clock=lambda: NOW,
            teller=teller,
        )
        return Lessons.read(out / "lessons.json"), (out / "summary.html").read_text("utf-8")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def better(bench: Bench) -> tuple[Lessons, str]:
    return bench.compare(live=bench.blind, candidate=bench.seeing)


def test_a_candidate_that_sees_more_has_fixed_escapes(better: tuple[Lessons, str], bench: Bench) -> None:
    lessons = better[0]
    assert lessons.golden.counts == {
        Change.ESCAPE_FIXED: 2,
        Change.NEW_ESCAPE: 0,
        Change.FALSE_CALL_REMOVED: 0,
        Change.NEW_FALSE_CALL: 0,
    }
    assert (lessons.golden.defective, lessons.golden.good) == (6, 2)
    assert (lessons.golden.live.escapes, lessons.golden.candidate.escapes) == (2, 0)
    assert {each.part_id for each in lessons.golden.changed} == {f"{EVIL}1", f"{EVIL}4"}
    assert [each.part_id for each in lessons.new_val.changed] == ["P-0/insp-0/default"]
    assert (lessons.new_val.parts, lessons.new_val.defective) == (2, 1)


def test_the_labels_are_counted_by_their_reason_with_the_minutes_they_took(better: tuple[Lessons, str]) -> None:
    lessons = better[0]
    rows = {row.reason: (row.train, row.val, row.defective, row.minutes) for row in lessons.reasons}
    assert rows == {
        "near_threshold": (2, 1, 2, 1.5),
        "audit": (0, 1, 0, 0.5),
        "imported": (1, 0, 1, None),
    }
    assert (lessons.new_images, lessons.minutes) == (5, 2.0)


class Tags(HTMLParser):
    """Collects what a page holds."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        said = dict(attrs)
        if tag == "a":
            self.links.append(said["href"] or "")
        if tag == "img":
            self.pictures.append(said["src"] or "")


def test_the_page_shows_each_changed_part_and_runs_nothing(better: tuple[Lessons, str]) -> None:
    page = better[1]
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert len(tags.pictures) == 3
    assert all(source.startswith("data:image/svg+xml;base64,") for source in tags.pictures)
    assert "http://127.0.0.1:8480/projects/1/data?task=7" in tags.links
    assert "judged-val/report.html" in tags.links
    text = re.sub(r"<[^>]*>", " ", page)
    assert "Labelled by &lt;script&gt;" in text
    assert "Label minutes used" in text
    assert "0.0% [0.0%, 45.9%]" in text  # no escape among six defective parts, exact
    assert "33.3% [4.3%, 77.7%]" in text
    assert "not used because it is" in text


def test_a_candidate_that_sees_less_has_new_escapes(bench: Bench) -> None:
    lessons, page = bench.compare(live=bench.seeing, candidate=bench.blind)
    assert lessons.golden.counts[Change.NEW_ESCAPE] == 2
    assert lessons.golden.counts[Change.ESCAPE_FIXED] == 0
    assert lessons.new_images == 0  # the live release was trained on this very revision
    assert lessons.new_val.parts == 0
    assert "New escape: &lt;script&gt;" in page
    assert "There is no such part." in page


def test_luck_alone_is_told_from_a_difference() -> None:
    fixed = tuple(ChangedPart(f"p{n}", Change.ESCAPE_FIXED, Verdict.OK, Verdict.NG) for n in range(6))
    one = (ChangedPart("q", Change.NEW_ESCAPE, Verdict.NG, Verdict.OK),)
    better = SetComparison(40, 40, Errors(6, 0, 0), Errors(0, 0, 0), fixed)
    assert better.chance_of_luck(Change.ESCAPE_FIXED, Change.NEW_ESCAPE) == pytest.approx(2**-6)
    unsure = SetComparison(40, 40, Errors(1, 0, 0), Errors(1, 0, 0), (fixed[0], *one))
    assert unsure.chance_of_luck(Change.ESCAPE_FIXED, Change.NEW_ESCAPE) > 0.4
    assert SetComparison.from_json(better.to_json()) == better


def test_a_label_is_new_where_the_live_release_learnt_another_or_none(bench: Bench) -> None:
    revision = bench.revision
    learnt = {image.name for image in revision.of_split(Split.TRAIN, Split.VAL)}
    assert not newly_labelled(revision, learnt_by_live=revision.images, joined={})
    relabelled = replace(
        revision,
        images=tuple(
            replace(image, boxes=(), is_declared_good=True) if image.name == "old" else image
            for image in revision.images
        ),
    )
    assert [image.name for image in newly_labelled(relabelled, learnt_by_live=revision.images, joined={})] == ["old"]
    of_starter = {image.name for image in newly_labelled(revision, learnt_by_live=(), joined={})}
    assert of_starter == learnt
    unknown = {image.name for image in newly_labelled(revision, learnt_by_live=None, joined={})}
    assert unknown == learnt - {"old"}
    [row] = by_reason([image for image in revision.images if image.name == "old"], LabelNotes())
    assert (row.reason, row.minutes) == ("imported", None)


def test_a_part_of_which_one_view_is_newly_labelled_is_judged_whole(bench: Bench) -> None:
    """Its other view decides its verdict too, and whether it is defective."""
    first, second, *rest = bench.revision.of_split(Split.VAL)
    known = replace(second, part_id=first.part_id, view="bottom")
    revision = replace(bench.revision, images=(first, known, *rest, *bench.revision.of_split(Split.TRAIN)))
    assert parts_that_chose([first], revision) == (first, known)
    assert parts_that_chose(revision.of_split(Split.TRAIN), revision) == ()
