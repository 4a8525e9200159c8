"""The check finds what is planted in a revision, and the page shows it."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.checking import (
    CheckOptions,
    CheckReport,
    Finding,
    FindingKind,
    Level,
    check_revision,
    contact_sheet,
    write_report,
)
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.frames import Image

OPEN = LabelledBox("open", (20, 20, 50, 40))
SHORT = LabelledBox("short", (80, 90, 120, 130))


def picture_of(seed: int) -> Image:
    """A gray picture that no other seed gives."""
    random = np.random.default_rng(seed)
    picture = np.full((160, 160), 90, np.uint8)
    for x, y, radius in zip(*random.integers(10, 150, (2, 14)), random.integers(3, 12, 14), strict=True):
        cv2.circle(picture, (int(x), int(y)), int(radius), int(random.integers(130, 255)), -1)
    return picture


def jpeg(picture: Image, quality: int) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RevisionStore:
    return RevisionStore(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def sound(store: RevisionStore) -> tuple[LabelledImage, ...]:
    """Twelve parts, good and defective, in three splits, of which nothing can be said against."""
    splits = [Split.TRAIN] * 6 + [Split.VAL] * 3 + [Split.GOLDEN] * 3
    boxes: Sequence[tuple[LabelledBox, ...]] = [(), (OPEN, SHORT), (SHORT, OPEN)] * 4
    return tuple(
        LabelledImage(
            name=f"part-{at}",
            part_id=f"part-{at}",
            group=f"lot-{at}",
            image=store.add_picture(jpeg(picture_of(at), 95), source="a part"),
            boxes=boxes[at],
            is_declared_good=not boxes[at],
            split=splits[at],
        )
        for at in range(12)
    )


def revision_of(store: RevisionStore, images: Sequence[LabelledImage]) -> Revision:
    classes = tuple(sorted({"open", "short"} | {box.class_name for image in images for box in image.boxes}))
    return store.write(RevisionDraft(classes=classes, images=tuple(images), source="<a test>", licence_note="none"))


def check(store: RevisionStore, images: Sequence[LabelledImage], *, copies: bool = False) -> CheckReport:
    options = CheckOptions(catalogue=builtin_catalogue("pcb"), rare_boxes=1, is_searching_copies=copies)
    return check_revision(store, revision_of(store, images), options)


def found(report: CheckReport, kind: FindingKind) -> Finding:
    return next(finding for finding in report.findings if finding.kind is kind)


def test_a_sound_revision_has_no_finding(store: RevisionStore, sound: tuple[LabelledImage, ...]) -> None:
    report = check(store, sound, copies=True)

    assert report.findings == ()
    assert report.balance.total.boxes == {"open": 8, "short": 8}
    assert [(each.name, each.images, each.good) for each in report.balance.splits] == [
        ("train", 6, 2),
        ("val", 3, 1),
        ("golden", 3, 1),
    ]


LABEL_FAULTS = [
    (
        "one defect boxed twice",
        (OPEN, LabelledBox("open", (21, 20, 50, 40))),
        FindingKind.DUPLICATE_BOX,
        Level.ERROR,
    ),
    ("two classes", (OPEN, LabelledBox("short", OPEN.box_xyxy_px)), FindingKind.TWO_CLASSES, Level.WARNING),
    ("tiny", (LabelledBox("open", (5, 5, 40, 9)),), FindingKind.TINY_BOX, Level.WARNING),
    ("unknown", (LabelledBox("glue", (5, 5, 40, 40)),), FindingKind.UNKNOWN_CLASS, Level.ERROR),
]


@pytest.mark.parametrize(("label", "boxes", "kind", "level"), LABEL_FAULTS, ids=[row[0] for row in LABEL_FAULTS])
def test_faults_of_labels_are_found_where_they_are(
    store: RevisionStore,
    sound: tuple[LabelledImage, ...],
    label: str,
    boxes: tuple[LabelledBox, ...],
    kind: FindingKind,
    level: Level,
) -> None:
    images = [replace(sound[1], boxes=boxes), *sound[2:], sound[0]]

    finding = found(check(store, images), kind)

    assert finding.level is level
    assert [(case.image, case.boxes) for case in finding.cases] == [("part-1", boxes)]


def test_boxes_that_merely_overlap_are_two_defects(store: RevisionStore, sound: tuple[LabelledImage, ...]) -> None:
    half_over = LabelledBox("open", (30, 20, 60, 40))

    report = check(store, [replace(sound[1], boxes=(OPEN, half_over, SHORT)), *sound[2:], sound[0]])

    assert report.findings == ()


def test_a_group_in_two_splits_is_an_error(store: RevisionStore, sound: tuple[LabelledImage, ...]) -> None:
    images = [replace(sound[0], group=sound[11].group), *sound[1:]]

    leak = found(check(store, images), FindingKind.LEAK)

    assert leak.level is Level.ERROR
    assert [(case.image, case.other_image) for case in leak.cases] == [("part-11", "part-0")]


def test_copies_are_errors_across_the_golden_border_and_warnings_elsewhere(
    store: RevisionStore, sound: tuple[LabelledImage, ...]
) -> None:
    golden_again = store.add_picture(jpeg(picture_of(10), 60), source="a copy")
    train_again = store.add_picture(jpeg(picture_of(1), 60), source="a copy")
    images = (
        *sound,
        replace(sound[2], name="copy-a", part_id="copy-a", group="copy-a", image=golden_again),
        replace(sound[2], name="copy-b", part_id="copy-b", group="copy-b", image=train_again),
    )

    report = check(store, images, copies=True)

    leak, copies = found(report, FindingKind.LEAK), found(report, FindingKind.COPIES)
    assert [(case.image, case.other_image) for case in leak.cases] == [("copy-a", "part-10")]
    assert [(case.image, case.other_image) for case in copies.cases] == [("copy-b", "part-1")]
    assert (leak.level, copies.level) == (Level.ERROR, Level.WARNING)


def test_a_changed_picture_is_an_error_and_does_not_end_the_check(tmp_path: Path) -> None:
    store = RevisionStore(str(tmp_path))
    files = [store.add_picture(jpeg(picture_of(at), 95), source="a part") for at in range(2)]
    images = [
        LabelledImage(name=f"{at}", part_id=f"{at}", group=f"{at}", image=file, boxes=(OPEN,))
        for at, file in enumerate(files)
    ]
    revision = revision_of(store, images)
    broken = tmp_path / "files" / files[1].sha256[:2] / files[1].sha256
    broken.write_bytes(broken.read_bytes()[:-40])

    report = check_revision(store, revision, CheckOptions())
    page = write_report(store, revision, report, tmp_path / "report").read_text("utf-8")

    assert [case.image for case in found(report, FindingKind.BROKEN_PICTURE).cases] == ["1"]
    assert "cannot be read" in page


def test_imbalance_is_named(store: RevisionStore, sound: tuple[LabelledImage, ...]) -> None:
    lopsided = [replace(image, boxes=(SHORT,), is_declared_good=False) for image in sound[:11]]
    images = [*lopsided, replace(sound[11], boxes=(OPEN,) * 1, split=None)]
    options = CheckOptions(rare_boxes=5, is_searching_copies=False)

    summaries = [each.summary for each in check_revision(store, revision_of(store, images), options).findings]

    for expected in (
        r"class 'open' has 1 box\(es\)",
        "1 of 1 boxes of class 'open' are of the group 'lot-11'",
        "split train has no box of open: it cannot be learned",
        "split golden has no good part: overkill cannot be measured",
        "1 of 12 images are in no split",
    ):
        assert any(re.search(expected, summary) for summary in summaries), expected


class _Page(HTMLParser):
    """Collects what a page asks for and what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_from_elsewhere_and_shows_the_place(
    store: RevisionStore, sound: tuple[LabelledImage, ...], tmp_path: Path
) -> None:
    images = [replace(sound[1], boxes=(OPEN, LabelledBox("short", OPEN.box_xyxy_px))), *sound[2:], sound[0]]
    revision = revision_of(store, images)
    report = check_revision(store, revision, CheckOptions(rare_boxes=1, is_searching_copies=False))

    page = _Page()
    page.feed(write_report(store, revision, report, tmp_path / "new").read_text("utf-8"))

    assert "<a test>" in page.text
    assert "one place, two classes" in page.text
    assert all(source.startswith("data:image/") for source in page.sources)
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(page.sources[0].split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    colours = shown.astype(int)
    assert ((colours.max(axis=2) - colours.min(axis=2)) > 100).sum() > 100  # coloured boxes on a gray picture
    assert json.loads((tmp_path / "new" / "report.json").read_text("utf-8")) == json.loads(json.dumps(report.to_json()))


def test_the_contact_sheet_shows_every_class_however_rare(
    store: RevisionStore, sound: tuple[LabelledImage, ...]
) -> None:
    revision = revision_of(store, sound)

    sheet = contact_sheet(store, revision, count=6, columns=3)

    assert sheet.ndim == 3
    assert sheet.shape[1] > sheet.shape[0]
    assert np.array_equal(sheet, contact_sheet(store, revision, count=6, columns=3))
    assert not np.array_equal(sheet, contact_sheet(store, revision, count=6, columns=3, seed=1))
