"""What a retraining came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineside.training.gate import GateReport
from lineside.workflows.retraining.lessons import Lessons


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainReport:
    """What a retraining came to.

    Attributes:
        out: folder of the run.
        revision: id of the dataset revision that was trained on.
        joined: split of each newly labelled image, by name.
        set_aside: why a newly labelled image was not used, by name.
        live: name and version of the release that was beaten, or not.
        name: of the model line.
        version: of the candidate.
        digest: of the candidate's manifest.
        key_id: of the build key that signed it.
        gate: the gate's answer.
        gate_path: its file.
        lessons: what was learnt from which labels.
        summary: the page about it.
        serials: of the deployments that were signed; none without a promotion.
        next_steps: what a person may do now, in words.
    """

    out: Path
    revision: str
    joined: Mapping[str, str]
    set_aside: Mapping[str, str]
    live: str
    name: str
    version: str
    digest: str
    key_id: str
    gate: GateReport
    gate_path: Path
    lessons: Lessons
    summary: Path
    serials: tuple[int, ...] = ()
    next_steps: tuple[str, ...] = ()
