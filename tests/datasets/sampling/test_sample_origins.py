"""What was picked for what it shows never becomes a sample of the line: not in a revision, a split or an import."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importing_folders import Importer
from labelled_blobs import BlobImage, write_blob_revision
from labelled_folders import write_files, yolo_files
from lineside.datasets.errors import LabelsRefused, RevisionInvalid, SplitRefused
from lineside.datasets.formats import FormatName
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, OriginKind, SampleOrigin, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.datasets.revisions.manifest import manifest_bytes
from lineside.datasets.sample_origins import SAMPLE_SPLITS, declared_origin, describe_picked
from lineside.datasets.splits import SplitPlan, divide
from lineside.inspection.frames import MediaType

PICKED = SampleOrigin.picked("novelty")
DRAWN = SampleOrigin.random("audit", 0.02)
DESIGNED = SampleOrigin.designed("limit samples")


def image(number: int, *, group: str | None = None, **fields: Any) -> LabelledImage:
    defaults: dict[str, Any] = {
        "name": f"{number:04}",
        "part_id": f"part-{number}",
        "group": group or f"g{number}",
        "image": ImageFile(f"{number:064x}", 1, 64, 64, MediaType.PNG),
        "boxes": (LabelledBox("scratch", (1, 1, 9, 9)),) if number % 2 else (),
        "is_declared_good": not number % 2,
    }
    return LabelledImage(**(defaults | fields))


def draft(*images: LabelledImage, **fields: Any) -> RevisionDraft:
    return RevisionDraft(classes=("scratch",), images=images, source="drawn", licence_note="ours", **fields)


def with_origins(store: RevisionStore, origins: Sequence[SampleOrigin | None]) -> Revision:
    """A revision of real pictures, a part each."""
    plain = write_blob_revision(store, [BlobImage(f"p{at}", split=None) for at in range(len(origins))])
    images = tuple(replace(each, origin=origin) for each, origin in zip(plain.images, origins, strict=True))
    return store.write(replace_images(plain, images))


def replace_images(revision: Revision, images: Sequence[LabelledImage], **fields: Any) -> RevisionDraft:
    return RevisionDraft(
        classes=revision.classes, images=tuple(images), source="drawn", licence_note="made by this test", **fields
    )


@pytest.mark.parametrize("split", SAMPLE_SPLITS)
def test_a_revision_with_a_picked_image_that_judges_cannot_exist(split: Split) -> None:
    judging = [image(at, split=split, origin=PICKED) for at in range(7)]
    with pytest.raises(RevisionInvalid, match=r"7 picked images \('0000' novelty, .* and 2 more\) in " + split.value):
        draft(*judging, image(9))
    with pytest.raises(RevisionInvalid, match="1 picked image "):  # made from a picked one, and none by its own word
        draft(image(1, origin=PICKED), image(2, split=split, ancestors=(f"{1:064x}",)))


@pytest.mark.parametrize("origin", [None, DRAWN, DESIGNED])
@pytest.mark.parametrize("split", SAMPLE_SPLITS)
def test_draws_designed_samples_and_what_people_imported_may_judge(origin: SampleOrigin | None, split: Split) -> None:
    assert draft(image(1, split=split, origin=origin)).images[0].origin == origin


@pytest.mark.parametrize("split", [Split.TRAIN, Split.VAL, Split.ESCAPE_BANK, None])
def test_picked_images_teach(split: Split | None) -> None:
    assert draft(image(1, split=split, origin=PICKED)).images[0].is_picked


@pytest.mark.parametrize(
    ("kind", "reason", "probability", "message"),
    [
        pytest.param("random", "audit", None, "has the probability None", id="a draw without a chance"),
        pytest.param("random", "audit", 0.0, "has the probability 0.0", id="a draw that cannot happen"),
        pytest.param("random", "audit", 1.1, "has the probability 1.1", id="more than sure"),
        pytest.param("random", "audit", float("nan"), "has the probability nan", id="no number"),
        pytest.param("picked", "novelty", 0.5, "only a draw has one", id="a pick with a chance"),
        pytest.param("designed", " ", None, "no reason", id="no reason"),
        pytest.param("guessed", "x", None, "'guessed' is not a valid OriginKind", id="another kind"),
    ],
)
def test_an_origin_that_says_nothing_true_cannot_exist(
    kind: Any, reason: str, probability: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SampleOrigin(kind, reason, probability)


def test_an_origin_survives_the_store_and_none_leaves_the_id_as_it_was(memory_store: RevisionStore) -> None:
    revision = with_origins(memory_store, [PICKED, DRAWN, DESIGNED, None])
    assert [each.origin for each in memory_store.read(revision.id).images] == [PICKED, DRAWN, DESIGNED, None]
    without = json.loads(manifest_bytes(draft(image(1))))["images"][0]
    assert "origin" not in without, "a revision from before origins were known keeps its id"


@pytest.mark.parametrize("told", [None, DESIGNED, DRAWN])
def test_a_child_may_not_forget_that_an_image_was_picked(
    memory_store: RevisionStore, told: SampleOrigin | None
) -> None:
    parent = with_origins(memory_store, [PICKED, PICKED, None])
    same_picture = replace(parent.images[0], name="renamed", origin=told)
    with pytest.raises(RevisionInvalid, match=r"1 picked image \('renamed'\) of the parent .* would lose that origin"):
        memory_store.write(replace_images(parent, [same_picture, *parent.images[1:]], parent=parent.id))

    kept = replace_images(parent, [replace(parent.images[0], split=Split.TRAIN), parent.images[2]], parent=parent.id)
    assert memory_store.write(kept).parent == parent.id


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=4, max_size=25),
    seed=st.integers(0, 2**31),
)
def test_picked_images_and_their_groups_stay_out_of_what_judges(groups: list[tuple[int, bool]], seed: int) -> None:
    """One picked image holds its whole group back; every split still gets something, or the split is refused."""
    images: list[LabelledImage] = []
    for group, (size, is_picked) in enumerate(groups):
        for place in range(size):
            origin = PICKED if is_picked and place == 0 else None
            images.append(image(len(images), group=f"group-{group}", origin=origin))
    shares = {Split.TRAIN: 0.5, Split.VAL: 0.1, Split.CALIBRATION: 0.2, Split.GOLDEN: 0.2}
    plan = SplitPlan(shares, seed=seed)
    held_back = {f"group-{group}" for group, (_, is_picked) in enumerate(groups) if is_picked}
    if len(groups) - len(held_back) < 2:
        with pytest.raises(SplitRefused, match="picked image"):
            divide(images, plan)
        return

    divided = divide(images, plan).images

    assert {each.split for each in divided} == set(shares)
    assert not {each.group for each in divided if each.split in SAMPLE_SPLITS} & held_back


def test_a_split_that_has_no_place_for_picked_images_is_refused_with_their_names() -> None:
    images = [image(at, origin=PICKED if at < 6 else None) for at in range(20)]
    with pytest.raises(SplitRefused, match=r"6 picked images \('0000' .* and 1 more\) cannot go to golden, sealed"):
        divide(images, SplitPlan({Split.GOLDEN: 0.5, Split.SEALED: 0.5}))
    with pytest.raises(SplitRefused, match=r"and 1 of 7 group\(s\) are left for 2 such split\(s\); label random"):
        divide(images[:7], SplitPlan({Split.TRAIN: 0.5, Split.GOLDEN: 0.25, Split.CALIBRATION: 0.25}))


def test_what_an_ancestor_knows_as_picked_does_not_judge() -> None:
    """Also where the picture is there again under another name, as somebody's own export and import makes it."""
    parent = [image(at, origin=PICKED if at < 4 else None) for at in range(12)]
    again = [replace(each, name=f"again-{each.name}", origin=None) for each in parent]
    plan = SplitPlan({Split.TRAIN: 0.5, Split.GOLDEN: 0.5}, seed=3, keep=())
    divided = divide(again, plan, earlier=parent).images
    assert {each.split for each in divided[:4]} == {Split.TRAIN}
    assert Split.GOLDEN in {each.split for each in divided[4:]}


def test_a_golden_set_that_is_kept_stays_and_what_was_picked_since_joins_the_rest() -> None:
    first = [image(at, split=Split.GOLDEN if at < 3 else Split.TRAIN) for at in range(6)]
    picked = [image(at, origin=PICKED) for at in range(6, 10)]
    divided = divide([*first, *picked], SplitPlan({Split.TRAIN: 0.7, Split.VAL: 0.3}), earlier=first).images
    assert [each.part_id for each in divided if each.split is Split.GOLDEN] == ["part-0", "part-1", "part-2"]
    assert {each.split for each in divided if each.is_picked} <= {Split.TRAIN, Split.VAL}


def test_an_import_says_how_its_images_were_chosen(importer: Importer, tmp_path: Path) -> None:
    folder = write_files(tmp_path, yolo_files(3))
    assert {each.origin for each in importer(folder, FormatName.YOLO).images} == {None}
    drawn = importer(folder, FormatName.YOLO, origin=declared_origin("random:0.25"))
    assert {each.origin for each in drawn.images} == {SampleOrigin(OriginKind.RANDOM, "import", 0.25)}


def test_an_import_that_continues_a_revision_keeps_what_was_picked(importer: Importer, tmp_path: Path) -> None:
    """Exported, corrected and imported again: no layout has a place for the origin."""
    folder = write_files(tmp_path, yolo_files(3))
    first = importer(folder, FormatName.YOLO, origin=declared_origin("picked"))
    again = importer(folder, FormatName.YOLO, parent=first.id, origin=declared_origin("designed"))
    assert {each.origin for each in again.images} == {SampleOrigin(OriginKind.PICKED, "import")}


@pytest.mark.parametrize("text", ["random", "random:0", "random:2", "random:x", "designed:0.5", "chosen", ""])
def test_an_origin_that_nobody_can_mean_is_refused(text: str) -> None:
    with pytest.raises(LabelsRefused, match="Expected random:CHANCE"):
        declared_origin(text)


def test_the_message_names_no_more_than_a_person_reads() -> None:
    assert describe_picked([image(1, origin=PICKED)]) == "1 picked image ('0001' novelty)"
