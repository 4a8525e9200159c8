"""Revisions: one id for one content, on any filesystem, and a changed byte that is found."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from labelled_folders import CLASSES, draft, labelled, picture
from lineside.datasets.errors import (
    ClassesRefused,
    RevisionCorrupt,
    RevisionInvalid,
    RevisionUnknown,
    SampleUnreadable,
    StoreUnknown,
)
from lineside.datasets.labelled import ImageFile, LabelledBox, Split
from lineside.datasets.revisions import CatalogueRef, RevisionSelection, RevisionStore, read_picture
from lineside.inspection.frames import MediaType


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RevisionStore]:
    if request.param == "folder":
        yield RevisionStore(str(tmp_path / "store"))
        return
    yield RevisionStore(f"memory://{uuid4().hex}")


@pytest.fixture
def folder_store(tmp_path: Path) -> RevisionStore:
    return RevisionStore(str(tmp_path / "store"))


def test_what_is_written_is_read_back_in_full(store: RevisionStore) -> None:
    images = (
        labelled(store, "b", seed=1, product="BRD-A", line="line-1", view="top", split=None),
        labelled(store, "a", seed=2, reference=store.add_picture(picture(9), source="r"), ancestors=("c" * 64,)),
        labelled(store, "기판/c", seed=3, boxes=(), is_declared_good=True, split=Split.GOLDEN),
    )
    written = store.write(
        draft(*images, catalogue=CatalogueRef("pcb", 1), provenance={"seed": 7, "shares": [0.5, 1.0], "note": "ü"})
    )
    assert store.read(written.id) == written
    assert [image.name for image in written.images] == ["a", "b", "기판/c"]
    assert written.of_split(Split.GOLDEN, Split.TRAIN) == (written.images[0], written.images[2])
    assert written.of_split(Split.SEALED) == ()


def test_the_same_content_has_the_same_id_in_any_order_and_any_store(store: RevisionStore, tmp_path: Path) -> None:
    other = RevisionStore(str(tmp_path / "other"))
    one = store.write(draft(labelled(store, "a", seed=1), labelled(store, "b", seed=2)))
    two = other.write(draft(labelled(other, "b", seed=2), labelled(other, "a", seed=1)))
    assert one.id == two.id
    assert store.write(draft(*reversed(one.images))).id == one.id
    assert store.ids() == (one.id,)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"boxes": (LabelledBox("open", (10, 10, 20, 20.5)),)}, id="a box"),
        pytest.param({"boxes": (LabelledBox("short", (10, 10, 20, 20)),)}, id="a class"),
        pytest.param({"split": Split.VAL}, id="a split"),
        pytest.param({"group": "other"}, id="a group"),
        pytest.param({"seed": 5}, id="a picture"),
    ],
)
def test_another_label_or_picture_is_another_revision(store: RevisionStore, changes: dict[str, Any]) -> None:
    assert store.write(draft(labelled(store))).id != store.write(draft(labelled(store, **changes))).id


def test_the_order_of_the_classes_counts_for_a_model_numbers_them_so(store: RevisionStore) -> None:
    image = labelled(store)
    assert store.write(draft(image)).id != store.write(draft(image, classes=tuple(reversed(CLASSES)))).id


def test_a_picture_is_stored_once(folder_store: RevisionStore, tmp_path: Path) -> None:
    folder_store.write(draft(labelled(folder_store, "a"), labelled(folder_store, "b")))
    assert len([path for path in (tmp_path / "store/files").rglob("*") if path.is_file()]) == 1
    assert list((tmp_path / "store/incoming").iterdir()) == []


def test_pixels_are_those_of_the_picture(store: RevisionStore) -> None:
    data = picture(4)
    file = store.add_picture(data, source="a")
    assert store.image_bytes(file) == data
    assert (store.pixels(file) == read_picture(data, source="a").pixels).all()
    assert store.pixels(file).shape == (40, 60)


def test_a_changed_byte_in_a_picture_is_found(folder_store: RevisionStore, tmp_path: Path) -> None:
    written = folder_store.write(draft(labelled(folder_store, "a", seed=1), labelled(folder_store, "b", seed=2)))
    assert folder_store.verify(written.id).files == 2
    sha = written.images[1].image.sha256
    path = tmp_path / "store/files" / sha[:2] / sha
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RevisionCorrupt, match=rf"1 file\(s\) differ: picture {sha} .*was changed.*\(of b\)"):
        folder_store.verify(written.id)
    with pytest.raises(RevisionCorrupt, match="was changed"):
        folder_store.pixels(written.images[1].image)


def test_a_missing_picture_is_found(folder_store: RevisionStore, tmp_path: Path) -> None:
    written = folder_store.write(draft(labelled(folder_store)))
    sha = written.images[0].image.sha256
    (tmp_path / "store/files" / sha[:2] / sha).unlink()
    with pytest.raises(RevisionCorrupt, match=f"picture {sha} is missing"):
        folder_store.verify(written.id)


def test_every_single_byte_of_a_manifest_counts(folder_store: RevisionStore, tmp_path: Path) -> None:
    written = folder_store.write(draft(labelled(folder_store)))
    path = tmp_path / f"store/revisions/{written.id}.json"
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RevisionCorrupt, match="was changed or is damaged"):
            folder_store.read(written.id)
    path.write_bytes(whole[:-1])
    with pytest.raises(RevisionCorrupt):
        folder_store.read(written.id)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"schema": "lineside.revision/2"}, id="another schema"),
        pytest.param({"images": []}, id="no image"),
        pytest.param({"extra": 1}, id="an unknown key"),
        pytest.param({"classes": "open"}, id="text for a list"),
    ],
)
def test_a_manifest_that_is_none_is_refused_even_under_its_own_digest(
    folder_store: RevisionStore, tmp_path: Path, change: dict[str, Any]
) -> None:
    written = folder_store.write(draft(labelled(folder_store)))
    manifest = json.loads((tmp_path / f"store/revisions/{written.id}.json").read_text()) | change
    data = json.dumps(manifest).encode()
    from lineside.datasets.revisions.records import digest_of

    (tmp_path / f"store/revisions/{digest_of(data)}.json").write_bytes(data)
    with pytest.raises(RevisionCorrupt, match=digest_of(data)):
        folder_store.read(digest_of(data))


def test_a_parent_must_be_there_and_stay_as_it_was(folder_store: RevisionStore, tmp_path: Path) -> None:
    image = labelled(folder_store)
    first = folder_store.write(draft(image))
    second = folder_store.write(draft(image, parent=first.id))
    third = folder_store.write(draft(image, parent=second.id))
    assert len({first.id, second.id, third.id}) == 3
    assert folder_store.verify(third.id).revision.parent == second.id
    (tmp_path / f"store/revisions/{first.id}.json").write_text("{}")
    with pytest.raises(RevisionCorrupt, match=first.id):
        folder_store.verify(third.id)
    with pytest.raises(RevisionInvalid, match="is no revision of the store"):
        folder_store.write(draft(image, parent="b" * 64))


def test_a_revision_is_named_by_its_first_digits(store: RevisionStore) -> None:
    ids = [store.write(draft(labelled(store, split=split))).id for split in Split]
    assert store.read(ids[0][:12]).id == ids[0]
    assert store.resolve(ids[1]) == ids[1]
    assert [revision.id for revision in store.list()] == sorted(ids)
    with pytest.raises(RevisionUnknown, match="at least 4 digits"):
        store.resolve(ids[0][:3])
    with pytest.raises(RevisionUnknown, match=r"has no revision 0000f; it has 6"):
        store.resolve("0000f")


def test_the_beginning_of_two_revisions_names_neither(folder_store: RevisionStore, tmp_path: Path) -> None:
    folder_store.write(draft(labelled(folder_store)))
    for ending in ("a", "b"):
        (tmp_path / f"store/revisions/{'abcd' + ending * 60}.json").write_text("{}")
    with pytest.raises(RevisionUnknown, match="2 revisions begin with abcd"):
        folder_store.resolve("abcd")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "ABCDEF", "g" * 64])
def test_what_is_no_id_never_reaches_the_filesystem(store: RevisionStore, name: str) -> None:
    with pytest.raises(RevisionUnknown, match="is no revision"):
        store.read(name)


@pytest.mark.parametrize("url", ["nothing-of-the-kind://x", "s3://bucket/x"])
def test_a_url_without_a_filesystem_is_told(url: str) -> None:
    """The second needs s3fs, which is not installed with us; its name is in the message."""
    with pytest.raises(StoreUnknown, match=r"cannot be reached: .*(not known|s3fs)"):
        RevisionStore(url)


def test_an_empty_store_has_no_revision(store: RevisionStore) -> None:
    assert store.ids() == ()
    assert list(store.list()) == []


def test_a_revision_without_one_of_its_pictures_is_not_written(store: RevisionStore) -> None:
    strange = ImageFile("d" * 64, 100, 60, 40, MediaType.PNG)
    with pytest.raises(RevisionInvalid, match="is not in the store"):
        store.write(draft(labelled(store, image=strange)))
    assert store.ids() == ()


def test_pictures_can_come_with_the_draft(store: RevisionStore) -> None:
    data = picture(8)
    image = labelled(store, image=read_picture(data, source="a").file)
    assert store.verify(store.write(draft(image), [data]).id).size_bytes == len(data)


def test_bytes_are_not_stored_under_another_files_digest(store: RevisionStore) -> None:
    file = read_picture(picture(1), source="a").file
    with pytest.raises(RevisionInvalid, match="are not"):
        store.add_file(picture(2), file)


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        pytest.param({"images": ()}, RevisionInvalid, "without images", id="no image"),
        pytest.param({"licence_note": " "}, RevisionInvalid, "licence note", id="no licence note"),
        pytest.param({"source": ""}, RevisionInvalid, "source", id="no source"),
        pytest.param({"parent": "abc"}, RevisionInvalid, "no revision id", id="a parent that is no id"),
        pytest.param({"classes": ()}, ClassesRefused, "no class", id="no class"),
        pytest.param({"classes": ("short",)}, ClassesRefused, "boxes of 'open'", id="a box of an unlisted class"),
        pytest.param({"classes": ("open", "open")}, ClassesRefused, "one name", id="one class twice"),
        pytest.param({"classes": ("open", "Open")}, ClassesRefused, "one name", id="classes that differ in case"),
        pytest.param({"classes": ("open", "o pen")}, ClassesRefused, "one name", id="classes that differ in a blank"),
        pytest.param({"classes": ("pin-hole", "pin_hole")}, ClassesRefused, "one name", id="a hyphen or underscore"),
        pytest.param({"classes": ("open", "\uff4fpen")}, ClassesRefused, "one name", id="full-width letters"),
        pytest.param({"classes": ("open", " short")}, ClassesRefused, "no blanks around", id="a blank before"),
        pytest.param({"classes": ("open", "--")}, ClassesRefused, "letters or digits", id="no letter"),
        pytest.param({"classes": ("open", "sh\nort")}, ClassesRefused, "control characters", id="a line break"),
    ],
)
def test_drafts_that_contradict_themselves_are_refused(
    store: RevisionStore, changes: dict[str, Any], error: type[Exception], why: str
) -> None:
    image = labelled(store)
    with pytest.raises(error, match=why):
        draft(image, **changes)


def test_two_images_of_one_name_are_refused(store: RevisionStore) -> None:
    with pytest.raises(RevisionInvalid, match="more than once: 'a'"):
        draft(labelled(store, "a", seed=1), labelled(store, "a", seed=2))


def test_one_file_has_one_geometry(store: RevisionStore) -> None:
    image = labelled(store)
    other = ImageFile(image.image.sha256, image.image.size_bytes, 61, 40, MediaType.PNG)
    with pytest.raises(RevisionInvalid, match="one file by their digest"):
        draft(image, labelled(store, "b", image=other))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a" + bytes(100), id="a GIF"),
        pytest.param(picture(1)[:-30], id="a truncated PNG"),
        pytest.param(picture(1, suffix=".jpg")[:-30], id="a truncated JPEG"),
        pytest.param(picture(1) + b"x", id="a PNG with something behind"),
    ],
)
def test_what_is_no_whole_picture_is_not_stored(store: RevisionStore, data: bytes) -> None:
    with pytest.raises(SampleUnreadable, match=r"board\.png"):
        store.add_picture(data, source="board.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_the_kinds_that_a_station_may_send_are_stored(store: RevisionStore, suffix: str) -> None:
    assert store.add_picture(picture(1, suffix=suffix), source="a").size_wh_px == (60, 40)


def test_a_selection_names_splits_of_a_revision(store: RevisionStore) -> None:
    written = store.write(draft(labelled(store, "a"), labelled(store, "b", split=Split.VAL)))
    selection = RevisionSelection.parse(f"{written.id[:8]}:val,val")
    assert selection == RevisionSelection(written.id[:8], (Split.VAL,))
    assert [image.name for image in selection.images(written)] == ["b"]
    assert len(RevisionSelection.parse(written.id).images(written)) == 2
    with pytest.raises(RevisionUnknown, match="the split 'gold'"):
        RevisionSelection.parse("abcd:gold")
    with pytest.raises(RevisionUnknown, match="no image in sealed"):
        RevisionSelection.parse("abcd:sealed").images(written)
