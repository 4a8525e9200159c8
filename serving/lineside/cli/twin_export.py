"""`lineside twin export`: the lines' Asset Administration Shells as a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, say

_PATIENCE_S = 60.0


class TwinForm(StrEnum):
    """In which form the shells are written."""

    AASX = "aasx"
    JSON = "json"


_MEDIA_TYPES = {
    TwinForm.AASX: "application/asset-administration-shell-package+xml",
    TwinForm.JSON: "application/json",
}


def export(
    out: Annotated[Path, typer.Argument(help="File to write: .aasx or .json.", dir_okay=False)],
    server: ServerOption,
    key: Annotated[
        str,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key that may read the twin; better in the variable, where no process list shows it.",
        ),
    ],
    form: Annotated[
        TwinForm | None, typer.Option("--format", help="By the file's ending if it is not given.", show_default=False)
    ] = None,
    line: Annotated[str | None, typer.Option(help="Only this line; all by default.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: path, format, bytes, SHA-256.")] = False,
) -> None:
    """Write the lines' Asset Administration Shells as a file, as a running server has them.

    An AASX package opens in the usual viewers. The same state of the server gives the same bytes.
    """
    chosen = _form(out) if form is None else form
    content = ask(server, key, lambda client: client.twin_file(_MEDIA_TYPES[chosen], line=line), patience_s=_PATIENCE_S)
    out.write_bytes(content)
    if as_json:
        import hashlib

        digest = hashlib.sha256(content).hexdigest()
        print_json({"path": str(out), "format": chosen.value, "bytes": len(content), "sha256": digest})
    else:
        say(f"written: {out} ({chosen.value}, {len(content)} bytes)")


def _form(out: Path) -> TwinForm:
    """The form that a file's ending stands for."""
    try:
        return TwinForm(out.suffix.removeprefix(".").lower())
    except ValueError as error:
        expected = " or ".join(f".{form.value}" for form in TwinForm)
        raise typer.BadParameter(f"{out.name}: expected a name ending in {expected}, or --format") from error
