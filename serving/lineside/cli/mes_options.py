"""Options that the commands about holds and proposals share."""

from typing import Annotated

import typer

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key; role quality or mes to change anything. Better in the variable, where no process list shows it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
