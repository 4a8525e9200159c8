"""`lineside capability`: can people and the detector tell good from bad, and measure, well enough?"""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say
from lineside.cli.studies_on_server import (
    PATIENCE_S,
    ApiKeyOption,
    NameArgument,
    NameOption,
    file_study,
    list_studies,
    summary_columns,
    summary_row,
)

capability_app = typer.Typer(
    name="capability",
    help="Inspection capability studies: agreement of people and detector, and gauge R&R of sizes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SheetArgument = Annotated[
    Path,
    typer.Argument(metavar="SHEET", help="The filled-in sheet (CSV).", exists=True, dir_okay=False, show_default=False),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key", help="The study's key (CSV); `key.csv` beside the sheet if not given.", exists=True, dir_okay=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@capability_app.command()
def plan(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where key, sheet and pages go.", file_okay=False)],
    appraiser: Annotated[list[str] | None, typer.Option(help="A person who appraises; repeat for each.")] = None,
    detector: Annotated[str | None, typer.Option(help="The station whose detector appraises too.")] = None,
    parts: Annotated[int | None, typer.Option(help="How many parts; 50 if not given, 10 for sizes.")] = None,
    parts_file: Annotated[
        Path | None,
        typer.Option(
            help="The chosen parts (CSV: part_id,reference[,borderline]; for sizes part_id).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    miss_rate: Annotated[
        float | None, typer.Option(help="In place of a number of parts: the miss rate to rule out at 95 %.")
    ] = None,
    defective_share: Annotated[float, typer.Option(help="Share of defective parts.")] = 0.5,
    borderline_share: Annotated[float, typer.Option(help="Share of parts near the limit, good and bad.")] = 0.4,
    trials: Annotated[int, typer.Option(help="How often each appraiser calls each part.")] = 3,
    tolerance: Annotated[float | None, typer.Option(help="Of sizes: the width that they may vary in.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the shuffling; drawn anew if not given.")] = None,
    *,
    sizes: Annotated[bool, typer.Option("--sizes", help="Plan a gauge study of measured sizes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan a study: how many parts of which kind, and blind sheets in random order, as CSV and to print.

    Writes key.csv (what hides behind each code: keep it from the appraisers), sheet.csv (to fill in) and sheets.html
    (to print). Without --parts-file, fill in part_id in key.csv: it says which kind of part each code stands for.
    """
    from dataclasses import asdict

    from lineside.serving.studies.capability_files import StudyKind
    from lineside.workflows.studies.planning import (
        PlannedPart,
        SheetPlan,
        parts_to_choose,
        plan_of,
        read_parts,
        write_sheets,
    )

    if parts_file is not None and (parts is not None or miss_rate is not None):
        raise typer.BadParameter("--parts-file says which parts; leave out --parts and --miss-rate")
    kind = StudyKind.VARIABLE if sizes else StudyKind.ATTRIBUTE
    agreement = None
    if parts_file is not None:
        chosen = read_parts(parts_file, kind)
    elif sizes:
        chosen = [PlannedPart("")] * (10 if parts is None else parts)
    else:
        agreement = plan_of(
            parts,
            miss_rate=miss_rate,
            defective_share=defective_share,
            borderline_share=borderline_share,
            trials=trials,
        )
        chosen = parts_to_choose(agreement)
    sheets = SheetPlan(
        kind=kind,
        parts=chosen,
        people=tuple(appraiser or ()),
        detector=detector,
        trials=trials,
        seed=secrets.randbits(32) if seed is None else seed,
        tolerance=tolerance,
    )
    written = write_sheets(sheets, folder)
    if as_json:
        print_json(
            {
                "files": written,
                "kind": kind.value,
                "parts": len(chosen),
                "appraisers": sheets.appraisers,
                "trials": trials,
                "seed": sheets.seed,
                "plan": None if agreement is None else asdict(agreement),
            }
        )
        return
    print_table(("",), [(str(path),) for path in written])
    if agreement is not None:
        say(
            f"{agreement.defective} defective parts ({agreement.borderline_defective} of them borderline) and "
            f"{agreement.good} good ones ({agreement.borderline_good} borderline): without a single miss the miss rate "
            f"is shown to be at most {agreement.miss_bound:.1%}, without a false alarm the false-alarm rate at most "
            f"{agreement.false_alarm_bound:.1%} ({agreement.confidence:.0%} confidence)"
        )
        for note in agreement.notes:
            say(note)


@capability_app.command()
def analyse(
    sheet: SheetArgument,
    key: KeyFileOption = None,
    html: Annotated[Path | None, typer.Option(help="Write a report to print and to file.", dir_okay=False)] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Analyse a study: what each appraiser can do and how far they agree, or how much of a spread is measuring.

    The sheet and its key are files of `lineside capability plan`, filled in.
    """
    from lineside.workflows.studies.capability import judge_capability_files, tables_of

    judged = judge_capability_files(sheet, key)
    if as_json:
        print_json(judged.as_json())
    else:
        for title, columns, rows in tables_of(judged):
            say(title)
            print_table(columns, rows)
    if html is not None:
        from lineside.serving.clock import SystemClock
        from lineside.workflows.studies.capability_report import write_capability_report

        write_capability_report(judged, html, written_at=SystemClock().now())
    for note in judged.notes():
        say(note)


@capability_app.command()
def fill(
    sheet: SheetArgument,
    server: ServerOption,
    api_key: ApiKeyOption,
    out: Annotated[Path, typer.Option(help="Where the filled-in sheet goes (CSV).", dir_okay=False)],
    key: KeyFileOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="When the study began, UTC; earlier attempts do not count.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
        ),
    ] = None,
) -> None:
    """Fill in the detector's calls from what a server recorded: each part, imaged anew, one attempt per trial.

    The key names the detector's station. Have the parts judged there as often as the study has trials, the first time
    as attempt 1 and then as attempts with cause retest.
    """
    from lineside.workflows.studies.capability import key_beside
    from lineside.workflows.studies.filling import fill_detector_calls
    from lineside.workflows.text_files import read_text_file

    key_file = key_beside(sheet, key)
    filled = fill_detector_calls(
        read_text_file(sheet),
        read_text_file(key_file),
        server=server,
        api_key=api_key,
        since=None if since is None else since.replace(tzinfo=UTC),
        sheet_source=sheet.name,
        key_source=key_file.name,
    )
    out.write_text(filled.text, "utf-8")
    say(f"{filled.filled} calls of the detector filled in; {filled.not_inspected} attempts were not inspected")


@capability_app.command()
def audit(
    accept: Annotated[int, typer.Option(help="How many escapes the plant tolerates in the audit.")] = 0,
    passed: Annotated[int | None, typer.Option(help="Parts that passed, where no server is asked.")] = None,
    read: Annotated[int | None, typer.Option(help="How many of them were drawn at random and read.")] = None,
    escapes: Annotated[int | None, typer.Option(help="How many of those were defective.")] = None,
    server: Annotated[str | None, typer.Option(help="URL of a server that counted them.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="LINESIDE_API_KEY", help="API key; better in the variable.")
    ] = None,
    lot: Annotated[str | None, typer.Option(help="Of a server: only this lot.")] = None,
    line: Annotated[str | None, typer.Option(help="Only this line.")] = None,
    station: Annotated[str | None, typer.Option(help="Only this station.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Instant in ISO 8601; the production day's begin.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Instant in ISO 8601; now.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report to print and to file.", dir_okay=False)] = None,
    figure: Annotated[Path | None, typer.Option(help="Write the curve (.svg or .png).", dir_okay=False)] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what the audit that was actually done would let through: its OC curve.

    Give --passed, --read and --escapes, or --server with what to count there.
    """
    from lineside.workflows.studies.audit_curve import (
        DoneAudit,
        audit_on_server,
        judge_audit,
        save_audit_figure,
        write_audit_report,
    )

    if server is not None:
        said = {"lot": lot, "line": line, "station": station, "from": start, "to": end}
        done = audit_on_server(server, api_key or "", **{name: text for name, text in said.items() if text is not None})
    elif passed is None or read is None or escapes is None:
        raise typer.BadParameter("give --passed, --read and --escapes, or --server")
    else:
        done = DoneAudit(passed, read, escapes)
    judged = judge_audit(done, accept=accept)
    if as_json:
        print_json(judged.as_json())
    else:
        print_table(("", ""), judged.facts())
    if html is not None:
        from lineside.serving.clock import SystemClock

        write_audit_report(judged, html, written_at=SystemClock().now())
    if figure is not None:
        save_audit_figure(judged, figure)


@capability_app.command()
def put(
    sheet: SheetArgument,
    study_id: NameOption,
    server: ServerOption,
    api_key: ApiKeyOption,
    key: KeyFileOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """File a study with a server, which makes the figures itself; the same study again changes nothing."""
    from lineside.workflows.studies.capability import key_beside
    from lineside.workflows.text_files import read_text_file

    content = {"sheet": read_text_file(sheet), "key": read_text_file(key_beside(sheet, key))}
    filed = file_study(server, api_key, "capability", study_id, content)
    if as_json:
        print_json(filed)
        return
    print_table(summary_columns(), [summary_row(filed)])


@capability_app.command(name="list")
def list_filed(server: ServerOption, api_key: ApiKeyOption, *, as_json: JsonOption = False) -> None:
    """List the studies that are filed with a server, newest first."""
    list_studies(server, api_key, "capability", as_json=as_json)


@capability_app.command()
def show(study_id: NameArgument, server: ServerOption, api_key: ApiKeyOption) -> None:
    """Print a filed study as JSON: its figures, and the files that they were made of."""
    print_json(ask(server, api_key, lambda client: client.study("capability", study_id), patience_s=PATIENCE_S))
