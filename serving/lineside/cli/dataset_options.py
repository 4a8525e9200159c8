"""What every command on revisions asks for."""

from typing import Annotated

import typer

StoreOption = Annotated[
    str, typer.Option("--store", help="Where revisions live: a folder or a URL.", envvar="LINESIDE_DATASETS")
]
RevisionArgument = Annotated[
    str, typer.Argument(metavar="REV", help="A revision's id, or the first digits of it.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_STORE = "lineside-datasets"
