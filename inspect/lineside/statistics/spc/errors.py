"""What the control charts refuse, where the condition needs a name.

ValueError
├── UnequalSizes        a c chart of subgroups whose sizes differ; a u chart takes them
├── NothingToChart      no subgroup with a part in it that is not excluded, and no baseline either
├── BaselineMismatch    a baseline that belongs to another kind of chart, or to another count r
└── UnknownExclusion    an exclusion of a subgroup that is not there
"""


class UnequalSizes(ValueError):
    """A c chart needs subgroups of one size."""

    def __init__(self, *, smallest: float, largest: float) -> None:
        """Say which sizes there are."""
        super().__init__(
            f"a c chart of subgroups from size {smallest:g} to {largest:g}; expected one size. Chart defects per unit"
            " of size instead, with a u chart"
        )
        self.smallest = smallest
        self.largest = largest


class NothingToChart(ValueError):
    """No limits can be computed: no subgroup counts, and no baseline is given."""


class BaselineMismatch(ValueError):
    """The baseline was estimated for another chart."""


class UnknownExclusion(ValueError):
    """A subgroup is excluded that the chart does not have."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        """Say which."""
        super().__init__(
            f"excluded, but not among the subgroups: {', '.join(labels)}; expected labels of subgroups of this chart"
        )
        self.labels = labels
