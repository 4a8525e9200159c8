"""`lineside labels pull`: what people said becomes reviews and a dataset revision."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.labels_options import (
    PATIENCE_S,
    JsonOption,
    KeyOption,
    ProjectOption,
    StudioOption,
    TokenFileOption,
    WaitOption,
    label_site,
    opened_studio,
)
from lineside.cli.output import print_json, say
from lineside.cli.progress import progress_of

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.workflows.labelling import PullReport


class GroupName(StrEnum):
    """What stays together in a split."""

    PART = "part"
    PANEL = "panel"
    LOT = "lot"


def pull(
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    studio: StudioOption = None,
    token_file: TokenFileOption = None,
    store: StoreOption = DEFAULT_STORE,
    group_by: Annotated[
        GroupName, typer.Option("--group-by", help="What stays together in a split: part, panel or lot.")
    ] = GroupName.PART,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--start-from", help="Revision that the project's first one continues; later ones go on by themselves."
        ),
    ] = None,
    licence_note: Annotated[
        str | None, typer.Option("--licence-note", help="What may be done with the pictures, for a first revision.")
    ] = None,
    *,
    no_revision: Annotated[
        bool, typer.Option("--no-revision", help="Reviews only; a later pull writes the revision.")
    ] = False,
    read_all: Annotated[
        bool, typer.Option("--all", help="Read every task again, as after a change of the project's classes.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on: pull when Label Studio's webhook came, and every few minutes.")
    ] = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch what people said since the last pull: reviews in the ledger, and the dataset's next revision.

    Cut off anywhere, it is simply run again; nothing is lost or counted twice.
    """
    from lineside.datasets.revisions import RevisionStore
    from lineside.workflows.labelling import (
        DEFAULT_LICENCE_NOTE,
        GroupBy,
        PullOptions,
        RevisionTerms,
        follow_labels,
        pull_labels,
    )

    def show(report: "PullReport") -> None:
        if as_json:
            print_json(asdict(report))
        _tell(report)

    with progress_of("pulling") as on_progress:

        async def run(client: "LinesideClient") -> None:
            site = label_site(client, server=server, project=project, is_waiting=wait, on_progress=on_progress)
            async with opened_studio(site, studio, token_file) as (opened, url):
                options = PullOptions(
                    studio_url=url,
                    store=None if no_revision else RevisionStore(store),
                    terms=RevisionTerms(
                        group_by=GroupBy(group_by.value),
                        licence_note=licence_note or DEFAULT_LICENCE_NOTE,
                        start_from=start_from,
                    ),
                    is_reading_all=read_all,
                )
                if follow:
                    await follow_labels(site, opened, options, on_report=show)
                else:
                    show(await pull_labels(site, opened, options))

        ask(server, key, run, patience_s=PATIENCE_S)


def _tell(report: "PullReport") -> None:
    reviews = ", ".join(f"{count} {kind}" for kind, count in sorted(report.reviews.items())) or "none"
    say(f"{report.changed} task(s) say something new; reviews: {reviews}")
    if report.is_new_revision:
        say(
            f"revision {str(report.revision)[:12]}: {report.added} image(s) added, {report.relabelled} labelled anew, "
            f"{report.removed} removed"
        )
    elif report.revision is not None:
        say(f"revision {report.revision[:12]} stands")
    if report.disputed:
        say(f"{report.disputed} image(s) that judge models are labelled otherwise now and stay as they were")
    say(
        f"{report.minutes:.1f} minutes of labelling so far; {report.open_attention} thing(s) need a person "
        "(lineside labels attention)"
    )
