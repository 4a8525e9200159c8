"""A sink's loop against a peer that does anything, in time that jumps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from lineside.serving.clock import ManualClock
from lineside.serving.delivery.desk import DeliveryState, Orders, SinkDescription, SinkReport
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.runner import RunnerLimits, SinkRunner
from lineside.serving.delivery.sinks import Proof
from lineside.serving.ledger import Event
from scripted_sink import (
    START,
    MemoryDesk,
    MemoryLog,
    NoLines,
    Receiver,
    ScriptedSink,
    made_event,
    outcomes,
    states_told,
)
from virtual_time import run_in_virtual_time


def a_runner(sink: ScriptedSink, desk: MemoryDesk, log: MemoryLog, *, wanted: EventFilter | None = None) -> SinkRunner:
    return SinkRunner(
        sink,
        SinkDescription("mes", "webhook", Proof.ACKNOWLEDGED, {}, "beginning"),
        wanted=wanted or EventFilter(),
        desk=desk,
        log=log,
        lines=NoLines(),
        clock=ManualClock(START),
        limits=RunnerLimits(window=20),
    )


@asynccontextmanager
async def running(runner: SinkRunner) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await task


async def until(is_so: Callable[[], bool]) -> None:
    """Until something is so, for an hour of the loop's time at most."""
    for _ in range(36_000):
        if is_so():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("an hour went by, and it is not so")


def numbers(receiver: Receiver) -> list[int]:
    return [event.sequence for event in receiver.got]


def test_every_event_goes_once_and_in_order_and_the_cursor_follows() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 101)), MemoryDesk(), Receiver()
        async with running(a_runner(ScriptedSink(receiver), desk, log)):
            await until(lambda: desk.orders.position == 100)
            await log.append(made_event(101))
            await until(lambda: desk.orders.position == 101)
        assert numbers(receiver) == list(range(1, 102))
        assert desk.orders.delivered == 101
        assert log.longest_read <= 20

    run_in_virtual_time(scenario())


def test_stations_go_side_by_side_in_lanes_and_each_in_its_own_order() -> None:
    async def scenario() -> None:
        log = MemoryLog(made_event(n, station=f"aoi-{n % 5}") for n in range(1, 101))
        desk, receiver = MemoryDesk(), Receiver()
        sink = ScriptedSink(receiver, lanes=3)
        async with running(a_runner(sink, desk, log)):
            await until(lambda: desk.orders.position == 100)
        assert sink.most_under_way == 3
        for station in range(5):
            found = receiver.first_arrivals(f"aoi-{station}")
            assert found == sorted(found)
        assert len(receiver.got) == 100

    run_in_virtual_time(scenario())


def test_one_line_when_lost_and_one_when_back_whatever_happens_between() -> None:
    async def scenario() -> MemoryDesk:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 4)), MemoryDesk(), Receiver()
        script = outcomes("ok", *["again"] * 6, *["cut"] * 3, "person", "hang")
        async with running(a_runner(ScriptedSink(receiver, script), desk, log)):
            await until(lambda: desk.orders.position == 3)
        assert numbers(receiver) == [1, 2, 3]
        return desk

    with capture_logs() as logs:
        desk = run_in_virtual_time(scenario())
    assert [line["event"] for line in logs] == ["sink_lost", "sink_back"]
    assert logs[1]["attempts"] == 11
    assert states_told(desk.reports) == [
        DeliveryState.DELIVERING,
        DeliveryState.WAITING,
        DeliveryState.PERSON_NEEDED,
        DeliveryState.WAITING,
        DeliveryState.DELIVERING,
    ]


def test_who_needs_a_person_says_what_to_do_and_is_tried_slowly_until_somebody_acts() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        log, desk, receiver = MemoryLog([made_event(1)]), MemoryDesk(), Receiver()
        async with running(a_runner(ScriptedSink(receiver, outcomes("person", "person")), desk, log)):
            await until(lambda: bool(desk.reports) and desk.last.trouble is not None)
            trouble = desk.last.trouble
            assert trouble is not None
            assert (trouble.reason, trouble.what_to_do) == ("who are you", "log in")
            assert trouble.next_try_at is not None
            assert trouble.next_try_at - trouble.since == timedelta(seconds=60)
            await until(lambda: desk.orders.position == 1)
            assert loop.time() > 120

    run_in_virtual_time(scenario())


def test_poison_is_parked_and_shown_and_goes_when_a_person_sends_it_again() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 6)), MemoryDesk(), Receiver()
        refused = {2, 4}
        sink = ScriptedSink(receiver, lambda event: "poison" if event.sequence in refused else "ok")
        async with running(a_runner(sink, desk, log)):
            await until(lambda: desk.orders.position == 5)
            assert numbers(receiver) == [1, 3, 5]
            assert {each: parked.reason for each, parked in desk.parked.items()} == {
                2: "cannot read that",
                4: "cannot read that",
            }
            desk.resend(2)  # nothing changed there: parked again
            await until(lambda: desk.parked[2].attempts == 1 and not desk.orders.resend)
            refused.clear()
            desk.resend(2, 4)
            await until(lambda: not desk.parked)
            assert numbers(receiver) == [1, 3, 5, 2, 4]
            assert desk.orders.position == 5

    run_in_virtual_time(scenario())


def test_what_is_skipped_is_not_delivered_and_holds_up_nothing() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 6)), MemoryDesk(), Receiver()
        sink = ScriptedSink(receiver, lambda event: "person" if event.sequence == 2 else "ok")
        async with running(a_runner(sink, desk, log)):
            await until(lambda: bool(desk.reports) and desk.last.trouble is not None)
            desk.skip(2, 4)
            await until(lambda: desk.orders.position == 5)
            assert asyncio.get_running_loop().time() < 10  # nobody waited for the next slow try
        assert numbers(receiver) == [1, 3, 5]
        assert desk.last.state is DeliveryState.DELIVERING

    run_in_virtual_time(scenario())


def test_a_rewind_sends_everything_from_a_place_on_again() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 6)), MemoryDesk(), Receiver()
        async with running(a_runner(ScriptedSink(receiver), desk, log)):
            await until(lambda: desk.orders.position == 5)
            desk.rewind(2)
            await until(lambda: len(receiver.got) == 8 and desk.orders.position == 5)
        assert numbers(receiver) == [1, 2, 3, 4, 5, 3, 4, 5]

    run_in_virtual_time(scenario())


def test_a_sink_gets_again_what_it_asks_for() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 7)), MemoryDesk(), Receiver()
        script = outcomes("ok", "ok", "ok", "ok", "back")
        async with running(a_runner(ScriptedSink(receiver, script), desk, log)):
            await until(lambda: desk.orders.position == 6)
        assert numbers(receiver) == [1, 2, 3, 4, 2, 3, 4, 5, 6]

    run_in_virtual_time(scenario())


def test_a_sink_that_hangs_is_cut_off_and_opened_again() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog([made_event(1)]), MemoryDesk(), Receiver()
        sink = ScriptedSink(receiver, outcomes("hang"))
        async with running(a_runner(sink, desk, log)):
            await until(lambda: desk.orders.position == 1)
        assert sink.opened == 2
        assert numbers(receiver) == [1]

    run_in_virtual_time(scenario())


def test_an_event_that_the_sink_itself_fails_at_is_parked_after_some_tries() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 4)), MemoryDesk(), Receiver()
        sink = ScriptedSink(receiver, lambda event: "fault" if event.sequence == 2 else "ok")
        async with running(a_runner(sink, desk, log)):
            await until(lambda: desk.orders.position == 3)
        assert numbers(receiver) == [1, 3]
        assert desk.parked[2].attempts == 5
        assert "KeyError" in (desk.parked[2].reason or "")

    run_in_virtual_time(scenario())


def test_no_wait_is_longer_or_shorter_when_the_clock_steps_back_an_hour() -> None:
    async def scenario() -> None:
        clock = ManualClock(START)
        log, desk, receiver = MemoryLog([made_event(1)]), MemoryDesk(), Receiver()
        sink = ScriptedSink(receiver, outcomes("person"))
        runner = SinkRunner(
            sink,
            SinkDescription("mes", "webhook", Proof.ACKNOWLEDGED, {}, "beginning"),
            wanted=EventFilter(),
            desk=desk,
            log=log,
            lines=NoLines(),
            clock=clock,
        )
        async with running(runner):
            await until(lambda: bool(desk.reports) and desk.last.trouble is not None)
            clock.set_now(START - timedelta(hours=1))
            await until(lambda: desk.orders.position == 1)
        assert 60 < asyncio.get_running_loop().time() < 75

    run_in_virtual_time(scenario())


def test_while_the_desk_is_away_events_go_on_and_are_reported_later() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 11)), MemoryDesk(), Receiver()
        desk.is_down = True
        sink = ScriptedSink(receiver, lambda event: "poison" if event.sequence == 3 else "ok")
        async with running(a_runner(sink, desk, log)):
            await asyncio.sleep(20)
            assert not receiver.got  # where to begin is the desk's word
            desk.is_down = False
            await until(lambda: bool(desk.reports))
            desk.is_down = True
            await asyncio.sleep(20)
            assert len(receiver.got) == 9
            desk.is_down = False
            await until(lambda: desk.orders.position == 10 and 3 in desk.parked)

    run_in_virtual_time(scenario())


def test_only_wanted_events_go_and_the_cursor_passes_the_others() -> None:
    async def scenario() -> None:
        types = ("inspection.v1", "hold.v1", "retention.v1", "inspection.v2")
        log = MemoryLog(made_event(n, event_type=types[n % 4]) for n in range(1, 41))
        desk, receiver = MemoryDesk(), Receiver()
        async with running(a_runner(ScriptedSink(receiver), desk, log, wanted=EventFilter(frozenset({"hold"})))):
            await until(lambda: desk.orders.position == 40)
        assert {event.type for event in receiver.got} == {"hold.v1"}
        assert len(receiver.got) == 10

    run_in_virtual_time(scenario())


def test_a_long_log_of_what_nobody_wants_is_reported_on_the_way() -> None:
    """Else a process that reads for minutes would look as if it hung, and begin again at the same place."""

    async def scenario() -> None:
        log, desk = SlowLog(made_event(n, event_type="review.v1") for n in range(1, 2001)), MemoryDesk()
        async with running(a_runner(ScriptedSink(Receiver()), desk, log, wanted=EventFilter(frozenset({"hold"})))):
            await until(lambda: desk.orders.position == 2000)
        told = [report.position for report in desk.reports]
        assert len({position for position in told if 0 < position < 2000}) > 10
        assert told == sorted(told)

    run_in_virtual_time(scenario())


class SlowLog(MemoryLog):
    """A log that takes its time, which is counted."""

    reads = 0
    waits = 0

    async def events_after(self, sequence: int, *, limit: int) -> tuple[Event, ...]:
        self.reads += 1
        await asyncio.sleep(0.5)
        return await super().events_after(sequence, limit=limit)

    async def wait_past(self, sequence: int, *, timeout_s: float) -> bool:
        self.waits += 1
        return await super().wait_past(sequence, timeout_s=timeout_s)


def test_a_rewind_behind_a_receiver_that_hangs_waits_and_does_not_spin() -> None:
    async def scenario() -> None:
        log, desk, receiver = SlowLog(made_event(n) for n in range(1, 9)), MemoryDesk(), Receiver()
        script = outcomes(*["ok"] * 5, "hang")
        async with running(a_runner(ScriptedSink(receiver, script), desk, log)):
            await until(lambda: desk.orders.position == 5)
            desk.rewind(2)
            await asyncio.sleep(2)
            await log.append(made_event(9))  # news that cannot be read before the rewind
            before = log.waits
            await asyncio.sleep(50)
            assert log.waits - before < 600
            await until(lambda: desk.orders.position == 9)

    run_in_virtual_time(scenario())


def test_who_is_stopped_while_neither_desk_nor_receiver_answers_still_closes_the_sink_and_tells_of_no_outage() -> None:
    async def scenario() -> None:
        log, receiver = MemoryLog([made_event(1)]), Receiver()
        desk, sink = HangingDesk(), ScriptedSink(receiver, outcomes("hang"))
        async with running(a_runner(sink, desk, log)):
            await until(lambda: bool(sink.under_way))
            desk.hangs = True
            await asyncio.sleep(3)
        assert not sink.is_open

    with capture_logs() as logs:
        run_in_virtual_time(scenario())
    assert logs == []


def test_a_sink_whose_own_work_takes_long_delivers_all_the_same() -> None:
    async def scenario() -> None:
        log, desk, receiver = MemoryLog(made_event(n) for n in range(1, 201)), MemoryDesk(), Receiver()
        async with running(a_runner(BusySink(receiver), desk, log)):
            await until(lambda: desk.orders.position == 200)
        assert numbers(receiver) == list(range(1, 201))

    run_in_virtual_time(scenario())


class BusySink(ScriptedSink):
    """A sink whose own work takes longer than the time between two of its turns."""

    async def idle(self) -> None:
        await asyncio.sleep(3)


class HangingDesk(MemoryDesk):
    """A desk that stops answering."""

    hangs = False

    async def report(self, report: SinkReport) -> Orders:
        if self.hangs:
            await asyncio.sleep(3600)
        return await super().report(report)


_OUTCOMES = st.sampled_from(["ok", "ok", "ok", "lost", "again", "cut", "person", "hang", "fault", "back"])


@given(
    stations=st.lists(st.sampled_from(["aoi-1", "aoi-2", None]), min_size=1, max_size=40),
    poison=st.sets(st.integers(min_value=1, max_value=40), max_size=4),
    script=st.lists(_OUTCOMES, max_size=40),
    lives=st.lists(st.floats(min_value=0.0, max_value=90.0), max_size=5),
    lanes=st.integers(min_value=1, max_value=3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_nothing_is_lost_order_holds_and_poison_waits(
    stations: list[str | None], poison: set[int], script: list[str], lives: list[float], lanes: int
) -> None:
    """Any mix of outcomes, kills and restarts: each event arrives, or is parked and arrives when sent again."""

    async def scenario() -> None:
        log = MemoryLog(made_event(n, station=station) for n, station in enumerate(stations, 1))
        desk, receiver = MemoryDesk(), Receiver()
        refused = {each for each in poison if each <= log.head}
        say = outcomes(*script)

        def decide(event: object) -> str:
            return "poison" if getattr(event, "sequence", 0) in refused else say(event)  # type: ignore[arg-type]

        for life_s in lives:
            killed = asyncio.create_task(a_runner(ScriptedSink(receiver, decide, lanes=lanes), desk, log).run())
            await asyncio.sleep(life_s)
            killed.cancel()  # as kill -9: what was not reported is not known to anybody
            await asyncio.gather(killed, return_exceptions=True)
        async with running(a_runner(ScriptedSink(receiver, decide, lanes=lanes), desk, log)):
            await until(lambda: desk.orders.position == log.head)
            for station in set(stations):
                found = receiver.first_arrivals(station)
                assert found == sorted(found), "order within a station"
            assert set(numbers(receiver)) | set(desk.parked) == set(range(1, log.head + 1)), "nothing is lost"
            refused.clear()
            desk.resend(*desk.parked)
            await until(lambda: not desk.parked)
        assert set(numbers(receiver)) == set(range(1, log.head + 1))
        assert {event.sequence: event.id for event in receiver.got} == {
            event.sequence: event.id for event in log.events
        }

    run_in_virtual_time(scenario())
