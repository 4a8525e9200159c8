"""The cyclic scan: read the PLC, let the machine decide, write to the PLC, and never wait for anything else.

A scan that misses its time is counted and the next one follows at once; scans are not caught up.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lineside.client.clock import Clock
from lineside.station.machine import Effect, Happening, Step
from lineside.station.rig import Confirmation, Inputs, Outputs, Rig, RigLost

_MOST_HELD: Final = 64
"""Confirmations that are kept of a PLC that takes no outputs: of more parts than are between camera and gate."""


class Machine(Protocol):
    """What decides; pure, without a clock."""

    def step(self, now_s: float, inputs: Inputs | None, happenings: Sequence[Happening]) -> Step:
        """The outputs of this scan, and what is to be done."""
        ...


@dataclass(slots=True)
class ScanCounts:
    """How the scan runs.

    Attributes:
        scans: how many there were.
        overruns: how many began late by more than a period.
        longest_s: the longest time from one scan's beginning to the next one's.
    """

    scans: int = 0
    overruns: int = 0
    longest_s: float = 0.0


class Scan:
    """Runs a machine against a rig.

    Args:
        rig: entered by the caller.
        machine: what decides.
        happened: what the machine is told in its next scan; others append to it, on the event loop.
        period_s: from scan to scan.
        clock: the station's.
        carry_out: begins what an effect asks for and returns at once; told when the read of the scan before began: a
            trigger that is new in this scan was not there then.
        on_link: told when the PLC is lost (why) and when it is back (None).
    """

    def __init__(
        self,
        rig: Rig,
        machine: Machine,
        *,
        happened: list[Happening],
        period_s: float,
        clock: Clock,
        carry_out: Callable[[Effect, float], None],
        on_link: Callable[[str | None], None],
    ) -> None:
        self.counts = ScanCounts()
        self.outputs: Outputs | None = None
        """What was decided last."""
        self._rig = rig
        self._machine = machine
        self._period_s = period_s
        self._clock = clock
        self._carry_out = carry_out
        self._on_link = on_link
        self._happened = happened
        self._is_linked = True
        self._takes_outputs = True
        self._held: tuple[Confirmation, ...] = ()
        """What was seen at the lanes and not shown to the machine yet; it is given out once."""
        self._read_s = clock.monotonic()

    async def run(self) -> None:
        """Scan until cancelled."""
        due_s = self._clock.monotonic()
        while True:
            began_s = self._clock.monotonic()
            await self.once()
            due_s += self._period_s
            now_s = self._clock.monotonic()
            if now_s > due_s + self._period_s:
                self.counts.overruns += 1
                due_s = now_s
            await asyncio.sleep(max(0.0, due_s - now_s))
            self.counts.longest_s = max(self.counts.longest_s, self._clock.monotonic() - began_s)

    async def once(self) -> None:
        """One scan."""
        self.counts.scans += 1
        before_s, self._read_s = self._read_s, self._clock.monotonic()
        try:
            read: Inputs | None = await self._rig.read()
        except RigLost as error:
            read = None
            self._told(str(error))
        inputs = self._shown(read)
        happened = tuple(self._happened)
        self._happened.clear()
        step = self._machine.step(self._clock.monotonic(), inputs, happened)
        self.outputs = step.outputs
        if read is not None:
            try:
                await self._rig.write(step.outputs)
            except RigLost as error:
                self._takes_outputs = False
                self._told(str(error))
            else:
                self._takes_outputs = True
                self._told(None)
        for effect in step.effects:
            self._carry_out(effect, before_s)

    def _shown(self, read: Inputs | None) -> Inputs | None:
        """What the machine is shown: a PLC that can be read and takes no outputs is lost until it takes some."""
        if read is None:
            return None
        held, self._held = self._held, ()
        confirmed = (*held, *read.confirmed)
        if not self._takes_outputs:
            self._held = confirmed[-_MOST_HELD:]
            return None
        return replace(read, confirmed=confirmed)

    def _told(self, trouble: str | None) -> None:
        """Say once that the PLC is lost, and once that it is back."""
        if (trouble is None) != self._is_linked:
            self._is_linked = trouble is None
            self._on_link(trouble)
