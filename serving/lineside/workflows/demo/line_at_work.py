"""The virtual line at work: parts come under the camera at a pace, several under way at once."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from lineside.client import InspectionAnswer, LinesideClient, TryAgainLater
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import Verdict
from lineside.serving.clock import Clock
from lineside.workflows.demo.plan import BOARDS_PER_PANEL, PANELS_PER_LOT, DemoPlan
from lineside.workflows.demo.site import STATION, order_lot
from lineside.workflows.demo.tally import Passage, Tally
from lineside.workflows.demo.virtual_line import VirtualPart, virtual_parts

_LANES = {Verdict.OK: "passed", Verdict.NG: "rejected", Verdict.NOT_INSPECTED: "set_aside"}


class Line:
    """One run of the virtual line.

    Args:
        plan: what it makes.
        station: asks for verdicts.
        mes: orders lots.
        run_id: what every identifier begins with.
        on_passage: told of each part and its verdict, or that there was none.
        clock: tells when a part went where.

    Attributes:
        tally: truth against verdicts so far.
        lots: those begun.
    """

    def __init__(
        self,
        plan: DemoPlan,
        *,
        station: LinesideClient,
        mes: LinesideClient,
        run_id: str,
        on_passage: Callable[[Passage], None],
        clock: Clock,
    ) -> None:
        self.tally = Tally()
        self.lots: list[str] = []
        self._plan = plan
        self._station = station
        self._mes = mes
        self._on_passage = on_passage
        self._clock = clock
        self._parts = virtual_parts(plan, run_id=run_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Bring parts under the camera at the line's pace, several under way at once."""
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(self._plan.in_flight)
        due_s = loop.time()
        async with asyncio.TaskGroup() as under_way:
            while not stop.is_set():
                # Drawing a board takes longer than handling one: not on the event loop.
                part = await asyncio.to_thread(_next, self._parts)
                if part is None:
                    return
                await _beat(stop, due_s - loop.time())
                due_s = max(due_s + 1 / self._plan.parts_per_s, loop.time())
                if part.starts_lot:
                    await self._change_over(part, room)
                await room.acquire()
                under_way.create_task(self._inspect(part, room))

    async def _change_over(self, first: VirtualPart, room: asyncio.Semaphore) -> None:
        """A new lot: the line runs empty, then the MES orders it from its first part on."""
        self.lots.append(first.lot)
        for _ in range(self._plan.in_flight):
            await room.acquire()
        await order_lot(
            self._mes,
            product=first.product,
            lot=first.lot,
            first_part_id=first.part_id,
            quantity=BOARDS_PER_PANEL * PANELS_PER_LOT,
        )
        for _ in range(self._plan.in_flight):
            room.release()

    async def _inspect(self, part: VirtualPart, room: asyncio.Semaphore) -> None:
        started_s = time.perf_counter()
        answer: InspectionAnswer | None = None
        failure: str | None = None
        try:
            got = await self._station.inspect(
                part.frame_png,
                MediaType.PNG,
                station=STATION,
                part_id=part.part_id,
                parent_id=part.panel_id,
                sequence=part.number,
                encoder=part.number,
            )
            answer = got if isinstance(got, InspectionAnswer) else None
        except TryAgainLater as error:
            failure = str(error)  # counted as unanswered: the station's own record says NOT_INSPECTED
        finally:
            room.release()
        latency_ms = (time.perf_counter() - started_s) * 1000.0
        self._on_passage(self.tally.add(part, answer, latency_ms=latency_ms, failure=failure))
        if answer is not None:
            await self._dispose(answer)

    async def _dispose(self, answer: InspectionAnswer) -> None:
        """The gate behind the camera did what the verdict said; its sensor saw it."""
        with contextlib.suppress(TryAgainLater):  # the line goes on; the ledger then says only what was judged
            await self._station.dispose(
                answer.id, kind=_LANES[answer.verdict], confirmed_by_sensor=True, at=self._clock.now()
            )


def _next(parts: Iterator[VirtualPart]) -> VirtualPart | None:
    return next(parts, None)


async def _beat(stop: asyncio.Event, wait_s: float) -> None:
    """Wait for the next beat of the line, or for its end."""
    if wait_s > 0:
        try:
            await asyncio.wait_for(stop.wait(), wait_s)
        except TimeoutError:
            return
