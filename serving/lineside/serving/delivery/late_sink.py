"""A sink whose settings name what is not there yet: a secret, a certificate, a library. It is built when it opens."""

from collections.abc import Callable

from lineside.serving.delivery.errors import ExtraMissing, PersonNeeded, SinkMisconfigured
from lineside.serving.delivery.sinks import Idle, Proof, Sink
from lineside.serving.ledger import Event


class LateSink:
    """Stands for a sink that could not be built; every try to open it tries to build it.

    Args:
        build: makes the sink.
        proof: what its kind can prove.
    """

    def __init__(self, build: Callable[[], Sink], *, proof: Proof) -> None:
        self._build = build
        self._proof = proof
        self._built: Sink | None = None

    @property
    def proof(self) -> Proof:
        """What its kind can prove."""
        return self._proof

    @property
    def lanes(self) -> int:
        """One, until the process starts again: how many the sink wants was not known when it began."""
        return 1

    async def open(self) -> None:
        """Build and connect.

        Raises:
            PersonNeeded: something that the settings name is still not there.
            Trouble: the sink's own.
        """
        if self._built is None:
            try:
                self._built = self._build()
            except (SinkMisconfigured, ExtraMissing) as error:
                raise PersonNeeded(str(error), "put right what the delivery file names for this sink") from error
        await self._built.open()

    async def deliver(self, event: Event) -> None:
        """Deliver with the sink, which is built once it was opened."""
        if self._built is None:
            raise PersonNeeded("the sink is not built", "put right what the delivery file names for this sink")
        await self._built.deliver(event)

    async def idle(self) -> None:
        """Let the sink do its own work, if it has some."""
        if isinstance(self._built, Idle):
            await self._built.idle()

    async def close(self) -> None:
        """Close what was built."""
        if self._built is not None:
            await self._built.close()
