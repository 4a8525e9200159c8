"""What the station can do now: what its surroundings allow, what stopped it, and its state in OPC 40100-1's words.

Two kinds of hindrance: those that end by themselves (a camera that comes back), and those that a person has to look at
(an encoder that erred, a line that was stopped by rule): they stand until the reset button is pressed.
"""

from enum import IntEnum
from typing import Final

from lineside.inspection.verdict import ReasonCode
from lineside.station.machine.effects import Report, Severity
from lineside.station.machine.happenings import (
    CameraBack,
    CameraTrouble,
    Changeover,
    DeploymentNotReady,
    DeploymentReady,
    DiskBack,
    DiskFull,
    Ending,
    Happening,
    InternalFault,
    MasterPresented,
    MastersDue,
)
from lineside.station.machine.masters import Masters
from lineside.station.machine.rules import MachineRules
from lineside.station.rig.records import Inputs, StationState


class Alarm(IntEnum):
    """Numbers for the PLC's panel, the gravest first."""

    NONE = 0
    INTERNAL = 1
    ERROR = 2
    STOPPED = 3
    BYPASS = 4
    CAMERA = 5
    DISK = 6
    NO_JUDGE = 7
    MASTERS = 8


_ENDING: Final = "the station is ending"


class Condition:
    """Keeps what hinders the station.

    Args:
        rules: how long a PLC's heartbeat may stand still.
    """

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self.has_link = False
        self.wants_forgetting = False
        """In this scan the PLC was lost: what it said before counts no more."""
        self.was_reset = False
        """In this scan the reset button was pressed."""
        self._last_s: float | None = None
        self._heartbeat: int | None = None
        self._heartbeat_s = 0.0
        self._is_online = False
        self._is_bypassed = False
        self._is_reset_held = True  # a button that is held at the start says nothing
        self._cameras: dict[str, str] = {}
        self._no_judge: str | None = "nobody can judge yet"
        self._disk: str | None = None
        self._disk_hangs: str | None = None
        self._internal: str | None = None
        self._error: str | None = None
        self._stopped: str | None = None
        self._is_ending = False
        self._masters_due = False

    def scan(self, inputs: Inputs | None, *, now_s: float) -> list[Report]:
        """Look at the link, the keys and buttons; gives what is to be told."""
        told: list[Report] = []
        self.wants_forgetting = self.was_reset = False
        if self._last_s is not None and now_s < self._last_s:
            told += self.fail("clock", f"the station's clock went back by {self._last_s - now_s:.3f} s")
        self._last_s = now_s
        had_link, self.has_link = self.has_link, self._is_alive(inputs, now_s)
        if had_link and not self.has_link:
            self.wants_forgetting = True
            why = "it cannot be read or written, see the log" if inputs is None else "its heartbeat stands still"
            told.append(Report("rig_lost", Severity.ALARM, f"the PLC is lost: {why}"))
        elif self.has_link and not had_link:
            told.append(Report("rig_back", Severity.INFO, "the PLC is there"))
        if inputs is None:
            return told
        self._is_online = inputs.online
        if inputs.bypass != self._is_bypassed:
            self._is_bypassed = inputs.bypass
            told.append(
                Report("bypass_on", Severity.ALARM, "the bypass key is turned: parts go by that nobody looks at")
                if inputs.bypass
                else Report("bypass_off", Severity.INFO, "the bypass key is turned back")
            )
        if inputs.reset and not self._is_reset_held:
            told += self._reset()
        self._is_reset_held = inputs.reset
        return told

    def hear(self, happening: Happening, masters: Masters) -> list[Report]:
        """Take in news of the surroundings; gives what is to be told."""
        match happening:
            case CameraTrouble(camera, message):
                is_new = camera not in self._cameras
                self._cameras[camera] = message
                return [Report("camera_lost", Severity.ALARM, f"camera {camera!r}: {message}")] if is_new else []
            case CameraBack(camera):
                was_lost = self._cameras.pop(camera, None) is not None
                return [Report("camera_back", Severity.INFO, f"camera {camera!r} delivers again")] if was_lost else []
            case DeploymentReady():
                self._no_judge = None
            case DeploymentNotReady(message):
                self._no_judge = message
            case DiskFull(message):
                return self._look_at_disk(message, self._disk_hangs)
            case DiskBack():
                return self._look_at_disk(None, self._disk_hangs)
            case InternalFault(message):
                self._internal = message
                return [Report("internal", Severity.ALARM, message)]
            case Changeover():
                masters.change_over()
            case MastersDue(why):
                masters.ask_for(why)
            case MasterPresented(part_id):
                return _announced(masters, part_id)
            case Ending():
                self._is_ending = True
            case _:
                raise TypeError(f"{type(happening).__name__} is about a part, not about the surroundings")
        return []

    def look_at_disk(self, hangs: str | None) -> list[Report]:
        """Take in whether the disk hangs, which it cannot say itself; gives what is to be told."""
        return self._look_at_disk(self._disk, hangs)

    def fail(self, kind: str, message: str) -> list[Report]:
        """Stand in ERROR until the reset button is pressed."""
        if self._error is not None:
            return []
        self._error = message
        return [Report(kind, Severity.ALARM, message)]

    def stop(self, why: str) -> list[Report]:
        """Stop the line until the reset button is pressed."""
        if self._stopped is not None:
            return []
        self._stopped = why
        return [Report("stopped", Severity.ALARM, f"the line is stopped: {why}")]

    @property
    def stops_line(self) -> bool:
        """Whether the line is to stand."""
        return self._stopped is not None

    @property
    def may_permit(self) -> bool:
        """Whether any part may get a permit now."""
        return (
            self.has_link
            and self._is_online
            and not self._is_bypassed
            and self._error is None
            and self._internal is None
            and not self._is_ending
        )

    @property
    def refusal(self) -> tuple[ReasonCode, str] | None:
        """Why a part that is triggered now is not looked at; None if it is."""
        if self._is_bypassed:
            return ReasonCode.BYPASSED, "the bypass key is turned"
        if self._is_ending:
            return ReasonCode.STATION_FAULT, _ENDING
        fault = self._internal or self._error
        if fault is not None:
            return ReasonCode.STATION_FAULT, fault
        if self._stopped is not None:
            return ReasonCode.STATION_FAULT, f"the line was stopped: {self._stopped}"
        if self._cameras:
            camera, message = next(iter(self._cameras.items()))
            return ReasonCode.NO_FRAME, f"camera {camera!r}: {message}"
        if self._disk_trouble is not None:
            return ReasonCode.STATION_FAULT, self._disk_trouble
        if self._no_judge is not None:
            return ReasonCode.NO_SERVER, self._no_judge
        if not self._is_online:
            return ReasonCode.STATION_FAULT, "the PLC is not in automatic mode"
        return None

    def state(self, *, masters_due: bool, in_flight: int, most_in_flight: int) -> StationState:
        """The state in OPC 40100-1's words; what hinders most comes first."""
        self._masters_due = masters_due
        if self._is_ending or self._stopped is not None:
            return StationState.HALTED
        faults = (self._internal, self._error, self._disk_trouble)
        if any(fault is not None for fault in faults) or self._cameras or not self.has_link:
            return StationState.ERROR
        if self._no_judge is not None:
            return StationState.PREOPERATIONAL
        if not self._is_online or masters_due or self._is_bypassed:
            return StationState.INITIALIZED
        if in_flight == 0:
            return StationState.READY
        return StationState.SINGLE_EXECUTION if most_in_flight == 1 else StationState.CONTINUOUS_EXECUTION

    @property
    def alarm(self) -> Alarm:
        """The gravest hindrance, as the panel has it."""
        standing = (
            (Alarm.INTERNAL, self._internal is not None),
            (Alarm.ERROR, self._error is not None),
            (Alarm.STOPPED, self._stopped is not None),
            (Alarm.BYPASS, self._is_bypassed),
            (Alarm.CAMERA, bool(self._cameras)),
            (Alarm.DISK, self._disk_trouble is not None),
            (Alarm.NO_JUDGE, self._no_judge is not None),
            (Alarm.MASTERS, self._masters_due),
        )
        return next((alarm for alarm, stands in standing if stands), Alarm.NONE)

    @property
    def _disk_trouble(self) -> str | None:
        """Full or hanging, it is one trouble."""
        return self._disk or self._disk_hangs

    def _look_at_disk(self, full: str | None, hangs: str | None) -> list[Report]:
        """The disk's trouble is told once, and ends when it is neither full nor hanging."""
        before = self._disk_trouble
        self._disk, self._disk_hangs = full, hangs
        now = self._disk_trouble
        if before is None and now is not None:
            return [Report("disk_full", Severity.ALARM, now)]
        if before is not None and now is None:
            return [Report("disk_back", Severity.INFO, "the disk takes records again")]
        return []

    def _is_alive(self, inputs: Inputs | None, now_s: float) -> bool:
        if inputs is None:
            self._heartbeat = None
            return False
        if inputs.heartbeat != self._heartbeat:
            self._heartbeat, self._heartbeat_s = inputs.heartbeat, now_s
        return now_s - self._heartbeat_s <= self._rules.heartbeat_timeout_s

    def _reset(self) -> list[Report]:
        self.was_reset = True
        stood = self._stopped or self._error
        self._stopped = self._error = None
        return [] if stood is None else [Report("started", Severity.INFO, f"reset by hand after: {stood}")]


def _announced(masters: Masters, part_id: str) -> list[Report]:
    """Announce a master; one that nobody knows is told about and changes nothing."""
    if masters.is_master(part_id):
        masters.announce(part_id)
        return []
    return [Report("internal", Severity.WARNING, f"part {part_id!r} was presented as a master and is none")]
