"""A PLC as marker: a result for each region, with a permit only for an OK, and a heartbeat that shows who is alive.

The PLC cuts the same regions by the same encoder and counts them from 1; a region's number, wrapped to 16 bits, is the
result's id. It marks every region for which no permit came by the time that its beginning is at the marker, so nothing
passes because of a cut cable or a station that has died. Where in the region a defect lies stands in the roll map: a
PLC's two words have no room for it.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType, TracebackType
from typing import Final, Self

from lineside.inspection.verdict import Verdict
from lineside.station.rig.errors import RigLost
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import MAX_WORD, Lane, Outputs, StationState
from lineside.station.web.errors import MarkerFailed
from lineside.station.web.markers import MarkPulse
from lineside.station.web.records import RegionOutcome

_LANES = MappingProxyType({Verdict.OK: Lane.PASS, Verdict.NG: Lane.REJECT, Verdict.NOT_INSPECTED: Lane.REINSPECT})

_QUIET: Final = Outputs(
    state=StationState.CONTINUOUS_EXECUTION,
    ready=False,
    trigger_ack=False,
    trigger_ack_id=0,
    busy=True,
    results_valid=False,
    results_id=0,
    permit=False,
    lane=Lane.REINSPECT,
    heartbeat=0,
    stop_line=False,
    missed_acquisition=False,
    alarm=0,
)


def result_id(number: int) -> int:
    """The 16-bit id of a region's result; 0 means none, so 65,536 is 1 again.

    >>> result_id(1), result_id(65535), result_id(65536)
    (1, 65535, 1)
    """
    return (number - 1) % MAX_WORD + 1


@dataclass(slots=True)
class RigMarker:
    """Tells a PLC of each region, one after another, and waits until it has taken the result.

    Attributes:
        rig: entered and released with the marker.
        ack_timeout_s: how long the PLC may take for one result.
        scan_s: how often outputs are written and inputs read; the heartbeat changes as often.
    """

    rig: Rig
    ack_timeout_s: float = 1.0
    scan_s: float = 0.01
    _outputs: Outputs = field(default=_QUIET, init=False, repr=False)
    _acked: int = field(default=0, init=False, repr=False)
    # until a scan says otherwise: an earlier session's acknowledgement may still stand
    _is_acked: bool = field(default=True, init=False, repr=False)
    _scanned: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)
    _scanning: "asyncio.Task[None] | None" = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        """Begin the exchange."""
        await self.rig.__aenter__()
        self._scanning = asyncio.create_task(self._scan())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the permit away and end the exchange."""
        if self._scanning is not None:
            self._scanning.cancel()
            with suppress(asyncio.CancelledError):
                await self._scanning
        with suppress(RigLost):  # without the station's heartbeat the PLC permits nothing
            await self.rig.write(replace(_QUIET, state=StationState.HALTED, busy=False))
        await self.rig.__aexit__(kind, error, trace)

    async def region(
        self,
        outcome: RegionOutcome,
        pulses: tuple[MarkPulse, ...],  # noqa: ARG002 - there is no room for them in a PLC's words
    ) -> None:
        """Give the PLC the region's result.

        Raises:
            MarkerFailed: it did not take it in time.
        """
        number = result_id(outcome.number)
        result = replace(
            self._outputs,
            results_valid=True,
            results_id=number,
            permit=outcome.verdict is Verdict.OK,
            lane=_LANES[outcome.verdict],
        )
        try:
            async with asyncio.timeout(self.ack_timeout_s):
                await self._until(is_acked=False)  # the acknowledgement of the one before is taken back first
                self._outputs = result
                await self._until(is_acked=True, number=number)
        except TimeoutError as error:
            raise MarkerFailed(
                f"the PLC did not take the result of {outcome.part_id} (id {number}) within {self.ack_timeout_s:g} s: "
                "stop the web, and look at the connection and at the PLC's programme"
            ) from error
        finally:
            self._outputs = replace(self._outputs, results_valid=False, permit=False, lane=Lane.REINSPECT)

    async def _until(self, *, is_acked: bool, number: int = 0) -> None:
        while self._is_acked is not is_acked or (is_acked and self._acked != number):
            self._scanned.clear()
            await self._scanned.wait()

    async def _scan(self) -> None:
        heartbeat = 0
        while True:
            heartbeat = (heartbeat + 1) & MAX_WORD
            with suppress(RigLost):  # no acknowledgement comes meanwhile, which ends in MarkerFailed
                await self.rig.write(replace(self._outputs, heartbeat=heartbeat))
                inputs = await self.rig.read()
                self._is_acked, self._acked = inputs.results_ack, inputs.results_ack_id
                self._scanned.set()
            await asyncio.sleep(self.scan_s)
