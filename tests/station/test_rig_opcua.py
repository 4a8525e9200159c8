"""OPC UA: a line behind a real asyncua server, encrypted and logged in."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cut_line import cut_line
from lineside.client.clock import ManualClock
from lineside.station.rig import RIG_KINDS, Lane, RigContext, RigLost, RigMisconfigured, RigUnreadable
from lineside.station.rig.opcua import OpcUaRig
from lineside.station.rig.simulated_line import SimulatedLine
from opcua_plc import OpcUaPlc, opcua_plc, station_settings, write_plc_files
from plain_station import PlainStation
from rig_scene import SCAN_S, odd_passes, quick_line, rig_context, start_clock

pytestmark = pytest.mark.system


@dataclass
class Scene:
    """The server that all tests share, a line of each test's own behind it, and its clock."""

    files: Path
    plc: OpcUaPlc
    clock: ManualClock
    runner: asyncio.Runner

    def rig(self, **changed: Any) -> OpcUaRig:
        return OpcUaRig(station_settings(changed.pop("port", self.plc.port), **changed), self.context)

    @property
    def context(self) -> RigContext:
        return rig_context(self.clock, self.files)

    def run(self, happens: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(60.0):
                await happens()

        self.runner.run(bounded())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plc-files")
    write_plc_files(folder)
    return folder


@pytest.fixture(scope="module")
def serving(files: Path) -> Iterator[tuple[asyncio.Runner, OpcUaPlc]]:
    with asyncio.Runner() as runner:
        life = opcua_plc(files, SimulatedLine(quick_line()), start_clock())
        plc = runner.run(life.__aenter__())
        try:
            yield runner, plc
        finally:
            runner.run(life.__aexit__(None, None, None))


@pytest.fixture
def scene(files: Path, serving: tuple[asyncio.Runner, OpcUaPlc]) -> Scene:
    runner, plc = serving
    clock = start_clock()
    plc.restart(SimulatedLine(quick_line(parts=4)), clock)
    return Scene(files, plc, clock, runner)


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes256Sha256RsaPss"])
def test_a_line_behind_an_opc_ua_server_is_the_line(scene: Scene, policy: str) -> None:
    async def happens() -> None:
        plc, line, station = scene.plc, scene.plc.line, PlainStation(odd_passes)
        settings = station_settings(plc.port, policy=policy)
        async with RIG_KINDS["opcua"].build(settings, scene.context) as rig:
            while not line.is_empty:
                scene.clock.advance(SCAN_S)
                await plc.scan()
                await rig.write(station.scan(await rig.read()))
            await plc.scan()
            inputs = await rig.read()
        assert [part.lane is Lane.PASS for part in line.truth.parts] == [True, False, True, False]
        assert station.part_ids[3] == "P000003"
        assert [*station.confirmed, *((one.acquisition_id, one.lane) for one in inputs.confirmed)] == [
            (part.acquisition_id, part.lane) for part in line.truth.parts
        ]
        assert inputs.encoder == line.inputs().encoder

    scene.run(happens)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"password_file": "wrong"}, id="another password"),
        pytest.param({"server_certificate_file": "other/server.der"}, id="another server"),
        pytest.param({"namespace": "urn:somebody:else"}, id="no such namespace"),
        pytest.param({"root": "Elsewhere"}, id="no such nodes"),
    ],
)
def test_what_is_not_the_right_one_is_a_lost_rig(scene: Scene, changed: dict[str, str]) -> None:
    (scene.files / "wrong").write_text("another long password")

    async def happens() -> None:
        async with scene.rig(connect_timeout_ms=700.0, **changed) as rig:
            with pytest.raises(RigLost) as lost:
                await rig.read()
            assert "another long password" not in str(lost.value)

    scene.run(happens)


def test_a_torn_block_is_not_believed(scene: Scene) -> None:
    async def happens() -> None:
        async with scene.rig() as rig:
            scene.plc.tears = 1
            await scene.plc.scan()
            with pytest.raises(RigUnreadable, match=r"begin with sequence (\d+) and end with"):
                await rig.read()
            await scene.plc.scan()
            scene.clock.advance(5.0)
            assert (await rig.read()).online

    scene.run(happens)


def test_a_cable_cut_to_the_server_is_a_lost_rig_until_it_is_mended(scene: Scene) -> None:
    async def happens() -> None:
        station = PlainStation(odd_passes)
        async with cut_line(scene.plc.port) as cable, scene.rig(port=cable.port) as rig:
            await scene.plc.scan()
            inputs = await rig.read()
            cable.cut_within_next(answer=False, after_bytes=20)
            with pytest.raises(RigLost):
                await rig.write(station.scan(inputs))
            cable.mend()
            scene.clock.advance(5.0)
            assert (await rig.read()).online
            assert rig.link.connections == 2

    scene.run(happens)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"password_file": "missing"}, "cannot read .*missing", id="no password"),
        pytest.param({"certificate_file": "missing"}, "cannot read the certificate", id="no certificate"),
        pytest.param({"server_certificate_file": "password"}, "holds no X.509 certificate", id="another file"),
    ],
)
def test_files_that_are_not_there_are_said_before_anything_connects(
    files: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(RigMisconfigured, match=said):
        OpcUaRig(station_settings(4840, **changed), rig_context(start_clock(), files))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"endpoint": "http://plc"}, "is no endpoint", id="another scheme"),
        pytest.param({"endpoint": "opc.tcp://me:secret@plc:4840"}, "names a login", id="a login in the endpoint"),
        pytest.param({"password_env": "P"}, "name one of", id="two places of the password"),
        pytest.param({"policy": "None"}, "policy", id="unencrypted"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        station_settings(4840, **changed)
