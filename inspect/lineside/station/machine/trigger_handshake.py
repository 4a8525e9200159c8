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
    """Takes triggers, each once, and answers those that stand on disk.

    A trigger that falls before its answer stood is one that the PLC gave up: whatever the part's verdict, it takes no
    permit for it.

    Args:
        timeout_s: how long the PLC may leave its trigger standing after the answer.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self.taken_id: int | None = None
        """The trigger that was taken and still stands."""
        self.ack_id = 0
        """The same while it is answered, else 0."""
        self._timeout_s = timeout_s
        self._last_id = 0
        self._since_s = 0.0
        self._was_told = False
        self._odd_id: int | None = None
        self._must_fall = True
        """Whether the trigger was not yet seen off: one that stands then is of an unknown age."""

    def scan(self, inputs: Inputs, *, now_s: float, in_flight: frozenset[int]) -> tuple[NewTrigger | OddTrigger, ...]:
        """Look at the trigger.

        Args:
            inputs: of this scan.
            now_s: monotonic.
            in_flight: ids of parts that are not disposed of.

        Returns:
            What is new in this scan, nothing mostly.
        """
        if not inputs.trigger:
            return self._fallen()
        wanted = inputs.trigger_id
        if self.taken_id is not None and (wanted == self.taken_id or self.ack_id != 0):
            return self._standing(wanted, now_s)
        # another number where none was answered: the moment in which the trigger was off fell between two scans
        given_up = () if self.taken_id is None else self._fallen()
        if wanted == self._odd_id:
            return given_up
        return (*given_up, self._risen(wanted, in_flight))

    def acknowledge(self, now_s: float) -> None:
        """The trigger that was taken stands on disk: from now on it is answered."""
        if self.taken_id is not None and self.ack_id == 0:
            self.ack_id, self._since_s, self._was_told = self.taken_id, now_s, False

    def forget(self) -> None:
        """The PLC was away: only a trigger that is seen to rise is a new one."""
        self.taken_id, self.ack_id, self._odd_id, self._must_fall = None, 0, None, True

    def _fallen(self) -> tuple[OddTrigger, ...]:
        given_up = self.taken_id if self.ack_id == 0 else None
        self.taken_id, self.ack_id, self._odd_id, self._must_fall = None, 0, None, False
        if given_up is None:
            return ()
        message = f"trigger {given_up} was dropped before it was acknowledged: its part gets no permit"
        return (OddTrigger(given_up, message, frozenset({given_up})),)

    def _risen(self, wanted: int, in_flight: frozenset[int]) -> NewTrigger | OddTrigger:
        if wanted == 0:
            self._odd_id = wanted
            return OddTrigger(wanted, "a trigger with the acquisition id 0, which means none: it is not answered")
        was_last, self.taken_id, self._last_id = wanted == self._last_id, wanted, wanted
        if self._must_fall and was_last:
            return OddTrigger(wanted, f"trigger {wanted} was taken before the PLC was away, and stands again")
        if wanted in in_flight:
            # The PLC lost our answer and asks again, or gives two parts one number: no second part either way.
            return OddTrigger(
                wanted, f"acquisition id {wanted} is triggered again while its part is on its way", frozenset({wanted})
            )
        return NewTrigger(wanted, is_stale=self._must_fall)

    def _standing(self, wanted: int, now_s: float) -> tuple[OddTrigger, ...]:
        taken = self.taken_id or 0
        if wanted != taken:
            # Its number changed under a standing trigger: which part it is of, nobody can tell.
            if wanted == self._odd_id:
                return ()
            self._odd_id = wanted
            message = f"the acquisition id changed from {taken} to {wanted} while the trigger stood"
            return (OddTrigger(wanted, message, frozenset({wanted, taken})),)
        if self.ack_id != 0 and not self._was_told and now_s - self._since_s > self._timeout_s:
            self._was_told = True
            return (OddTrigger(wanted, f"trigger {wanted} stands since {self._timeout_s:g} s though it is answered"),)
        return ()
