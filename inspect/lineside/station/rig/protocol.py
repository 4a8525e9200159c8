"""What every rig can do, whatever the PLC speaks."""

from types import TracebackType
from typing import Protocol, Self

from lineside.station.rig.records import Inputs, Outputs


class Rig(Protocol):
    """The station's side of the exchange with a PLC. Building one connects nothing; `async with` is its life.

    One caller at a time. Both calls end within the bound of the rig's settings, come what may: the station's scan
    goes on without a PLC. A lost connection is taken up again by a later `read`, at the pace of a backoff; until then
    both calls raise at once.
    """

    async def __aenter__(self) -> Self:
        """Get ready. A PLC that is not there yet is no error here; `read` says so."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; safe after any failure."""
        ...

    async def read(self) -> Inputs:
        """What the PLC says now, all of one moment. A confirmation is given out once.

        Raises:
            RigLost: nothing that can be trusted came within the bound.
        """
        ...

    async def write(self, outputs: Outputs) -> None:
        """Tell the PLC. After an error it is not known whether it heard.

        Raises:
            RigLost: the PLC did not take it within the bound.
        """
        ...
