"""`lineside keys`: API keys, made and revoked directly in the data folder, beside a running server or without one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.server_settings import read_settings
from lineside.inspection.errors import LinesideError

if TYPE_CHECKING:
    from lineside.serving.security import ApiKey, KeyService

keys_app = typer.Typer(name="keys", help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="The server's data folder (LINESIDE_DATA_DIR).", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class DataFolderMissing(LinesideError, FileNotFoundError):
    """The folder whose keys are asked for is not there."""


class RoleName(StrEnum):
    """The roles a key can have; a test holds them against the server's own list, which is slow to import."""

    STATION = "station"
    QUALITY = "quality"
    MLOPS = "mlops"
    MES = "mes"
    VIEWER = "viewer"
    LABEL_STUDIO = "label_studio"
    ADMIN = "admin"


@keys_app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[RoleName, typer.Option(help="What the key may do.")],
    station: Annotated[str | None, typer.Option(help="The one station that a key of role `station` acts for.")] = None,
    days: Annotated[float | None, typer.Option(help="Days until it expires; without end if not given.")] = None,
    data: DataOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it: the only time it is shown. A running server knows it at once."""
    from lineside.serving.security import Role

    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with _key_service(data) as keys:
        made = keys.create(name, Role(role.value), station=station, expires_at=expires_at)
    if as_json:
        print_json(_as_json(made.key) | {"secret": made.secret})
        return
    say(f"key {made.key.id} for {made.key.name!r} ({made.key.role.value}); keep it now, it is not shown again:")
    print_line(made.secret)


@keys_app.command(name="list")
def list_keys(data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List all keys, without their secrets."""
    with _existing_key_service(data) as keys:
        found = keys.list_keys()
    if as_json:
        print_json([_as_json(key) for key in found])
        return
    print_table(
        ("id", "name", "role", "station", "created", "expires", "revoked"),
        [
            (
                key.id,
                key.name,
                key.role.value,
                key.station or "-",
                f"{key.created_at:%Y-%m-%d %H:%M}",
                "-" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}",
                "-" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}",
            )
            for key in found
        ],
    )


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `lineside keys list` shows it.")],
    data: DataOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Void a key and every login made with it, within a second on a running server."""
    with _existing_key_service(data) as keys:
        revoked = keys.revoke(key_id)
    if as_json:
        print_json(_as_json(revoked))
        return
    say(f"key {revoked.id} of {revoked.name!r} is void")


@contextmanager
def _key_service(data: Path | None) -> "Iterator[KeyService]":
    """The keys of a data folder; the folder and its secrets are made if this is the first start."""
    from lineside.serving.clock import SystemClock
    from lineside.serving.ledger import Ledger
    from lineside.serving.security import KeyService, read_or_create_secret

    settings = read_settings(data_dir=data)
    if not settings.data_dir.exists():
        say(f"first use: making the data folder {settings.data_dir}")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = SystemClock()
    with Ledger.open_beside(settings.ledger_url, plant=settings.plant, clock=clock) as ledger:
        yield KeyService(ledger, clock=clock, pepper=read_or_create_secret(settings.data_dir / "key-pepper"))


def _existing_key_service(data: Path | None) -> "AbstractContextManager[KeyService]":
    """The keys of a data folder that is there.

    Raises:
        DataFolderMissing: it is not: a misspelt folder has no keys, and is not made by looking for them.
    """
    folder = read_settings(data_dir=data).data_dir
    if not folder.is_dir():
        raise DataFolderMissing(f"no data folder {folder}; expected the server's, by --data or LINESIDE_DATA_DIR")
    return _key_service(data)


def _as_json(key: "ApiKey") -> dict[str, str | None]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "station": key.station,
        "created_at": key.created_at.isoformat(),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }
