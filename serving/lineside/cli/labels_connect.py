"""`lineside labels connect`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.labels_options import (
    PATIENCE_S,
    JsonOption,
    KeyOption,
    ProjectOption,
    StudioOption,
    TokenFileOption,
    label_site,
    opened_studio,
)
from lineside.cli.output import print_json, say
from lineside.inspection.errors import LinesideError

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.datasets.labelling import ConnectedBackend, Token

_KEY_VARIABLE = "LINESIDE_LABEL_STUDIO_KEY"


class NoKeyForLabelStudio(LinesideError, ValueError):
    """There is no key that Label Studio could show our server."""


def connect(
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    studio: StudioOption = None,
    token_file: TokenFileOption = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            help=f"File with an API key of role label_studio, for Label Studio; by default {_KEY_VARIABLE} holds it.",
            show_default=False,
        ),
    ] = None,
    own_url: Annotated[
        str | None,
        typer.Option("--url", help="This Lineside server as Label Studio reaches it; by default as --server."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Have Label Studio show the live model's boxes on tasks without any, and tell the server when somebody labelled.

    Connecting again puts right what was changed there. The key goes into Label Studio, whose administrators can read
    it: make one of its own with `lineside keys create label-studio --role label_studio`, which can nothing else.
    """
    from lineside.workflows.labelling import connect_labels

    shown = _key_for_label_studio(key_file)

    async def run(client: "LinesideClient") -> "ConnectedBackend":
        site = label_site(client, server=server, project=project)
        async with opened_studio(site, studio, token_file) as (opened, url):
            return await connect_labels(site, opened, studio_url=url, own_url=own_url or server, key=shown)

    done = ask(server, key, run, patience_s=PATIENCE_S)
    if as_json:
        print_json(
            {
                "backend_id": done.backend_id,
                "state": done.state,
                "webhook_id": done.webhook_id,
                "webhook_url": done.webhook_url,
                "removed": done.removed,
            }
        )
    say(f"ML backend {done.backend_id}: {done.state}; webhook {done.webhook_id} to {done.webhook_url}")


def _key_for_label_studio(file: Path | None) -> "Token":
    from lineside.datasets.labelling import Token

    given = os.environ.get(_KEY_VARIABLE, "") if file is None else file.read_text("utf-8")
    if not given.strip():
        raise NoKeyForLabelStudio(
            f"no key for Label Studio: set {_KEY_VARIABLE} or name a file with --key-file; "
            "`lineside keys create label-studio --role label_studio` makes one"
        )
    return Token(given.strip())
