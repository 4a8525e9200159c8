"""`lineside labels push`: what was picked goes to Label Studio."""

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.labels_options import (
    PATIENCE_S,
    CatalogueOption,
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
    from lineside.workflows.labelling import PushReport


def push(
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    studio: StudioOption = None,
    token_file: TokenFileOption = None,
    catalogue: CatalogueOption = None,
    *,
    recreate: Annotated[
        bool,
        typer.Option(
            "--recreate", help="Make a project that was deleted there anew; what nobody has read goes out again."
        ),
    ] = False,
    restore_config: Annotated[
        bool, typer.Option("--restore-config", help="Put our configuration in the place of one edited by hand.")
    ] = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send what was picked to Label Studio, with the model's boxes; pushing twice adds nothing.

    Cut off anywhere, it is simply run again.
    """
    from lineside.workflows.labelling import PushOptions, push_labels

    with progress_of("pushing") as report:

        async def run(client: "LinesideClient") -> "PushReport":
            site = label_site(client, server=server, project=project, is_waiting=wait, on_progress=report)
            async with opened_studio(site, studio, token_file) as (opened, url):
                options = PushOptions(
                    studio_url=url,
                    catalogue=catalogue,
                    is_recreating=recreate,
                    is_replacing_edits=restore_config,
                )
                return await push_labels(site, opened, options)

        done = ask(server, key, run, patience_s=PATIENCE_S)
    if as_json:
        print_json(
            {
                "label_studio_project_id": done.studio_project_id,
                "picks": done.picks,
                "tasks": done.tasks,
                "attention": [need.to_json() for need in done.needs],
            }
        )
    say(
        f"{done.picks} part(s) pushed in {done.tasks} task(s) to project {done.studio_project_id} of Label Studio; "
        f"{len(done.needs)} thing(s) need a person (lineside labels attention)"
    )
