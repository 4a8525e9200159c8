"""A part gets the frame of its own trigger, or none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from lineside.client.clock import ManualClock, SystemClock
from lineside.station.agent.acquisition import AcquisitionRules, ViewCamera, ViewFailed, ViewTrouble, take_all
from lineside.station.agent.scan import Scan
from lineside.station.cameras import (
    CameraError,
    CameraFrame,
    CameraLost,
    CameraTimeout,
    WrongPixelFormat,
)
from lineside.station.machine import Acquire, Effect, Happening, Step
from lineside.station.rig import Inputs, Outputs
from machine_scene import MachineScene
from rig_scene import start_clock
from scripted_camera import LineTriggeredCamera, ScriptedCamera, frame

QUICK = AcquisitionRules(grab_timeout_s=0.03, settle_s=0.03)


@dataclass
class Told:
    """What a view said."""

    troubles: list[str] = field(default_factory=list)
    back: asyncio.Event = field(default_factory=asyncio.Event)


def a_view(
    script: list[CameraFrame | CameraError],
    told: Told,
    *,
    view: str = "default",
    rules: AcquisitionRules = QUICK,
    is_line_triggered: bool = False,
) -> tuple[ViewCamera, ScriptedCamera]:
    camera = LineTriggeredCamera(script) if is_line_triggered else ScriptedCamera(script)
    taker = ViewCamera(
        view,
        camera,
        rules=rules,
        clock=SystemClock(),
        on_trouble=lambda _, why: told.troubles.append(why),
        on_back=lambda _: told.back.set(),
    )
    return taker, camera


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


async def taken(view: ViewCamera, *, triggered_s: float = 0.0) -> CameraFrame:
    return await view.take(triggered_s=triggered_s, encoder=1000)


def test_a_frame_from_before_the_trigger_is_nobodys() -> None:
    async def work() -> None:
        told = Told()
        view, camera = a_view([frame(1), frame(2), frame(5)], told)
        assert (await taken(view, triggered_s=3.0)).sequence == 5
        assert (camera.triggers, told.troubles) == (1, [])

    run(work)


def test_where_the_line_triggers_the_camera_its_frame_may_be_here_before_the_plcs_trigger() -> None:
    async def work() -> None:
        view, _ = a_view([frame(2)], Told(), rules=replace(QUICK, before_trigger_s=0.5), is_line_triggered=True)
        assert (await taken(view, triggered_s=2.25)).sequence == 2

    run(work)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([frame(3, lost_before=1)], id="its own was lost on the way"),
        pytest.param([frame(1), frame(3)], id="one came too early to be anybody's"),
    ],
)
def test_where_the_line_triggers_the_camera_the_next_parts_frame_is_not_taken_for_this_parts(
    script: list[CameraFrame | CameraError],
) -> None:
    """Its frames are told apart by their order alone: one that is missing, or too many, and the order is gone."""

    async def work() -> None:
        told = Told()
        view, _ = a_view(script, told, is_line_triggered=True)
        with pytest.raises(ViewFailed) as failed:
            await taken(view, triggered_s=2.0)
        assert failed.value.trouble is ViewTrouble.FRAMES_LOST
        assert (len(told.troubles), view.takes_parts) == (1, False)

    run(work)


def test_a_frame_that_was_lost_before_the_trigger_costs_no_part_its_own_where_software_triggers() -> None:
    async def work() -> None:
        view, _ = a_view([frame(3, lost_before=1)], Told())
        assert (await taken(view, triggered_s=2.0)).sequence == 3

    run(work)


class SlowPlc:
    """A PLC behind a slow cable, and a machine that has each scan's trigger acquired: time passes in the exchanges."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._scene = MachineScene()

    async def read(self) -> Inputs:
        """Ten milliseconds."""
        self._clock.advance(0.01)
        return self._scene.inputs

    async def write(self, outputs: Outputs) -> None:
        """As long as a cable can take that is not yet cut."""
        self._clock.advance(0.2)

    def step(self, now_s: float, inputs: Inputs | None, happenings: Sequence[Happening]) -> Step:
        """A trigger."""
        return Step(self._scene.outputs, (Acquire(7, 10, None, now_s + 1.0),))


def test_a_slow_exchange_with_the_plc_does_not_make_a_parts_own_frame_too_early() -> None:
    """The PLC raises trigger and fires the camera while the station still writes: the frame is there before the scan.

    All that came since the read before, in which there was no trigger yet, can be the part's own.
    """

    async def work() -> None:
        clock = start_clock()
        plc = SlowPlc(clock)
        seen: list[float] = []

        def carry_out(_: Effect, since_s: float) -> None:
            seen.append(since_s)

        scan = Scan(
            plc,  # type: ignore[arg-type]  # no more of a rig is used
            plc,
            happened=[],
            period_s=0.01,
            clock=clock,
            carry_out=carry_out,
            on_link=lambda _: None,
        )
        began_s = clock.monotonic()
        await scan.once()
        await scan.once()
        came = replace(frame(1), received_s=began_s + 0.05)  # in the first write
        view, _ = a_view([came], Told(), is_line_triggered=True)
        assert (await taken(view, triggered_s=seen[1])).sequence == 1

    run(work)


@pytest.mark.parametrize(
    ("ends_in", "trouble"),
    [
        pytest.param([], ViewTrouble.FRAMES_LOST, id="silence"),
        pytest.param([replace(frame(1), is_partial=True)], ViewTrouble.FRAMES_LOST, id="packets are missing"),
        pytest.param([WrongPixelFormat("mono16")], ViewTrouble.FRAMES_LOST, id="another pixel format"),
        pytest.param([CameraLost("the cable is out")], ViewTrouble.CAMERA_LOST, id="unplugged"),
    ],
)
def test_a_view_without_its_frame_says_so_once_and_takes_no_part_until_it_has_settled(
    ends_in: list[CameraFrame | CameraError], trouble: ViewTrouble
) -> None:
    async def work() -> None:
        told = Told()
        view, _ = a_view(ends_in, told)
        for _ in range(2):
            with pytest.raises(ViewFailed) as failed:
                await taken(view)
        assert failed.value.view == "default"
        assert len(told.troubles) == 1
        assert not view.takes_parts
        watching = asyncio.create_task(view.watch())
        await told.back.wait()
        assert view.takes_parts
        watching.cancel()

    async def first_trouble() -> None:
        view, _ = a_view(ends_in, Told())
        with pytest.raises(ViewFailed) as failed:
            await taken(view)
        assert failed.value.trouble is trouble

    run(work)
    run(first_trouble)


def test_a_frame_that_comes_too_late_is_not_the_next_parts() -> None:
    """The failed part's frame arrives while the view settles: it is thrown away there."""

    async def work() -> None:
        told = Told()
        script: list[CameraFrame | CameraError] = []
        view, camera = a_view(script, told)
        with pytest.raises(ViewFailed):
            await taken(view)
        camera._script.append(frame(1))
        watching = asyncio.create_task(view.watch())
        await told.back.wait()
        camera._script.append(frame(2))
        assert (await taken(view)).sequence == 2
        watching.cancel()

    run(work)


def test_a_part_that_waited_while_the_one_before_lost_its_frame_gets_none_either() -> None:
    """The late frame of the part before would otherwise be taken for its own."""

    async def work() -> None:
        view, camera = a_view([CameraTimeout("late"), frame(5)], Told())
        first, second = await asyncio.gather(taken(view), taken(view), return_exceptions=True)
        assert isinstance(first, ViewFailed)
        assert isinstance(second, ViewFailed)
        assert camera.triggers == 1

    run(work)


def test_one_views_failure_costs_no_other_its_frame() -> None:
    async def work() -> None:
        told = Told()
        views = {
            "top": a_view([frame(1)], told, view="top")[0],
            "side": a_view([CameraLost("gone")], told, view="side")[0],
            "bottom": a_view([frame(7)], told, view="bottom")[0],
        }
        frames, failures = await take_all(views, triggered_s=0.0, encoder=5)
        assert {view: taken.sequence for view, taken in frames.items()} == {"top": 1, "bottom": 7}
        assert [failure.view for failure in failures] == ["side"]

    run(work)
