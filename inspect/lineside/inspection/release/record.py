"""A release: a verified model package, as the rest of the program sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from lineside.inspection.frames import Image
from lineside.inspection.heads import Head, threshold_vector


class InputKind(StrEnum):
    """What the three channels of the model's input are."""

    SINGLE = "single"
    """One image: blue, green, red; a gray image stands for all three."""

    REFERENCE = "reference"
    """Frame, registered reference image and their absolute difference, all gray."""


@dataclass(frozen=True, slots=True)
class CanaryDefect:
    """A defect that the model must find in a canary frame.

    Attributes:
        class_name: its class.
        box_xyxy_px: where it is, in pixels of the canary frame.
    """

    class_name: str
    box_xyxy_px: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class CanaryFrame:
    """A frame with known defects, judged before a model goes live.

    Attributes:
        name: path of the frame's file within the release.
        image: uint8, ready for `Detector.detect`: gray or BGR, or three composed channels for a reference model.
        expected: the defects to find.
    """

    name: str
    image: Image
    expected: tuple[CanaryDefect, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """A model package of which every file has been verified, and whose model has been checked.

    Attributes:
        name: of the model line, e.g. "pcb-reference".
        version: of this release.
        digest: lowercase hex SHA-256 of the manifest, which names the digest of every file.
        input_kind: what the model's channels are.
        input_size_wh_px: width and height of the model's input.
        head: how the output is read.
        classes: class names in the order of the class ids.
        thresholds: confidence by class name, the release's defaults.
        catalogue_id: the defect catalogue that the classes come from.
        catalogue_version: its version.
        licence: SPDX identifier of the weights' licence.
        canary: frames with known defects.
        served_model: ONNX bytes with a uint8 input, see `ModelGraph`.
        int8_model: the same network quantised to int8, likewise; None if the release has none.
        offered_engines: engines of reduced precision whose loss was measured and is within its limit. Those that
            compute in float32 need no such permit.
    """

    name: str
    version: str
    digest: str
    input_kind: InputKind
    input_size_wh_px: tuple[int, int]
    head: Head
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    catalogue_id: str
    catalogue_version: int
    licence: str
    canary: tuple[CanaryFrame, ...]
    served_model: bytes
    int8_model: bytes | None = None
    offered_engines: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse thresholds or canary classes that do not fit the classes; make the thresholds unchangeable."""
        threshold_vector(self.classes, self.thresholds)
        for frame in self.canary:
            for defect in frame.expected:
                if defect.class_name not in self.classes:
                    raise ValueError(f"{frame.name}: {defect.class_name!r} is no class of {list(self.classes)}")
        object.__setattr__(self, "thresholds", MappingProxyType(dict(self.thresholds)))
