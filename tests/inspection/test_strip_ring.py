import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineside.inspection.errors import LinesNotYet, LinesOverwritten
from lineside.inspection.strips import LineRing
from lineside.inspection.strips.lines import Lines
from lineside.inspection.strips.mirrored import MirroredRows, double_mapping, double_write, mirrored_rows

MEMORIES = [pytest.param(double_mapping, id="mapped twice"), pytest.param(double_write, id="written twice")]


def web(first_line: int, count: int, width: int) -> Lines:
    """Lines that tell which they are."""
    numbers = np.arange(first_line, first_line + count)
    return ((numbers[:, None] * 7 + np.arange(width) * 3) % 251).astype(np.uint8)


@pytest.mark.parametrize("memory", MEMORIES)
@given(pieces=st.lists(st.integers(0, 64), max_size=30), width=st.sampled_from([64, 96, 4096]))
@settings(max_examples=40, deadline=None)
def test_every_window_of_the_last_lines_reads_as_they_were_written(
    memory: Callable[[int, int], MirroredRows], pieces: list[int], width: int
) -> None:
    ring = LineRing(width_px=width, capacity_lines=64, rows=memory(width, 64))
    for count in pieces:
        ring.write(web(ring.newest_line, count, width))
        kept = min(ring.newest_line, ring.capacity_lines)
        assert ring.oldest_line == ring.newest_line - kept
        if kept:
            window = ring.view(ring.oldest_line, kept)
            np.testing.assert_array_equal(window, web(ring.oldest_line, kept, width))
            assert window.flags["C_CONTIGUOUS"]
            assert not window.flags["OWNDATA"]
            assert not window.flags["WRITEABLE"]


def test_a_window_over_the_wrap_is_a_view_and_no_copy() -> None:
    ring = LineRing(width_px=4096, capacity_lines=10)
    ring.write(web(0, 8, 4096))
    ring.write(web(8, 8, 4096))
    window = ring.view(7, 8)
    ring.write(np.full((1, 4096), 252, np.uint8))  # line 16 lies where line 6 lay
    ring.write(np.full((1, 4096), 253, np.uint8))  # line 17 where line 7 lay
    assert (window[0] == 253).all()


def test_a_reader_whose_lines_are_overwritten_knows_it_and_they_are_counted() -> None:
    ring = LineRing(width_px=64, capacity_lines=64)
    ring.write(web(0, 64, 64))
    with ring.reserve(10, 20) as window:
        ring.write(web(64, 10, 64))
        assert window.is_intact
        assert ring.overrun_lines == 0
        ring.write(web(74, 1, 64))
        assert not window.is_intact
        assert ring.overrun_lines == 1
        ring.write(web(75, 40, 64))
        assert ring.overrun_lines == 20
    ring.write(web(115, 40, 64))
    assert ring.overrun_lines == 20


def test_a_window_that_was_given_back_is_nobodys_loss() -> None:
    ring = LineRing(width_px=64, capacity_lines=64)
    ring.write(web(0, 64, 64))
    with ring.reserve(0, 64):
        pass
    ring.write(web(64, 64, 64))
    assert ring.overrun_lines == 0


def test_lines_that_are_gone_or_not_yet_there_are_refused() -> None:
    ring = LineRing(width_px=64, capacity_lines=64)
    ring.write(web(0, 60, 64))
    ring.write(web(60, 20, 64))
    with pytest.raises(LinesOverwritten, match="oldest kept is 16"):
        ring.reserve(15, 4)
    with pytest.raises(LinesNotYet, match="newest is 79"):
        ring.reserve(70, 11)
    with pytest.raises(ValueError, match="1 to 64 lines"):
        ring.view(70, 65)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(np.zeros((1, 63), np.uint8), id="narrower"),
        pytest.param(np.zeros((1, 64), np.uint16), id="deeper"),
        pytest.param(np.zeros((1, 64, 3), np.uint8), id="coloured"),
        pytest.param(np.zeros((65, 64), np.uint8), id="more than the ring"),
    ],
)
def test_lines_that_do_not_fit_are_refused(lines: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"expected uint8|ring holds"):
        LineRing(width_px=64, capacity_lines=64).write(lines)


def test_the_mapped_memory_outlives_its_ring_while_it_is_read_and_holds_the_rows_once() -> None:
    rows = double_mapping(4096, 4).rows
    gc.collect()
    rows[1, 5] = 77
    assert rows[5, 5] == 77


def test_a_thread_may_still_read_the_mapped_memory_while_the_process_ends() -> None:
    """Threads of workers are ended after the exit's finalizers: unmapping there would kill the process by a signal."""
    script = (
        "import atexit\n"
        "rows = []\n"
        "atexit.register(lambda: print(int(rows[0].sum())))\n"  # the first to register is the last to be called
        "from lineside.inspection.strips.mirrored import double_mapping\n"
        "rows.append(double_mapping(4096, 4).rows)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0\n", "")


def test_where_memory_cannot_be_mapped_twice_each_row_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.memfd_create")
    assert not mirrored_rows(64, 64).is_mapped


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_tall_strip_passes_in_the_memory_of_the_ring(memory: Callable[[int, int], MirroredRows]) -> None:
    """2048 px x 100,000 lines, 205 MB, through a ring of 2048 lines."""
    chunk = web(0, 500, 2048)
    tracemalloc.start()
    try:
        ring = LineRing(width_px=2048, capacity_lines=2048, rows=memory(2048, 2048))
        seen = 0
        for _ in range(200):
            ring.write(chunk)
            with ring.reserve(ring.newest_line - 500, 500) as window:
                seen += int(window.lines[0, 1])
                assert window.is_intact
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ring.newest_line == 100_000
    assert seen == 200 * int(chunk[0, 1])
    assert ring.capacity_lines == 2048
    assert peak < (1 << 20 if ring.is_mapped else 2 * 2048 * 2048 + (1 << 20))  # the system maps, Python does not count
