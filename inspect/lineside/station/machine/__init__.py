"""The station's machine: every state, handshake and permit is decided here; pure, without I/O or a clock.

`StationMachine.step(now_s, inputs, happenings)` is one scan. It gives the outputs for the PLC and the effects for the
runtime, whose ends come back as happenings. `inputs` are None in a scan in which the PLC could not be read.

**Trigger, four phases.** Every signal stands until it is answered, so a scan that misses one sees it in the next.

| scan | PLC | station |
|---|---|---|
| 0 | sees `ready` | `ready`, nothing at the camera |
| n | `trigger` rises, with `trigger_id` (16 bits, never 0) and `part_id` | `trigger_ack` rises, `trigger_ack_id` = id; `ready` falls; Acquire |
| n+1.. | `trigger` falls | `trigger_ack` falls; `ready` rises again once the pictures are taken (Acquired) |

A trigger that comes without Ready, while a picture is taken, with id 0, with the id of a part that is still under way,
or that already stood when the PLC was first read or read again, is missed: no `trigger_ack`, `missed_acquisition`
while it stands, a report, a NOT_INSPECTED record and its disposition. Where two parts bear one id, neither passes.

**In flight.** Parts are tracked by the encoder count at their trigger. The deadline is distance / speed - actuator
time. Verdicts may come in any order. Whatever comes after the deadline is REINSPECT without a permit, and is reported.

**Result, four phases, one at a time.**

| scan | PLC | station |
|---|---|---|
| m | `results_ack` is low | `results_valid` rises with `results_id`, `permit`, `lane`; they do not change while it stands |
| m+1.. | takes them; `results_ack` rises, `results_ack_id` = id | `results_valid` and `permit` fall; the result is dropped |
| m+2.. | `results_ack` falls | the next result |

A permit that is not acknowledged by its deadline is withdrawn and told again as REINSPECT without a permit; a PLC that
gets two results for one id lets neither pass. An acknowledgement of another id, or of nothing, is reported and changes
nothing. A result without an answer for `ack_timeout_s` is taken back and told again.

**Gate.** The PLC lets a part pass only on a permit of its id with a heartbeat that changes. A part ends (Dispose) when
a sensor has seen it, or when it must have left the gate.

**After a restart** the machine knows no part: it never says anything about an id whose trigger it did not take.

States are those of OPC 40100-1: see `states.py`.
"""

from lineside.station.machine.effects import (
    Acquire,
    Dispose,
    Effect,
    HoldSince,
    Miss,
    Report,
    ReportKind,
    Step,
    Stop,
    Withhold,
)
from lineside.station.machine.happenings import (
    Acquired,
    AcquisitionFailed,
    Block,
    CameraBack,
    CameraTrouble,
    Changeover,
    DefectPlace,
    DeploymentNotReady,
    DeploymentReady,
    DiskBack,
    DiskFull,
    Ending,
    Happening,
    Judged,
    JudgeFailed,
    MasterPresented,
    ShiftBegan,
    StationFault,
)
from lineside.station.machine.rules import DeadlineRule, EncoderRule, MachineRules, MasterRules

__all__ = [
    "Acquire",
    "Acquired",
    "AcquisitionFailed",
    "Block",
    "CameraBack",
    "CameraTrouble",
    "Changeover",
    "DeadlineRule",
    "DefectPlace",
    "DeploymentNotReady",
    "DeploymentReady",
    "DiskBack",
    "DiskFull",
    "Dispose",
    "Effect",
    "EncoderRule",
    "Ending",
    "Happening",
    "HoldSince",
    "JudgeFailed",
    "Judged",
    "MachineRules",
    "MasterPresented",
    "MasterRules",
    "Miss",
    "Report",
    "ReportKind",
    "ShiftBegan",
    "StationFault",
    "Step",
    "Stop",
    "Withhold",
]
