import math
from collections.abc import Callable
from typing import Any

import pytest

from lineside.statistics.errors import ImpossibleCounts
from lineside.statistics.rates import (
    defective_ppm,
    defects_per_million_opportunities,
    defects_per_unit,
    first_pass_yield,
    rolled_throughput_yield,
)


def test_defects_are_counted_each_and_parts_once() -> None:
    assert defects_per_unit(30, 200) == 0.15
    assert defects_per_unit(500, 200) == 2.5, "a part may have several"
    assert defects_per_million_opportunities(30, 200, opportunities=50) == 3000.0
    assert defective_ppm(0.0002) == 200.0


def test_yields_count_first_attempts() -> None:
    assert first_pass_yield(190, 200) == 0.95
    assert rolled_throughput_yield([0.98, 0.95, 0.99]) == pytest.approx(0.921690)
    assert rolled_throughput_yield([]) == 1.0


def test_without_a_unit_there_is_no_figure() -> None:
    assert defects_per_unit(0, 0) is None
    assert defects_per_million_opportunities(0, 0, opportunities=3) is None
    assert first_pass_yield(0, 0) is None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(lambda: defects_per_unit(-1, 5), ValueError, id="negative"),
        pytest.param(lambda: defects_per_unit(1.5, 5), TypeError, id="no integer"),  # type: ignore[arg-type]  # the point
        pytest.param(lambda: defects_per_million_opportunities(1, 1, opportunities=0), ValueError, id="no opportunity"),
        pytest.param(
            lambda: defects_per_million_opportunities(9, 2, opportunities=4), ImpossibleCounts, id="more than places"
        ),
        pytest.param(lambda: first_pass_yield(3, 2), ImpossibleCounts, id="more passed than entered"),
        pytest.param(lambda: defective_ppm(math.nan), ValueError, id="no number"),
        pytest.param(lambda: rolled_throughput_yield([0.9, math.nan]), ValueError, id="a yield that is no number"),
    ],
)
def test_impossible_figures_are_refused(call: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        call()
