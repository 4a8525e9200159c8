"""The PLC's trigger in four phases: raised with an id, acknowledged with the same id, dropped, the answer dropped."""

from dataclasses import dataclass

from lineside.station.rig.records import Inputs


@dataclass(frozen=True, slots=True)
class NewTrigger:
    """A part stands at the camera.

    Attributes:
        acquisition_id: the PLC's number of it.
        is_stale: whether the trigger stood already when the PLC was first heard, or heard again: where its part is by
            now nobody can tell.
    """

    acquisition_id: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class OddTrigger:
    """A trigger that is none; in words why.

    Attributes:
        acquisition_id: its number.
        message: why.
        in_doubt: parts that may be the wrong ones under their number now: none of them may pass.
    """

    acquisition_id: int
    message: str
    in_doubt: frozenset[int] = frozenset()


class TriggerHandshake:
    """Answers triggers, each once.

    Args:
        timeout_s: how long the PLC may leave its trigger standing after the answer.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self.ack = False
        self.ack_id = 0
        self._timeout_s = timeout_s
        self._since_s = 0.0
        self._was_told = False
        self._odd_id: int | None = None
        self._must_fall = True
        """Whether the trigger was not yet seen off: one that stands then is of an unknown age."""

    def scan(self, inputs: Inputs, *, now_s: float, in_flight: frozenset[int]) -> NewTrigger | OddTrigger | None:
        """Look at the trigger.

        Args:
            inputs: of this scan.
            now_s: monotonic.
            in_flight: ids of parts that are not disposed of.

        Returns:
            What is new in this scan, None mostly.
        """
        if not inputs.trigger:
            self.ack, self._odd_id, self._must_fall = False, None, False
            return None
        wanted = inputs.trigger_id
        if self.ack:
            return self._standing(wanted, now_s)
        if wanted == self._odd_id:
            return None
        if wanted == 0:
            self._odd_id = wanted
            return OddTrigger(wanted, "a trigger with the acquisition id 0, which means none: it is not answered")
        if self._must_fall and wanted == self.ack_id:
            self._odd_id = wanted
            self._answer(wanted, now_s)
            return OddTrigger(wanted, f"trigger {wanted} was answered before the PLC was away, and stands again")
        if wanted in in_flight:
            # The PLC lost our answer and asks again, or gives two parts one number: no second part either way.
            self._odd_id = wanted
            self._answer(wanted, now_s)
            return OddTrigger(
                wanted, f"acquisition id {wanted} is triggered again while its part is on its way", frozenset({wanted})
            )
        self._answer(wanted, now_s)
        return NewTrigger(wanted, is_stale=self._must_fall)

    def forget(self) -> None:
        """The PLC was away: only a trigger that is seen to rise is a new one."""
        self.ack = False
        self._odd_id = None
        self._must_fall = True

    def _answer(self, acquisition_id: int, now_s: float) -> None:
        self.ack, self.ack_id, self._since_s, self._was_told = True, acquisition_id, now_s, False

    def _standing(self, wanted: int, now_s: float) -> OddTrigger | None:
        if wanted != self.ack_id:
            # Its number changed under a standing trigger: which part it is of, nobody can tell.
            if wanted == self._odd_id:
                return None
            self._odd_id = wanted
            return OddTrigger(
                wanted,
                f"the acquisition id changed from {self.ack_id} to {wanted} while the trigger stood",
                frozenset({wanted, self.ack_id}),
            )
        if not self._was_told and now_s - self._since_s > self._timeout_s:
            self._was_told = True
            return OddTrigger(wanted, f"trigger {wanted} stands since {self._timeout_s:g} s though it is answered")
        return None
