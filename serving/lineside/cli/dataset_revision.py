"""`lineside dataset revision`: what the store has, and whether every byte of it is as it was."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, RevisionArgument, StoreOption
from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.progress import progress_of

if TYPE_CHECKING:
    from lineside.datasets.revisions import Revision

revision_app = typer.Typer(
    name="revision", help="List, show and verify revisions.", no_args_is_help=True, rich_markup_mode=None
)


@revision_app.command(name="list")
def list_revisions(store: StoreOption = DEFAULT_STORE, *, as_json: JsonOption = False) -> None:
    """List the store's revisions."""
    from lineside.datasets.revisions import RevisionStore

    found = list(RevisionStore(store).list())
    if as_json:
        print_json([summary_json(revision) for revision in found])
        return
    if not found:
        say(f"no revision in {store}; `lineside dataset import` makes one")
    print_table(
        ("revision", "images", "boxes", "splits", "parent", "source"),
        [
            (
                revision.id[:12],
                str(len(revision.images)),
                str(sum(len(image.boxes) for image in revision.images)),
                ", ".join(f"{split} {count}" for split, count in _splits(revision).items()),
                "-" if revision.parent is None else revision.parent[:12],
                revision.source,
            )
            for revision in found
        ],
    )


@revision_app.command(name="show")
def show_revision(revision: RevisionArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """Print a revision's manifest, the very bytes whose SHA-256 is its id."""
    from lineside.datasets.revisions import RevisionStore
    from lineside.datasets.revisions.manifest import manifest_bytes

    used = RevisionStore(store)
    print_line(manifest_bytes(used.read(revision)).decode())


@revision_app.command(name="verify")
def verify_revision(
    revision: RevisionArgument, store: StoreOption = DEFAULT_STORE, *, as_json: JsonOption = False
) -> None:
    """Read every byte of a revision and compare it with the digests; exits 1 and names what differs."""
    from lineside.datasets.revisions import RevisionStore

    used = RevisionStore(store)
    with progress_of("verifying") as on_file:
        verified = used.verify(revision, on_file=on_file)
    if as_json:
        print_json(summary_json(verified.revision) | {"files": verified.files, "size_bytes": verified.size_bytes})
        return
    print_line(
        f"revision {verified.revision.id}: {verified.files} files, {verified.size_bytes / 1e6:.1f} MB, every byte "
        "is as it was"
    )


def summary_json(revision: "Revision") -> dict[str, Any]:
    """A revision without its images, for programs."""
    return {
        "id": revision.id,
        "images": len(revision.images),
        "boxes": sum(len(image.boxes) for image in revision.images),
        "good": sum(image.is_declared_good for image in revision.images),
        "groups": len({image.group for image in revision.images}),
        "classes": {
            name: sum(box.class_name == name for image in revision.images for box in image.boxes)
            for name in revision.classes
        },
        "splits": _splits(revision),
        "source": revision.source,
        "licence_note": revision.licence_note,
        "parent": revision.parent,
        "provenance": dict(revision.provenance),
    }


def _splits(revision: "Revision") -> dict[str, int]:
    counts = Counter("unsplit" if image.split is None else image.split.value for image in revision.images)
    return dict(sorted(counts.items()))
