"""What the commands of the labelling loop ask for, and the places that follow from it."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import say

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.datasets.labelling import LabelStudio
    from lineside.workflows.labelling import LabelSite

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key of role quality or mlops; better in the variable, where no process list shows it.",
    ),
]
ProjectOption = Annotated[
    str,
    typer.Option("--project", envvar="LINESIDE_LABEL_PROJECT", help="The labelling project, e.g. the product's name."),
]
StudioOption = Annotated[
    str | None,
    typer.Option(
        "--studio", envvar="LABEL_STUDIO_URL", help="URL of Label Studio; by default where the project was pushed."
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File with Label Studio's token; by default the variable LABEL_STUDIO_API_KEY holds it.",
        show_default=False,
    ),
]
CatalogueOption = Annotated[
    str | None,
    typer.Option(
        help="Defect catalogue that people label by, ID or ID:VERSION; by default that of the server's recipes."
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for whoever works on the project, instead of ending.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PATIENCE_S = 60.0
"""For one call of our server: a request may carry hundreds of tasks."""


def label_site(
    client: "LinesideClient",
    *,
    server: str,
    project: str,
    is_waiting: bool = False,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> "LabelSite":
    """Where the loop runs, with this terminal as its listener."""
    from lineside.workflows.folders import label_workplace_folder
    from lineside.workflows.labelling import LabelSite, Workplace

    return LabelSite(
        client=client,
        server=server,
        project=project,
        workplace=Workplace(label_workplace_folder()),
        is_waiting=is_waiting,
        say=say,
        on_progress=on_progress,
    )


@asynccontextmanager
async def opened_studio(
    site: "LabelSite", url: str | None, token_file: Path | None
) -> "AsyncIterator[tuple[LabelStudio, str]]":
    """Label Studio and its address: the one that is given, else where the project was pushed.

    Raises:
        NoToken: there is no token.
        LabelProjectUnfit: no address is known.
    """
    from lineside.datasets.labelling import LabelStudio, studio_token
    from lineside.workflows.errors import LabelProjectUnfit

    address = url or (await site.find_studio_url())
    if address is None:
        raise LabelProjectUnfit(
            f"it is not known where the Label Studio of project {site.project!r} is: give --studio URL"
        )
    with LabelStudio(address, studio_token(os.environ, file=token_file)) as studio:
        yield studio, address
