"""`lineside pod`: how large a defect must be to be found nine times out of ten."""

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

pod_app = typer.Typer(
    name="pod",
    help="Probability of detection over defect size, from a designed study.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

StudyArgument = Annotated[
    Path,
    typer.Argument(metavar="STUDY", help="The study's file (CSV).", exists=True, dir_okay=False, show_default=False),
]
IndicativeOption = Annotated[
    bool,
    typer.Option("--indicative", help="Take sizes as production made them; every figure is then marked as indicative."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@pod_app.command()
def analyse(
    study: StudyArgument,
    html: Annotated[Path | None, typer.Option(help="Write a report to print and to file.", dir_okay=False)] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", "--svg", help="Write the curve (.svg or .png).", dir_okay=False)
    ] = None,
    *,
    indicative: IndicativeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate the curve, a90 and a90/95, with the false-call rate beside them.

    The file says `# design: designed` above its columns part_id,size,result: hit or miss where a size is given, clear
    or false_call on a part without a defect. Refused: fewer than 60 targets, two targets on one part, no overlap of
    hits and misses, a curve that does not rise, and sizes that production made.
    """
    from lineside.statistics.pod import ProductionUse
    from lineside.workflows.studies.pod import judge_pod_file, pod_facts

    judged = judge_pod_file(study, production=ProductionUse.INDICATIVE if indicative else ProductionUse.REFUSE)
    if as_json:
        print_json(judged.as_json())
    else:
        print_table(("", ""), pod_facts(judged.estimate, judged.study.unit))
    if html is not None:
        from lineside.serving.clock import SystemClock
        from lineside.workflows.studies.pod_report import write_pod_report

        write_pod_report(judged, html, written_at=SystemClock().now())
    if figure is not None:
        from lineside.workflows.studies.pod_report import save_pod_figure

        save_pod_figure(judged, figure)
    for note in judged.estimate.notes:
        say(note)


@pod_app.command()
def put(
    study: StudyArgument,
    study_id: NameOption,
    server: ServerOption,
    key: ApiKeyOption,
    *,
    indicative: IndicativeOption = False,
    as_json: JsonOption = False,
) -> None:
    """File a study with a server, which makes the figures itself; the same study again changes nothing."""
    from lineside.workflows.text_files import read_text_file

    filed = file_study(server, key, "pod", study_id, {"study": read_text_file(study), "indicative": indicative})
    if as_json:
        print_json(filed)
        return
    print_table(summary_columns(), [summary_row(filed)])


@pod_app.command(name="list")
def list_filed(server: ServerOption, key: ApiKeyOption, *, as_json: JsonOption = False) -> None:
    """List the studies that are filed with a server, newest first."""
    list_studies(server, key, "pod", as_json=as_json)


@pod_app.command()
def show(study_id: NameArgument, server: ServerOption, key: ApiKeyOption) -> None:
    """Print a filed study as JSON: its figures, and the file that they were made of."""
    print_json(ask(server, key, lambda client: client.study("pod", study_id), patience_s=PATIENCE_S))
