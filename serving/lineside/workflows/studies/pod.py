"""A study of detection probability, from its file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineside.serving.studies.pod_file import PodStudy, judge_pod_study, read_pod_study
from lineside.statistics.pod import PodEstimate, ProductionUse
from lineside.workflows.text_files import read_text_file


@dataclass(frozen=True, slots=True)
class JudgedPod:
    """A study with what follows from it.

    Attributes:
        source: the file's name.
        text: its content.
        study: what it says.
        estimate: what follows.
    """

    source: str
    text: str
    study: PodStudy
    estimate: PodEstimate

    def as_json(self) -> dict[str, Any]:
        """The study's figures, in the words of the API."""
        return {"source": self.source, "unit": self.study.unit, "result": asdict(self.estimate)}


def judge_pod_file(path: Path, *, production: ProductionUse = ProductionUse.REFUSE) -> JudgedPod:
    """Read a study and estimate what it can carry.

    Raises:
        NotText, StudyUnreadable: the file cannot be read, and where.
        StudyRefused: the study cannot carry a probability of detection, and why.
        OSError: there is no such file.
    """
    text = read_text_file(path)
    study = read_pod_study(text, source=path.name)
    return JudgedPod(path.name, text, study, judge_pod_study(study, production=production))


def pod_facts(estimate: PodEstimate, unit: str) -> list[tuple[str, str]]:
    """The figures as name and text, for a table."""
    found = f"a{estimate.probability * 100:g}"
    percent = f"{estimate.confidence * 100:g}"
    bound = "none" if estimate.size_bound is None else f"{estimate.size_bound:.3g} {unit}"
    calls = estimate.false_calls
    share = (
        "unknown: no defect-free part"
        if calls.estimate is None
        else (
            f"{calls.estimate:.2%} ({calls.events} of {calls.units} parts; exact {calls.confidence:.0%} interval "
            f"{calls.lower:.2%} to {calls.upper:.2%})"
        )
    )
    facts = [
        ("targets", f"{estimate.targets}, {estimate.hits} of them found"),
        ("sizes", f"{estimate.smallest:.3g} to {estimate.largest:.3g} {unit}, {estimate.design.value}"),
        ("a50", f"{estimate.a50:.3g} {unit}"),
        (found, f"{estimate.size_found:.3g} {unit}"),
        (f"{found}/{percent}", bound),
        ("false calls", share),
        ("log-odds", f"{estimate.intercept:.4f} + {estimate.slope:.4f} ln(size)"),
        ("fit", estimate.fit.value),
    ]
    if estimate.is_indicative:
        facts = [(name if name == "targets" else f"{name} (indicative)", text) for name, text in facts]
    return facts
