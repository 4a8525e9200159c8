"""What a station decides, scan by scan: states, handshakes, permits. Pure: no clock, no wire, no disk of its own.

The two handshakes, each in four phases; a signal stands until it is answered, so a scan that is missed costs nothing:

| PLC | station | means |
|---|---|---|
| | `ready` | a trigger is taken |
| `trigger`, `trigger_id` | | a part is at the camera |
| | `trigger_ack`, `trigger_ack_id` | its trigger is on disk; `missed_acquisition`: but not its picture |
| `trigger` off | `trigger_ack` off | |
| | `busy` off | nothing is acquired or judged |
| `results_ack` off | `results_valid`, `results_id`, `permit`, `lane` | the result of that part |
| `results_ack`, `results_ack_id` | | it is taken, and stands in the PLC's table |
| | `results_valid` off | |
| `results_ack` off | | |
| `confirmed` | | a sensor saw the part in a lane |

Acquisition ids are the PLC's, 1 to 65535 and around. The heartbeat changes with every scan. A part gets `permit` only
if it was inspected, is OK, stands on disk so, and has not passed the last place where the gate can still follow:
distance / speed - actuator time, in counts where there is an encoder. A permit that nobody took can be withdrawn: the
result goes off, and once `results_ack` is off too, the same id is told again without a permit; a PLC that gets two
results for one id lets neither pass. Each trigger ends in exactly one `Dispose`.

A trigger is taken only if it was seen to rise. One that already stood when the PLC was first heard, or heard again,
one without Ready, and one whose id is still awaited from the judges (a PLC that began to count anew) is missed: a
record that says NOT_INSPECTED, no permit. Where two parts may bear one id, neither passes.

What is acknowledged is on disk: `Acquire` and `RecordNotInspected` are each followed by `Recorded` once the trigger is
written down, and only then does `trigger_ack` go on. A trigger that finds no room on the disk is never acknowledged;
its part has no permit. Both are each answered by exactly one `Judged` or `JudgeFailed`; until then no other part
of that id is looked at, so that a slow verdict never falls to another part. A new machine knows of no part at all.
"""

from lineside.station.machine.condition import Alarm
from lineside.station.machine.effects import Acquire, Dispose, Effect, RecordNotInspected, Report, Severity
from lineside.station.machine.happenings import (
    Acquired,
    AcquisitionFailed,
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
    InternalFault,
    Judged,
    JudgeFailed,
    MasterPresented,
    MastersDue,
    Recorded,
)
from lineside.station.machine.machine import StationMachine, Step
from lineside.station.machine.rules import EncoderRules, MachineRules, MasterRules

__all__ = [
    "Acquire",
    "Acquired",
    "AcquisitionFailed",
    "Alarm",
    "CameraBack",
    "CameraTrouble",
    "Changeover",
    "DefectPlace",
    "DeploymentNotReady",
    "DeploymentReady",
    "DiskBack",
    "DiskFull",
    "Dispose",
    "Effect",
    "EncoderRules",
    "Ending",
    "Happening",
    "InternalFault",
    "JudgeFailed",
    "Judged",
    "MachineRules",
    "MasterPresented",
    "MasterRules",
    "MastersDue",
    "RecordNotInspected",
    "Recorded",
    "Report",
    "Severity",
    "StationMachine",
    "Step",
]
