"""How long judging takes on this host, and which host that is."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lineside.datasets.labelled import LabelledImage
from lineside.inspection.engines import available_threads
from lineside.training.evaluation.judging import PartJudge
from lineside.training.evaluation.outcomes import Latency
from lineside.training.processor import processor_model

_WARM_UP = 3


def time_parts(
    judge: PartJudge,
    parts: Sequence[Sequence[LabelledImage]],
    *,
    streams: int,
    monotonic: Callable[[], float] = time.perf_counter,
) -> Latency | None:
    """Judge parts one after the other for their latency, then as many at once as the engine takes for throughput.

    Args:
        judge: the loaded release.
        parts: what to judge; None comes back where there is none.
        streams: how many parts at once make sense.
        monotonic: seconds of a monotonic clock.
    """
    if not parts:
        return None
    for images in parts[:_WARM_UP]:
        judge.judge(images, with_unreported=False)
    started_s = monotonic()
    alone_ms = [judge.judge(images, with_unreported=False).judging_ms for images in parts]
    seconds = monotonic() - started_s
    if streams > 1:
        started_s = monotonic()
        with ThreadPoolExecutor(streams, thread_name_prefix="throughput") as pool:
            list(pool.map(lambda images: judge.judge(images, with_unreported=False), parts))
        seconds = monotonic() - started_s
    p50, p95, p99 = (round(float(value), 2) for value in np.quantile(alone_ms, [0.5, 0.95, 0.99]))
    return Latency(p50, p95, p99, len(parts), round(len(parts) / seconds, 2), describe_host())


def describe_host(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """Cores, processor and system in words."""
    return f"{available_threads()} of {os.cpu_count()} cores, {processor_model(cpu_info)}, {platform.system()}"
