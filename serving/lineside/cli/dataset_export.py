"""`lineside dataset export`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.dataset_import import LayoutOption
from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, StoreOption
from lineside.cli.output import print_json, print_line, say
from lineside.cli.progress import progress_of


def export(
    revision: Annotated[
        str, typer.Argument(metavar="REV", help="A revision's id or first digits; REV:val,golden for some splits.")
    ],
    folder: Annotated[Path, typer.Argument(help="Where the files go; a new or empty folder.")],
    layout: Annotated[LayoutOption, typer.Option("--format", help="The layout.")],
    store: StoreOption = DEFAULT_STORE,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write a revision in a layout that other programs read; images of the sealed split only where they are named."""
    from lineside.datasets.exporting import export_revision
    from lineside.datasets.formats import FormatName
    from lineside.datasets.revisions import RevisionSelection, RevisionStore

    used = RevisionStore(store)
    selection = RevisionSelection.parse(revision)
    found = used.read(selection.revision)
    with progress_of("exporting") as on_image:
        exported = export_revision(
            used,
            found,
            folder,
            FormatName(layout.value),
            splits=selection.splits,
            on_remark=lambda remark: say(f"note: {remark}"),
            on_image=on_image,
        )
    if as_json:
        print_json({"revision": found.id, "folder": str(folder), "images": exported})
        return
    say(f"{exported} images of revision {found.id[:12]} in")
    print_line(str(folder))
