"""`lineside labels server`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_line, say

if TYPE_CHECKING:
    from lineside.workflows.label_server import RunningLabelServer


def server(
    home: Annotated[
        Path, typer.Option("--home", help="Folder of everything it keeps: database, images, login, token.")
    ] = Path("lineside-label-studio"),
    port: Annotated[int, typer.Option(help="Port on this machine's loopback, 0 for any.", min=0, max=65535)] = 8480,
    wheels: Annotated[
        Path | None, typer.Option("--wheels", help="Install from the wheels in this folder, without internet.")
    ] = None,
    *,
    show_login: Annotated[
        bool, typer.Option("--show-login", help="Show the password here; it is in the home's file `login` anyway.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line on stdout when ready.")] = False,
) -> None:
    """Run a Label Studio of one's own until Ctrl-C: for trying out, and for a plant that has none.

    The first start installs it in an environment of its own (1 GB, below the user's cache or in
    LINESIDE_LABEL_STUDIO_DIR) and makes its database. It listens on loopback only and tells nobody anything: whoever
    shall reach it from another machine puts a proxy with TLS before it.
    """
    from lineside.workflows.label_server import run_label_server

    def announce(running: "RunningLabelServer") -> None:
        _announce(running, as_json=as_json, show_login=show_login)

    run_label_server(home, port=port, wheels=wheels, on_ready=announce, say=say)


def _announce(running: "RunningLabelServer", *, as_json: bool, show_login: bool) -> None:
    home = running.home
    if as_json:
        ready = {
            "url": running.url,
            "version": running.version,
            "email": home.login.email,
            "login_file": str(home.login_file),
            "token_file": str(home.token_file),
            "log_file": str(home.log_file),
        }
        print_line(json.dumps(ready))
    say(f"Label Studio {running.version} at {running.url}, for this machine only; Ctrl-C ends it")
    password = home.login.password if show_login else f"the password in {home.login_file}"
    say(f"  log in as {home.login.email} with {password}")
    say("to send it parts that a Lineside server keeps, and to fetch what people said of them:")
    where = f"--project NAME --server URL --studio {running.url} --token-file {home.token_file}"
    for word in ("push", "connect", "pull"):
        say(f"  lineside labels {word} {where}")
