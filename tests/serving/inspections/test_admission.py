import asyncio
from datetime import UTC, datetime

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.errors import Shed
from lineside.serving.inspections.admission import Admission


def admission(*, bound: int = 2, parallel: int = 1) -> tuple[Admission, ManualClock]:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    return Admission(bound=bound, parallel=parallel, clock=clock), clock


async def serve_one(door: Admission, clock: ManualClock, seconds: float) -> None:
    async with door.enter(budget_s=1000.0), door.run():
        clock.advance(seconds)


def test_a_frame_past_the_bound_is_shed_with_a_time_to_come_back() -> None:
    async def scenario() -> None:
        door, _ = admission(bound=2)
        async with door.enter(1.0), door.enter(1.0):
            with pytest.raises(Shed, match="bound is 2") as shed:
                async with door.enter(1.0):
                    pass
            assert shed.value.retry_after_s >= 1
        assert door.inside == 0

    asyncio.run(scenario())


def test_a_frame_that_cannot_make_its_deadline_is_shed_before_it_waits() -> None:
    async def scenario() -> None:
        door, clock = admission(bound=100)
        await serve_one(door, clock, 0.3)
        async with door.enter(1.0):  # one is ahead: 0.3 s of waiting and 0.3 s of service
            with pytest.raises(Shed, match="deadline"):
                async with door.enter(0.5):
                    pass
            async with door.enter(0.7):
                assert door.inside == 2

    asyncio.run(scenario())


def test_a_lone_frame_is_admitted_however_slow_the_last_one_was() -> None:
    async def scenario() -> None:
        door, clock = admission()
        await serve_one(door, clock, 60.0)
        async with door.enter(0.1):
            assert door.inside == 1

    asyncio.run(scenario())


def test_only_as_many_run_at_once_as_the_processor_takes() -> None:
    async def scenario() -> None:
        door, _ = admission(bound=10, parallel=2)
        running, most = 0, 0

        async def frame() -> None:
            nonlocal running, most
            async with door.enter(10.0), door.run():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(frame() for _ in range(10)))
        assert most == 2

    asyncio.run(scenario())


def test_work_that_outlives_its_request_still_takes_its_place() -> None:
    async def scenario() -> None:
        door, _ = admission(bound=1)
        release = asyncio.Event()
        task = asyncio.create_task(release.wait())
        async with door.enter(1.0):
            door.keep_inside(task)
        with pytest.raises(Shed):
            async with door.enter(1.0):
                pass
        release.set()
        await task
        await asyncio.sleep(0)
        async with door.enter(1.0):
            assert door.inside == 1

    asyncio.run(scenario())
