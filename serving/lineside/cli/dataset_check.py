"""`lineside dataset check` and `show`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, RevisionArgument, StoreOption
from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.progress import progress_of


def check(
    revision: RevisionArgument,
    store: StoreOption = DEFAULT_STORE,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, with pictures, and report.json.", file_okay=False)
    ] = None,
    catalogue: Annotated[
        str | None,
        typer.Option(
            help="The defect catalogue that has every class: pcb, or a file (YAML); pcb if the revision names it."
        ),
    ] = None,
    tiny_px: Annotated[float, typer.Option(help="Boxes with a shorter side below this are listed.", min=0)] = 6.0,
    rare_boxes: Annotated[int, typer.Option(help="Classes with fewer boxes are listed.", min=0)] = 20,
    *,
    skip_copies: Annotated[
        bool,
        typer.Option(
            "--skip-copies", help="Do not compare the pictures, which takes some tenths of a second for each."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with a revision's labels, pictures and balance; exits 1 when there are errors."""
    from lineside.datasets.checking import CheckOptions, check_revision, write_report
    from lineside.datasets.revisions import RevisionStore
    from lineside.workflows.catalogues import named_catalogue

    used = RevisionStore(store)
    found = used.read(revision)
    named = catalogue or ("pcb" if found.catalogue is not None and found.catalogue.id == "pcb" else None)
    options = CheckOptions(
        catalogue=None if named is None else named_catalogue(named),
        tiny_px=tiny_px,
        rare_boxes=rare_boxes,
        is_searching_copies=not skip_copies,
    )
    with progress_of("checking") as on_image:
        report = check_revision(used, found, options, on_image=on_image)
    if out is not None:
        say(f"report: {write_report(used, found, report, out)}")
    if as_json:
        print_json(report.to_json())
    else:
        for finding in report.findings:
            print_line(f"{finding.level}: {finding.kind.value}: {finding.summary}")
        say(
            f"revision {found.id[:12]}: {len(found.images)} images, {len(report.errors)} error(s), "
            f"{len(report.findings) - len(report.errors)} warning(s)"
        )
    if report.errors:
        raise typer.Exit(1)


def show(
    revision: RevisionArgument,
    store: StoreOption = DEFAULT_STORE,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a contact sheet (PNG): samples with their boxes.", dir_okay=False)
    ] = None,
    samples: Annotated[int, typer.Option(help="Images on the contact sheet.", min=1, max=400)] = 24,
    seed: Annotated[int, typer.Option(help="Which images are sampled.", min=0)] = 0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print what a revision holds, by split and class."""
    import cv2

    from lineside.cli.dataset_revision import summary_json
    from lineside.datasets.checking import Balance, contact_sheet
    from lineside.datasets.revisions import RevisionStore

    used = RevisionStore(store)
    found = used.read(revision)
    balance = Balance.of(found)
    if sheet is not None:
        picture = contact_sheet(used, found, count=samples, seed=seed)
        sheet.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        say(f"contact sheet: {sheet}")
    if as_json:
        print_json({**summary_json(found), "balance": balance.to_json()})
        return
    say(f"revision {found.id}")
    say(f"from {found.source}; {found.licence_note}")
    if found.parent is not None:
        say(f"made from revision {found.parent}")
    columns = (*balance.splits, balance.total)
    rows = [
        ["images", *(str(each.images) for each in columns)],
        ["groups", *(str(each.groups) for each in columns)],
        ["good parts", *(str(each.good) for each in columns)],
        ["defective parts", *(str(each.defective) for each in columns)],
        *([f"boxes: {name}", *(str(each.boxes[name]) for each in columns)] for name in found.classes),
    ]
    print_table(("", *(each.name for each in columns)), rows)
