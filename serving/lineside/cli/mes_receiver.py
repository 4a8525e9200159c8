"""`lineside mes receiver`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.languages import LanguageName
from lineside.cli.output import print_line, say

if TYPE_CHECKING:
    from lineside.workflows.mes_receiver import RunningReceiver


def receiver(
    data: Annotated[Path, typer.Option("--data", help="Folder of everything it keeps: messages, secrets.")] = Path(
        "lineside-mes"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for any.", min=0, max=65535)] = 8490,
    server: Annotated[
        str | None, typer.Option("--server", help="URL of the Lineside server that gets orders and holds.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key of role mes; better in the variable, where no process list shows it.",
        ),
    ] = None,
    secret_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--secret-file",
            help="Secret that messages may be signed with, several while it changes; made in the folder by default.",
        ),
    ] = None,
    language: Annotated[LanguageName, typer.Option(help="First language of the page.")] = LanguageName.EN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line on stdout when ready.")] = False,
    ends_with_stdin: Annotated[bool, typer.Option("--ends-with-stdin", help="End when stdin closes.")] = False,
) -> None:
    """Receive signed messages until Ctrl-C, and show orders, results and holds on a page.

    With --server and a key its page also sends orders, and sets and releases holds. Without them it only listens.
    """
    from lineside.serving.languages import Language
    from lineside.workflows.mes_receiver import ReceiverSettings, run_mes_receiver

    if server is not None and key is None:
        raise typer.BadParameter("needs a key: set LINESIDE_API_KEY", param_hint="--server")
    settings = ReceiverSettings(
        folder=data,
        host=host,
        port=port,
        language=Language(language.value),
        secret_files=tuple(secret_file or ()),
        server=server,
        api_key=key if server is not None else None,
    )
    run_mes_receiver(
        settings,
        on_ready=lambda running: _announce(running, as_json=as_json, has_server=server is not None),
        ends_with_stdin=ends_with_stdin,
    )


def _announce(running: "RunningReceiver", *, as_json: bool, has_server: bool) -> None:
    if as_json:
        ready = {
            "webhook_url": running.webhook_url,
            "page_url": running.page_url,
            "secret_files": [str(file) for file in running.secret_files],
        }
        print_line(json.dumps(ready))
        return
    say(f"receiving at {running.webhook_url}; Ctrl-C ends it")
    say(f"  the page: {running.page_url}")
    if not has_server:
        say("  without --server it only listens: its page sends no orders and no holds")
    say("with this delivery file (lineside serve --delivery FILE) a server on this machine tells it everything:")
    print_line(running.delivery.rstrip())
