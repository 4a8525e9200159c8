"""What became of each labelled part: the records that rates, reports and the gate are made from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lineside.inspection.verdict import Verdict

BoxXyxyPx = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DefectOutcome:
    """What became of one labelled defect.

    Attributes:
        class_name: its true class.
        box_xyxy_px: left, top, right, bottom in the pixels of its image.
        size_px: square root of the box's area.
        size_mm: the same in millimetres; None without a scale.
        is_found: a reported defect overlaps it, whatever its class (`matching.touches`).
        is_right_class: one of those that overlap it has its class.
        confidence: of the surest detection that overlaps it, reported or not; 0 if there is none.
        view: the image of the part that it is on.
    """

    class_name: str
    box_xyxy_px: BoxXyxyPx
    size_px: float
    size_mm: float | None
    is_found: bool
    is_right_class: bool
    confidence: float
    view: str = "default"

    def __post_init__(self) -> None:
        """Refuse what no detector can have done."""
        left, top, right, bottom = self.box_xyxy_px
        if not (all(math.isfinite(side) for side in self.box_xyxy_px) and left < right and top < bottom):
            raise ValueError(
                f"the box of a {self.class_name} is {self.box_xyxy_px}; expected left < right, top < bottom"
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"the confidence of a {self.class_name} is {self.confidence}; expected a number in [0, 1]")
        if self.is_right_class and not self.is_found:
            raise ValueError(f"a {self.class_name} of the right class that was not found; expected is_found with it")


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What became of one labelled part.

    Attributes:
        part_id: its name in the revision; unique in an evaluation.
        group: board, lot or part that it was cut from; parts of a group resemble each other.
        product: what it is, None if the revision does not say.
        line: where it was made, None if the revision does not say.
        is_defective: by its labels, under the evaluation's rule of truth.
        verdict: what the line would have been told.
        defects: its labelled defects, over all of its images.
        false_calls: reported defects that overlap no labelled one.
        image_digests: lowercase hex SHA-256 of its images.
    """

    part_id: str
    group: str
    product: str | None
    line: str | None
    is_defective: bool
    verdict: Verdict
    defects: tuple[DefectOutcome, ...]
    false_calls: int
    image_digests: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an impossible count."""
        if self.false_calls < 0:
            raise ValueError(f"part {self.part_id!r} has {self.false_calls} false calls; expected 0 or more")

    @property
    def is_escape(self) -> bool:
        """A defective part that would have got a pass permit."""
        return self.is_defective and self.verdict is Verdict.OK

    @property
    def is_overkill(self) -> bool:
        """A good part that would have been rejected."""
        return not self.is_defective and self.verdict is Verdict.NG

    @property
    def is_inspected(self) -> bool:
        """Whether it got a verdict on its merits; NOT_INSPECTED ones are counted beside the rates."""
        return self.verdict is not Verdict.NOT_INSPECTED


@dataclass(frozen=True, slots=True)
class JudgedRelease:
    """The release that was judged.

    Attributes:
        name: of the model line.
        version: of the release; "0" for a training run that is no release yet.
        digest: lowercase hex SHA-256 of its manifest, of the model file for a training run.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class JudgingRecipe:
    """The recipe whose rules made the verdicts.

    Attributes:
        id: its name.
        version: its version.
        sha256: of its text.
    """

    id: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one part takes alone, from encoded bytes to verdict.

    Attributes:
        p50: median, in milliseconds.
        p95: 95 % quantile.
        p99: 99 % quantile.
        parts: how many were timed.
        parts_per_s: throughput with as many at once as the engine takes.
        machine: what it was measured on.
    """

    p50: float
    p95: float
    p99: float
    parts: int
    parts_per_s: float
    machine: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a release did on labelled parts.

    Attributes:
        release: what was judged.
        revision: id of the dataset revision.
        splits: which splits of it, sorted.
        engine: engine and precision that ran it, e.g. "openvino-fp32".
        recipe: whose rules made the verdicts; None where any defect at or above its threshold made a part NG.
        truth: what makes a part defective: "labels" (any labelled defect) or "recipe" (labels over its limits).
        thresholds: effective confidence by class name.
        parts: every part, sorted by `part_id`.
        figures: JSON values, see `figures`.
        latency_ms: None where nothing was timed.
    """

    release: JudgedRelease
    revision: str
    splits: tuple[str, ...]
    engine: str
    recipe: JudgingRecipe | None
    truth: str
    thresholds: Mapping[str, float]
    parts: tuple[PartOutcome, ...]
    figures: Mapping[str, Any]
    latency_ms: Latency | None = None

    def __post_init__(self) -> None:
        """Refuse one part twice; make the thresholds unchangeable."""
        names = [part.part_id for part in self.parts]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"parts {twice[:5]} are there twice; expected each part once")
        object.__setattr__(self, "thresholds", MappingProxyType(dict(self.thresholds)))

    @property
    def escapes(self) -> tuple[PartOutcome, ...]:
        """Defective parts that would have passed."""
        return tuple(part for part in self.parts if part.is_escape)

    @property
    def overkills(self) -> tuple[PartOutcome, ...]:
        """Good parts that would have been rejected."""
        return tuple(part for part in self.parts if part.is_overkill)

    def to_json(self) -> str:
        """The canonical JSON document (schema "lineside.evaluation/1")."""
        from lineside.training.evaluation.document import evaluation_text

        return evaluation_text(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "the evaluation") -> "Evaluation":
        """Read a document that `to_json` wrote.

        Args:
            text: the JSON document.
            source: what messages call it.

        Raises:
            NotAnEvaluation: it is no document of this schema; the message names the key.
        """
        from lineside.training.evaluation.document import read_evaluation

        return read_evaluation(text, source=source)
