"""`lineside camera view`."""

import json
from typing import Annotated

import typer

from lineside.cli.camera_options import (
    CameraOption,
    FileArgument,
    KindOption,
    SetOption,
    TimeoutOption,
    selected_camera,
)
from lineside.cli.output import print_line, say


def view(
    file: FileArgument = None,
    camera: CameraOption = None,
    kind: KindOption = None,
    keys: SetOption = None,
    port: Annotated[int, typer.Option(help="Port of this machine's loopback, 0 for any.", min=0, max=65535)] = 8491,
    timeout_s: TimeoutOption = 5.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line on stdout when ready.")] = False,
    ends_with_stdin: Annotated[bool, typer.Option("--ends-with-stdin", help="End when stdin closes.")] = False,
) -> None:
    """Show a camera's live picture on a page of this machine until Ctrl-C; from elsewhere, use an SSH tunnel.

    The newest picture alone is /frame.jpg, the camera's health /health, for whoever has no browser there.
    """
    from lineside.workflows.camera_view import run_camera_view

    def announce(url: str) -> None:
        if as_json:
            print_line(json.dumps({"url": url}))
            return
        say("the camera's picture, on this machine only; Ctrl-C ends it")
        print_line(url)

    selected = selected_camera(file, camera=camera, kind=kind, keys=keys)
    run_camera_view(selected, port=port, timeout_s=timeout_s, on_ready=announce, ends_with_stdin=ends_with_stdin)
