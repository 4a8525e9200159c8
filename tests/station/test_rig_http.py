"""A gateway over HTTP: a real server on this machine, with a line behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from cut_line import cut_line
from lineside.client.clock import ManualClock
from lineside.station.rig import RIG_KINDS, Lane, RigLost, RigMisconfigured, RigUnreadable
from lineside.station.rig.confirmations import ConfirmationRing
from lineside.station.rig.http import HttpRig
from lineside.station.rig.json_blocks import inputs_to_json, outputs_from_json
from lineside.station.rig.settings import HttpSettings
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation
from rig_scene import odd_passes, quick_line, rig_context, run_rig, start_clock


@dataclass
class Gateway:
    """A gateway's answers, and where it listens."""

    line: SimulatedLine
    clock: ManualClock
    port: int = 0
    answers_with: Response | None = None
    tokens: list[str | None] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/plc/inputs")
        def read(request: Request) -> Response:
            self.tokens.append(request.headers.get("authorization"))
            self.line.advance(self.clock.monotonic())
            ring = ConfirmationRing.of(self.line.confirmations)
            body = json.dumps(inputs_to_json(self.line.inputs(), ring))
            return self.answers_with or Response(body, media_type="application/json")

        @app.put("/plc/outputs")
        async def write(request: Request) -> Response:
            self.line.take(outputs_from_json(await request.body()))
            return self.answers_with or Response(status_code=204)

        return app


@asynccontextmanager
async def gateway(**changed: Any) -> AsyncIterator[Gateway]:
    clock = start_clock()
    serving = Gateway(SimulatedLine(quick_line(**changed)), clock)
    server = uvicorn.Server(uvicorn.Config(serving.app(), port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody when it listens
        await asyncio.sleep(0.001)
    serving.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        server.should_exit = True
        await running


def settings_for(port: int, **changed: Any) -> HttpSettings:
    return HttpSettings.model_validate({"kind": "http", "url": f"http://127.0.0.1:{port}/plc", **changed})


def run(scene: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60.0):
            await scene

    asyncio.run(bounded())


def test_a_line_behind_a_gateway_is_the_line(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a long secret\n")

    async def scene() -> None:
        async with gateway(parts=4) as serving:
            station = PlainStation(odd_passes)
            settings = settings_for(serving.port, token_file="token", timeout_ms=5000.0)  # noqa: S106 - a file
            async with RIG_KINDS["http"].build(settings, rig_context(serving.clock, tmp_path)) as rig:
                assert await run_rig(serving.line, rig, station, serving.clock) == 0
            assert [part.lane is Lane.PASS for part in serving.line.truth.parts] == [True, False, True, False]
            assert set(serving.tokens) == {"Bearer a long secret"}
            assert station.confirmed == [(part.acquisition_id, part.lane) for part in serving.line.truth.parts]

    run(scene())


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        pytest.param(Response("no"), RigUnreadable, "are not as docs/station-io", id="no JSON"),
        pytest.param(Response('{"layout": "x"}'), RigUnreadable, "layout", id="another layout"),
        pytest.param(Response("x" * 100_000), RigUnreadable, "more than 65536 bytes", id="too much"),
        pytest.param(Response(status_code=503), RigLost, "answered with status 503", id="unwell"),
        pytest.param(Response(status_code=307, headers={"location": "/"}), RigLost, "status 307", id="elsewhere"),
    ],
)
def test_an_answer_that_is_none_is_a_lost_rig(answer: Response, error: type[RigLost], said: str) -> None:
    async def scene() -> None:
        async with gateway() as serving:
            serving.answers_with = answer
            settings = settings_for(serving.port, timeout_ms=5000.0)
            async with HttpRig(settings, rig_context(serving.clock)) as rig:
                with pytest.raises(error, match=said):
                    await rig.read()

    run(scene())


def test_a_cable_cut_to_the_gateway_is_a_lost_rig_until_it_is_mended() -> None:
    async def scene() -> None:
        async with gateway() as serving, cut_line(serving.port) as cable:
            station = PlainStation(odd_passes)
            async with HttpRig(settings_for(cable.port, timeout_ms=5000.0), rig_context(serving.clock)) as rig:
                inputs = await rig.read()
                cable.cut_within_next(answer=False, after_bytes=30)
                with pytest.raises(RigLost):
                    await rig.write(station.scan(inputs))
                with pytest.raises(RigLost, match="not connected"):
                    await rig.write(station.scan(inputs))
                cable.mend()
                serving.clock.advance(3.0)
                assert (await rig.read()).online
                await rig.write(station.scan(inputs))

    run(scene())


def test_a_gateway_that_never_answers_is_lost_within_the_bound() -> None:
    async def scene() -> None:
        async with gateway() as serving, cut_line(serving.port) as cable:
            cable.go_dead()
            async with HttpRig(settings_for(cable.port, timeout_ms=20.0), rig_context(serving.clock)) as rig:
                with pytest.raises(RigLost, match="no answer within 20 ms"):
                    await rig.read()

    run(scene())


def test_a_token_that_is_not_there_is_said_before_anything_connects(tmp_path: Path) -> None:
    with pytest.raises(RigMisconfigured, match="the gateway's token: cannot read"):
        HttpRig(settings_for(80, token_file="missing"), rig_context(start_clock(), tmp_path))  # noqa: S106 - a file
