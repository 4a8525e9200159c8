"""From a revision to a folder that other programs read.

Beside the layout's own files an export has `references/` (golden images under their image's name, but in DeepPCB's
layout, which has pairs), `parts.csv` (part, group, product, line, view, split: what no layout holds; an import takes it
with `--group-by csv:parts.csv`) and `export.json` (which revision, and its licence note).
"""

import json
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from lineside.datasets.errors import RevisionUnknown, TargetInTheWay, TargetUnwritable
from lineside.datasets.formats import FormatName
from lineside.datasets.formats.source import REFERENCES
from lineside.datasets.formats.target import ExportTarget, suffix_of
from lineside.datasets.formats.writing import write_layout
from lineside.datasets.grouping import Placement, write_table
from lineside.datasets.labelled import ImageFile, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionStore

PARTS_NAME, ABOUT_NAME = "parts.csv", "export.json"
_MARKER = ".lineside-export"


def export_revision(
    store: RevisionStore,
    revision: Revision,
    folder: Path,
    format_name: FormatName,
    *,
    splits: Collection[Split] = (),
    on_remark: Callable[[str], None] = lambda _: None,
    on_image: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Write a revision's images and labels.

    The files are written beside the folder and moved there at the end: a killed export leaves nothing under its name,
    and the next one clears away what it left.

    Args:
        store: where the pictures are.
        revision: what to write.
        folder: where to; it must not be there, or be empty.
        format_name: the layout.
        splits: only these. Empty writes every image but those of the sealed split, which has to be asked for by name.
        on_remark: called with what a person should know, in a sentence.
        on_image: called after each picture with how many are written and how many there are.

    Returns:
        How many images were written.

    Raises:
        FormatCannotHold: the layout has no place for something that the revision holds; nothing is written.
        RevisionUnknown: the revision has no image in these splits.
        RevisionCorrupt: a picture is missing or was changed.
        TargetInTheWay: the folder has something in it.
        TargetUnwritable: the disk is full, or the folder cannot be written.
    """
    images = _chosen(revision, splits, on_remark)
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise TargetInTheWay(f"{folder} is there already; expected a new or empty folder")
    total = sum(len(image.files) for image in images)
    done = 0

    def read(file: ImageFile) -> bytes:
        nonlocal done
        done += 1
        on_image(done, total)
        return store.image_bytes(file)

    unfinished = folder.with_name(f".{folder.name}.exporting")
    try:
        _start(unfinished)
        target = ExportTarget(unfinished, read)
        write_layout(target, format_name, revision.classes, images)
        if format_name is not FormatName.DEEPPCB:
            _write_references(target, images)
        target.text(PARTS_NAME, write_table({image.name: _placement(image) for image in images}))
        target.text(ABOUT_NAME, _about(revision, format_name, len(images)))
        (unfinished / _MARKER).unlink()
        if folder.exists():
            folder.rmdir()
        unfinished.replace(folder)
    except OSError as error:
        if isinstance(error, TargetInTheWay):
            raise
        _clear(unfinished)
        raise TargetUnwritable(
            f"{folder} cannot be written: {error.strerror or error}; nothing of it is left, so make room or "
            "correct the permissions, and run again"
        ) from error
    except ValueError:
        _clear(unfinished)
        raise
    return len(images)


def _chosen(
    revision: Revision, splits: Collection[Split], on_remark: Callable[[str], None]
) -> tuple[LabelledImage, ...]:
    wanted = set(splits) if splits else {None, *Split} - {Split.SEALED}
    images = tuple(image for image in revision.images if image.split in wanted)
    sealed = 0 if splits else len(revision.of_split(Split.SEALED))
    if sealed:
        on_remark(f"{sealed} image(s) of the sealed split are left out; name the split to write them")
    if not images:
        raise RevisionUnknown(f"revision {revision.id[:12]} has no image in {', '.join(splits) or 'an open split'}")
    golden = sum(image.split is Split.GOLDEN for image in images)
    if golden:
        on_remark(f"{golden} image(s) are of the golden split, which judges releases: never train on them")
    return images


def _start(unfinished: Path) -> None:
    """An empty folder with our mark; one that a killed export left is cleared."""
    if unfinished.exists() and not (unfinished / _MARKER).is_file():
        raise TargetInTheWay(f"{unfinished} is there and no unfinished export of ours; move it away")
    _clear(unfinished)
    unfinished.mkdir(parents=True)
    (unfinished / _MARKER).touch()


def _clear(unfinished: Path) -> None:
    """Take away an unfinished export, its mark last, so that a kill in between leaves something known as ours."""
    if not (unfinished / _MARKER).is_file():
        return
    for entry in os.scandir(unfinished):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.name != _MARKER:
            Path(entry.path).unlink()
    shutil.rmtree(unfinished)


def _write_references(target: ExportTarget, images: Collection[LabelledImage]) -> None:
    for image in images:
        if image.reference is not None:
            target.picture(f"{REFERENCES}/{image.name}{suffix_of(image.reference)}", image.reference)


def _placement(image: LabelledImage) -> Placement:
    return Placement(
        part_id=image.part_id,
        group=image.group,
        product=image.product,
        line=image.line,
        view=image.view,
        is_declared_good=image.is_declared_good,
        split=image.split,
    )


def _about(revision: Revision, format_name: FormatName, images: int) -> str:
    content = {
        "schema": "lineside.export/1",
        "revision": revision.id,
        "format": format_name.value,
        "images": images,
        "source": revision.source,
        "licence_note": revision.licence_note,
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
