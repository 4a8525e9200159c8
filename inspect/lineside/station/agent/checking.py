"""Is a station's file right, and is everything there that it names: reached once, nothing moved, nothing judged."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.client import LinesideClient
from lineside.client.clock import Clock, SystemClock
from lineside.client.secret_sources import path_from
from lineside.inspection.errors import LinesideError
from lineside.station.agent.configuration import StationConfiguration, load_station
from lineside.station.agent.upkeep import making_of
from lineside.station.cameras import CAMERA_KINDS, CameraContext
from lineside.station.own_engine import EngineSettings, OwnEngine
from lineside.station.rig import RIG_KINDS, RigContext
from lineside.station.spool import Spool

_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class StationCheck:
    """One thing that was looked at.

    Attributes:
        what: which.
        problem: what is wrong, None if nothing is.
        to_do: what would set it right.
    """

    what: str
    problem: str | None = None
    to_do: str | None = None


def check_station(path: Path, *, connects: bool) -> tuple[StationCheck, ...]:
    """Check a station's file.

    Args:
        path: of the file.
        connects: whether server, cameras, PLC and disk are reached; else only the file is read.
    """
    try:
        configuration = load_station(path)
    except LinesideError as error:
        return (StationCheck("file", str(error), "correct the file"),)
    found = [StationCheck("file")]
    if connects:
        found += asyncio.run(_reach(configuration, SystemClock()))
    return tuple(found)


async def _reach(configuration: StationConfiguration, clock: Clock) -> list[StationCheck]:
    found = [await asyncio.to_thread(_check_spool, configuration)]
    found += await _check_server(configuration, clock)
    for name in configuration.cameras:
        found.append(await _check_camera(configuration, name, clock))
    found.append(await _check_rig(configuration, clock))
    return found


def _check_spool(configuration: StationConfiguration) -> StationCheck:
    try:
        Spool(configuration.spool_folder, station=configuration.station).close()
    except LinesideError as error:
        return StationCheck("spool", str(error), "end the station, or name another folder")
    return StationCheck("spool")


async def _check_server(configuration: StationConfiguration, clock: Clock) -> list[StationCheck]:
    try:
        async with configuration.client(timeout_s=_PATIENCE_S) as client:
            making = making_of(await client.station_kit(configuration.station))
            found = [StationCheck("server")]
            views = frozenset(configuration.cameras)
            if making.recipe is None:
                found.append(StationCheck("recipe", "the station has no recipe", "give it an order or a recipe"))
            elif making.views != views:
                asked = ", ".join(sorted(making.views))
                to_do = "name a camera for each of them, and no others"
                found.append(StationCheck("recipe", f"it asks for the views {asked}", to_do))
            else:
                found.append(StationCheck("recipe"))
            if configuration.own_engine.when_server_away == "judge":
                found.append(await _check_own_engine(configuration, client, clock))
            return found
    except LinesideError as error:
        return [StationCheck("server", str(error), "see address, key and whether the station is enrolled")]


async def _check_own_engine(configuration: StationConfiguration, client: LinesideClient, clock: Clock) -> StationCheck:
    written = configuration.own_engine
    own = OwnEngine(
        configuration.spool_folder / "kit",
        station=configuration.station,
        trust_file=path_from(configuration.folder, written.trust_file or ""),
        settings=EngineSettings(engine=written.engine, threads=written.threads),
        clock=clock,
    )
    try:
        await own.refresh(client)
    except LinesideError as error:
        return StationCheck("own engine", str(error), "promote a signed release for the station's line")
    finally:
        own.close()
    return StationCheck("own engine")


async def _check_camera(configuration: StationConfiguration, name: str, clock: Clock) -> StationCheck:
    what = f"camera {name}"
    settings = configuration.cameras[name]
    context = CameraContext(name=name, clock=clock, folder=configuration.folder)
    try:
        async with asyncio.timeout(_PATIENCE_S), CAMERA_KINDS[settings.kind].build(settings, context):
            return StationCheck(what)
    except TimeoutError:
        return StationCheck(what, f"it did not connect within {_PATIENCE_S:.0f} s", "see cable, power and address")
    except LinesideError as error:
        return StationCheck(what, str(error), "see `lineside camera list`")


async def _check_rig(configuration: StationConfiguration, clock: Clock) -> StationCheck:
    what = f"PLC ({configuration.rig.kind})"
    try:
        rig = RIG_KINDS[configuration.rig.kind].build(
            configuration.rig, RigContext(clock=clock, folder=configuration.folder)
        )
        async with rig:
            await rig.read()
    except LinesideError as error:
        return StationCheck(what, str(error), "see address and register map in docs/station-io.md")
    return StationCheck(what)
