"""What the commands of `lineside release` ask for, and how they open a key."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lineside.inspection.release import Role, SigningKey, TrustStore

DEFAULT_REGISTRY = "lineside-registry"
PASSPHRASE_VARIABLE = "LINESIDE_KEY_PASSPHRASE"  # noqa: S105  # the name of the variable
_ENCRYPTED = b"BEGIN ENCRYPTED PRIVATE KEY"

RegistryOption = Annotated[
    str, typer.Option("--registry", envvar="LINESIDE_REGISTRY", help="Where releases are kept: a folder or a URL.")
]
TrustOption = Annotated[
    Path, typer.Option("--trust", envvar="LINESIDE_TRUST_FILE", help="The trust file: whose signatures count.")
]
BuildKeyOption = Annotated[Path, typer.Option("--key", help="The build key's file.", dir_okay=False)]
DeployKeyOption = Annotated[Path, typer.Option("--key", help="The deploy key's file.", dir_okay=False)]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the model line.", show_default=False)]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Of the release.", show_default=False)]
PlantOption = Annotated[str, typer.Option(help="The plant, as its server's settings name it (LINESIDE_PLANT).")]
LinesOption = Annotated[
    list[str] | None, typer.Option("--lines", help="Only on this line; may be given several times.", show_default=False)
]
ProductsOption = Annotated[
    list[str] | None,
    typer.Option("--products", help="Only for this product; may be given several times.", show_default=False),
]
ExpiresOption = Annotated[
    float,
    typer.Option("--expires", help="Days until the deployment ends; warned of beforehand.", min=0.01, max=3650.0),
]
ServerOption = Annotated[
    str | None, typer.Option(help="Bring it to this server at once, e.g. http://127.0.0.1:8470.", show_default=False)
]
ApiKeyOption = Annotated[
    str | None,
    typer.Option(envvar="LINESIDE_API_KEY", help="API key of role mlops, for --server.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def trust_of(path: Path) -> "TrustStore":
    """Read the trust file.

    Raises:
        TrustRefused: it is none.
    """
    from lineside.inspection.release import TrustStore

    return TrustStore.load(path)


def open_key(path: Path, role: "Role") -> "SigningKey":
    """Read a private key; its passphrase comes from the environment, or is asked for at a terminal.

    Raises:
        KeyFileRefused: it cannot be opened.
    """
    from lineside.training.registry import read_key

    passphrase = None
    if path.is_file() and _ENCRYPTED in path.read_bytes():
        given = os.environ.get(PASSPHRASE_VARIABLE)
        if not given and sys.stdin.isatty():
            given = typer.prompt(f"Passphrase of {path}", hide_input=True, err=True)
        passphrase = given.encode() if given else None
    return read_key(path, role, passphrase=passphrase)


def new_passphrase() -> bytes | None:
    """The passphrase of a new key, from the environment or a terminal; None for none."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = typer.prompt(
            "Passphrase of the new key (empty for none)",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt=True,
            err=True,
        )
    return given.encode() if given else None
