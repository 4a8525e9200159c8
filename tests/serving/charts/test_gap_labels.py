"""Points of gap charts are named after parts, whatever parts are called."""

from datetime import UTC, datetime, timedelta

from lineside.serving.charts.computing import ChartChoices
from lineside.serving.charts.gap_charts import compute_gap_chart
from lineside.serving.charts.gaps import Defective, Defectives
from lineside.statistics.spc import ChartKind

BEGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)


def test_a_part_that_is_called_like_another_ones_second_time_has_a_point_of_its_own() -> None:
    """Two stations of a line find part A defective, and there is a part with the name "A (2)"."""
    parts = ("first", "A (2)", "A", "A", "last")
    found = tuple(
        Defective(part_id, BEGIN + timedelta(minutes=number), 10 * number + 1) for number, part_id in enumerate(parts)
    )
    chart = compute_gap_chart(
        ChartKind.T,
        Defectives(found, is_cut=False, inspected=50, unsettled_from=None),
        baseline=None,
        why=lambda *_: None,
        choices=ChartChoices(),
    )
    assert [point.label for point in chart.points] == ["A (2)", "A", "A (3)", "last"]
