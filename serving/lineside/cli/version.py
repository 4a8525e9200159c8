"""`lineside version`."""

import platform
from importlib import metadata
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_line

_PARTS = ("numpy", "opencv-python-headless", "onnxruntime", "openvino", "fastapi", "sqlalchemy", "nicegui")


def version(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Versions of everything that judges, as JSON.")] = False,
) -> None:
    """Print the version."""
    if not as_json:
        print_line(f"lineside {metadata.version('lineside')}")
        return
    found = {"lineside": metadata.version("lineside"), "python": platform.python_version()}
    print_json(found | {name: metadata.version(name) for name in _PARTS})
