"""How much an engine may differ from the trained network and still be offered."""

from dataclasses import asdict, dataclass

from lineside.inspection.engines import Precision

_UNMATCHED_SHARE = 0.1
"""Of float32 engines with few labelled defects. Rounding loses some of the faintest detections, those at the least
confidence that is kept; another network finds most of them elsewhere."""


@dataclass(frozen=True, slots=True)
class ParityLimits:
    """The limits; shares are of 1, so that 0.001 is a tenth of a point of mAP.

    An engine that computes in float32 has nothing to lose: what is past its limits is a broken export, and an error.
    In bfloat16 and int8 some loss is the price of speed. 0.005 of mAP50-95 is less than two seeds of one training
    differ by. mAP averages over confidences at which no line works, so that the recall at the release's own thresholds
    has a limit too: 0.005 is one defect in 200, and with fewer defects a loss of that size could not be seen.

    Attributes:
        mean_box_difference_px: of float32 engines; mean distance of the sides of boxes that both found.
        fp32_map50_95: of float32 engines with `least_defects`; difference either way.
        reduced_map50_95: of the others; difference either way.
        reduced_recall_loss: of the others; share of the defects that are found no more.
        least_defects: labelled defects without which no engine of reduced precision is offered.
    """

    mean_box_difference_px: float = 0.5
    fp32_map50_95: float = 0.001
    reduced_map50_95: float = 0.005
    reduced_recall_loss: float = 0.005
    least_defects: int = 200

    def __post_init__(self) -> None:
        """Refuse a limit that nothing can keep."""
        if not all(value > 0 for value in asdict(self).values()):
            raise ValueError(f"parity limits {asdict(self)}: each must be more than 0")

    def as_record(self) -> dict[str, float]:
        """JSON values by name."""
        return asdict(self)

    def of(self, precision: Precision) -> dict[str, float]:
        """Those that an engine of this precision is held against, by the name of the figure."""
        if precision is Precision.FP32:
            return {"mean_box_difference_px": self.mean_box_difference_px, "delta_map50_95": self.fp32_map50_95}
        return {
            "delta_map50_95": self.reduced_map50_95,
            "delta_recall": self.reduced_recall_loss,
            "defects": self.least_defects,
        }


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near an engine comes to the trained network, as the limits look at it.

    Attributes:
        mean_box_difference_px: of the boxes that both found; 0 if there are none.
        delta_map50_95: the engine's less the network's; None without labelled defects.
        delta_recall: likewise, at the thresholds.
        defects: labelled ones.
        unmatched: detections of one that the other has nowhere near.
        matched: detections that both have.
    """

    mean_box_difference_px: float
    delta_map50_95: float | None
    delta_recall: float | None
    defects: int
    unmatched: int
    matched: int


def why_past_limit(found: Closeness, precision: Precision, limits: ParityLimits) -> str | None:
    """The first limit that an engine breaks, in words; None if it keeps them all."""
    if precision is Precision.FP32:
        return _why_broken(found, limits)
    if found.defects < limits.least_defects or found.delta_map50_95 is None or found.delta_recall is None:
        return (
            f"{found.defects} labelled defects cannot show a loss as small as the limit; "
            f"{limits.least_defects} or more can"
        )
    if abs(found.delta_map50_95) > limits.reduced_map50_95:
        return _past("mAP50-95 differs by", found.delta_map50_95, limits.reduced_map50_95)
    if -found.delta_recall > limits.reduced_recall_loss:
        return _past("recall at the thresholds differs by", found.delta_recall, -limits.reduced_recall_loss)
    return None


def _why_broken(found: Closeness, limits: ParityLimits) -> str | None:
    if found.matched == 0 and found.unmatched:
        return f"not one of {found.unmatched} detections is found by both"
    if found.mean_box_difference_px >= limits.mean_box_difference_px:
        return (
            f"boxes differ by {found.mean_box_difference_px:.3f} px on average, "
            f"the limit is {limits.mean_box_difference_px:g} px"
        )
    if found.defects < limits.least_defects:
        # Of two detections that are equally sure, rounding decides which comes first: with few defects that alone
        # moves mAP by a point. What they find in common does not depend on it.
        seen = found.matched + found.unmatched
        if found.unmatched > _UNMATCHED_SHARE * seen:
            return f"{found.unmatched} of {seen} detections are found by one only, the limit is {_UNMATCHED_SHARE:.0%}"
    elif found.delta_map50_95 is not None and abs(found.delta_map50_95) >= limits.fp32_map50_95:
        return _past("mAP50-95 differs by", found.delta_map50_95, limits.fp32_map50_95)
    return None


def _past(what: str, found: float, limit: float) -> str:
    return f"{what} {100 * found:+.2f} points, the limit is {100 * limit:+.2f}"
