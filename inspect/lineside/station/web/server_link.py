"""What a web station has of its server: the way to it, the spool for what waits, and the keeper of its signed kit."""

from pathlib import Path

from lineside.client import LinesideClient
from lineside.client.clock import Clock
from lineside.client.secret_sources import path_from, read_secret
from lineside.station.own_engine import KitKeeper, KitStore
from lineside.station.spool import Spool, SpoolLimits
from lineside.station.web.errors import WebFileRefused
from lineside.station.web.settings import ServerInFile


def server_client(server: ServerInFile, *, folder: Path) -> LinesideClient:
    """The way to the server; nothing is connected yet.

    Args:
        server: what the file says.
        folder: of the file.

    Raises:
        WebFileRefused: there is no key.
    """
    key = read_secret(
        file=server.key_file,
        env=server.key_env,
        folder=folder,
        what="the server's API key",
        error=WebFileRefused,
        starter="the web station",
    )
    return LinesideClient(server.url, key)


def open_spool(server: ServerInFile, *, folder: Path, clock: Clock) -> Spool:
    """The spool, open.

    Args:
        server: what the file says.
        folder: of the file.
        clock: the station's.

    Raises:
        SpoolError: it cannot be opened.
    """
    limits = SpoolLimits(max_bytes=int(server.max_gib * 2**30))
    return Spool(path_from(folder, server.spool), station=server.station, limits=limits, clock=clock)


def trust_file_of(server: ServerInFile, *, folder: Path) -> Path:
    """The file that says whose deployments count.

    Args:
        server: what the file says.
        folder: of the file.

    Raises:
        WebFileRefused: the file names none.
    """
    if server.trust_file is None:
        raise WebFileRefused("server.trust_file is missing: say whose deployments this station may run")
    return path_from(folder, server.trust_file)


def kit_keeper(server: ServerInFile, *, folder: Path, clock: Clock) -> KitKeeper:
    """Fetches and verifies what may judge here, and keeps it beside the spool.

    Args:
        server: what the file says.
        folder: of the file.
        clock: the station's.

    Raises:
        WebFileRefused: the file trusts nobody.
    """
    return KitKeeper(
        KitStore(path_from(folder, server.spool) / "kits", station=server.station),
        station=server.station,
        trust_file=trust_file_of(server, folder=folder),
        clock=clock,
    )
