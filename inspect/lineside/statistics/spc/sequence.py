"""Which subgroups of a chart count, and in what order: the part that all charts share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.statistics.spc.errors import UnknownExclusion
from lineside.statistics.spc.records import ChartPoint, Measure, Subgroup

Floats = NDArray[np.float64]


class Labelled(Protocol):
    """What has a place on a chart."""

    @property
    def label(self) -> str: ...  # noqa: D102 - as its records document it
    @property
    def size(self) -> float: ...  # noqa: D102


def check_labels(records: Sequence[Labelled], excluded: Mapping[str, str]) -> None:
    """Refuse labels that come twice, and exclusions of nothing or without a reason.

    Raises:
        UnknownExclusion: an exclusion names no record.
        ValueError: a label comes twice, or an exclusion's reason is blank.
    """
    labels = [record.label for record in records]
    known = set(labels)
    if len(known) < len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        raise ValueError(f"labels that come more than once: {', '.join(twice[:5])}; expected each once")
    if unknown := tuple(sorted(set(excluded) - known)):
        raise UnknownExclusion(unknown)
    for label, reason in excluded.items():
        if not reason.strip():
            raise ValueError(f"subgroup {label!r} is excluded without a reason; expected the cause that was found")


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupSequence:
    """The subgroups of a chart with those that count told apart.

    The points of a chart follow each other in the order of production. An empty subgroup is a place without a point,
    an excluded one is a point that takes no part: moving ranges, averages, sums and rules go from the one before to
    the one after, as if these two were neighbours.

    Attributes:
        subgroups: all.
        excluded: label to reason.
        places: indices of those that are not empty, shape (n,).
        counted: of these, whether they take part, shape (n,).
        counts: of these, shape (n,).
        sizes: of these, above 0, shape (n,).
    """

    subgroups: tuple[Subgroup, ...]
    excluded: Mapping[str, str]
    places: NDArray[np.intp]
    counted: NDArray[np.bool_]
    counts: Floats
    sizes: Floats

    @classmethod
    def of(cls, subgroups: Iterable[Subgroup], excluded: Mapping[str, str], *, measure: Measure) -> "SubgroupSequence":
        """Sort them.

        Raises:
            UnknownExclusion: an exclusion names no subgroup.
            ValueError: a label comes twice, an exclusion has no reason, or more parts are defective than there are
                or a number of parts is not whole.
        """
        everything = tuple(subgroups)
        check_labels(everything, excluded)
        if measure is Measure.PROPORTION:
            for subgroup in everything:
                if subgroup.size != int(subgroup.size) or subgroup.count > subgroup.size:
                    raise ValueError(
                        f"subgroup {subgroup.label!r} has {subgroup.count} defective of {subgroup.size:g} parts;"
                        " expected a whole number of parts, and no more defective ones than that"
                    )
        filled = [(place, subgroup) for place, subgroup in enumerate(everything) if subgroup.size > 0]
        return cls(
            subgroups=everything,
            excluded=dict(excluded),
            places=np.array([place for place, _ in filled], np.intp),
            counted=np.array([subgroup.label not in excluded for _, subgroup in filled], np.bool_),
            counts=np.array([subgroup.count for _, subgroup in filled], np.float64),
            sizes=np.array([subgroup.size for _, subgroup in filled], np.float64),
        )

    @property
    def rates(self) -> Floats:
        """Count over size of those that are not empty, shape (n,)."""
        return self.counts / self.sizes

    def points(
        self,
        *,
        values: Floats,
        lower: Floats | None,
        centre: Floats,
        upper: Floats | None,
        rules: Sequence[tuple[str, ...]],
        sums: Sequence[tuple[float, float]] | None = None,
    ) -> tuple[ChartPoint, ...]:
        """Put figures of those that are not empty back into their places.

        Args:
            values: shape (n,), as are the limits and the centre line; None where the chart has no such limit.
            lower: control limit.
            centre: centre line.
            upper: control limit.
            rules: broken by those that count: one entry for each of these.
            sums: of a CUSUM, one entry for each that is not empty.
        """
        points = [ChartPoint(subgroup.label, None, None, None, None) for subgroup in self.subgroups]
        broken = iter(rules)
        for index, place in enumerate(self.places.tolist()):
            is_counted = bool(self.counted[index])
            points[place] = ChartPoint(
                label=self.subgroups[place].label,
                value=float(values[index]),
                lower=None if lower is None else float(lower[index]),
                centre=float(centre[index]),
                upper=None if upper is None else float(upper[index]),
                rules=next(broken) if is_counted else (),
                excluded=not is_counted,
                sums=None if sums is None else sums[index],
            )
        return tuple(
            # an empty subgroup can be excluded as well: it then says so
            point if point.value is not None or point.label not in self.excluded else _excluded(point)
            for point in points
        )


def _excluded(point: ChartPoint) -> ChartPoint:
    return ChartPoint(point.label, None, None, None, None, excluded=True)
