"""A sink's way out: open while events go through; after a failure shut for a while, then open for one try."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from lineside.client import Backoff
from lineside.serving.clock import Clock
from lineside.serving.delivery.desk import DeliveryState, TroubleReport
from lineside.serving.delivery.errors import PersonNeeded, Trouble, TryAgain
from lineside.serving.delivery.window import Item

_log = structlog.get_logger(__name__)


class Origin(StrEnum):
    """Which call failed; the same one shows whether all is well again."""

    OPEN = "open"
    IDLE = "idle"
    DELIVER = "deliver"


@dataclass(slots=True)
class _Outage:
    trouble: TroubleReport
    origin: Origin
    item: Item | None
    state: DeliveryState
    began_s: float
    next_try_s: float
    waits_s: Iterator[float]


class Gate:
    """Remembers an outage from its first failure to the first success, and writes one log line for each of the two.

    Args:
        sink: its name.
        clock: for the instants that are shown.
        seconds: a monotonic clock; a step of the wall clock neither shortens nor lengthens a wait.
        backoff: waits between tries.
        person_wait_s: between tries that need a person first.
        rng: the jitter.
    """

    def __init__(
        self,
        sink: str,
        *,
        clock: Clock,
        seconds: Callable[[], float],
        backoff: Backoff,
        person_wait_s: float,
        rng: random.Random,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._seconds = seconds
        self._backoff = backoff
        self._person_wait_s = person_wait_s
        self._rng = rng
        self._outage: _Outage | None = None

    @property
    def state(self) -> DeliveryState:
        """How the sink stands."""
        return DeliveryState.DELIVERING if self._outage is None else self._outage.state

    @property
    def trouble(self) -> TroubleReport | None:
        """What is wrong; None while all is well."""
        return None if self._outage is None else self._outage.trouble

    @property
    def origin(self) -> Origin | None:
        """Which call to try first; None while all is well."""
        return None if self._outage is None else self._outage.origin

    @property
    def failed_item(self) -> Item | None:
        """Which item to try first; None for any."""
        return None if self._outage is None else self._outage.item

    @property
    def shut_for_s(self) -> float:
        """Seconds until something may be tried, 0 if it may be now."""
        return 0.0 if self._outage is None else max(self._outage.next_try_s - self._seconds(), 0.0)

    def failed(self, trouble: Trouble, origin: Origin, item: Item | None = None) -> None:
        """Heed a failure; what fails while the gate is shut was under way before, and changes nothing."""
        if self._outage is not None and self.shut_for_s > 0:
            return
        if self._outage is None:
            _log.warning("sink_lost", sink=self._sink, reason=trouble.reason)
            began_s, since, attempts = self._seconds(), self._clock.now(), 1
            waits_s = self._backoff.waits_s(self._rng)
        else:
            began_s, waits_s = self._outage.began_s, self._outage.waits_s
            since, attempts = self._outage.trouble.since, self._outage.trouble.attempts + 1
        needs_person = isinstance(trouble, PersonNeeded)
        wait_s = self._person_wait_s if needs_person else next(waits_s)
        if isinstance(trouble, TryAgain) and trouble.after_s is not None:
            wait_s = max(wait_s, trouble.after_s)
        self._outage = _Outage(
            trouble=TroubleReport(
                reason=trouble.reason,
                since=since,
                attempts=attempts,
                next_try_at=self._clock.now() + timedelta(seconds=wait_s),
                what_to_do=trouble.what_to_do if isinstance(trouble, PersonNeeded) else None,
            ),
            origin=origin,
            item=item,
            state=DeliveryState.PERSON_NEEDED if needs_person else DeliveryState.WAITING,
            began_s=began_s,
            next_try_s=self._seconds() + wait_s,
            waits_s=waits_s,
        )

    def try_now(self) -> None:
        """A person acted: wait no longer."""
        if self._outage is not None:
            self._outage.next_try_s = self._seconds()

    def forget_item(self) -> None:
        """The item that failed is no longer there: any other shows whether all is well."""
        if self._outage is not None:
            self._outage.item = None

    def now_from(self, origin: Origin) -> None:
        """The call that failed went well, and this one decides."""
        if self._outage is not None:
            self._outage.origin = origin

    def recovered(self) -> None:
        """Something went through."""
        outage, self._outage = self._outage, None
        if outage is not None:
            _log.info(
                "sink_back",
                sink=self._sink,
                attempts=outage.trouble.attempts,
                lost_for_s=round(self._seconds() - outage.began_s, 1),
            )
