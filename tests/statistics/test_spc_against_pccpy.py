"""Limits against another implementation: pccpy, for whatever counts hypothesis thinks of."""

import numpy as np
import pccpy
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lineside.statistics.spc import ChartKind, ControlChart, Subgroup, control_chart

SIZES = st.integers(20, 2000)
PARTS = st.lists(SIZES.flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))), min_size=3, max_size=30)


def figures(chart: ControlChart) -> np.typing.NDArray[np.float64]:
    rows = [(point.value, point.lower, point.centre, point.upper) for point in chart.points]
    return np.array(rows, np.float64)


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        (ChartKind.P, pccpy.p_chart),
        (ChartKind.U, pccpy.u_chart),
        (ChartKind.P_PRIME, pccpy.laney_p_chart),
        (ChartKind.U_PRIME, pccpy.laney_u_chart),
    ],
    ids=["p", "u", "p'", "u'"],
)
@settings(max_examples=40, deadline=None)
@given(pairs=PARTS)
def test_limits_agree(kind: ChartKind, theirs: object, pairs: list[tuple[int, int]]) -> None:
    counts, sizes = [count for count, _ in pairs], [size for _, size in pairs]
    rates = np.array(counts) / np.array(sizes)
    assume(0 < sum(counts) < sum(sizes))
    assume(np.ptp(rates) > 1e-6)
    ours = control_chart(kind, [Subgroup(str(k), count, size) for k, (count, size) in enumerate(pairs)])
    panel = theirs(counts, sizes).panels[0]  # type: ignore[operator]  # a chart function
    expected = np.column_stack([panel.values, panel.lcl, panel.center, panel.ucl])
    limits = figures(ours)
    assert limits[:, 0] == pytest.approx(expected[:, 0], rel=1e-9, abs=1e-12)
    assert limits[:, 2] == pytest.approx(expected[:, 2], rel=1e-9)
    assert limits[:, 1] == pytest.approx(np.maximum(expected[:, 1], 0), rel=1e-5, abs=1e-9)
    highest = 1.0 if kind in {ChartKind.P, ChartKind.P_PRIME} else np.inf
    assert limits[:, 3] == pytest.approx(np.minimum(expected[:, 3], highest), rel=1e-5)
