"""Work spread over threads, its results in the order of its input, with a bounded number of them waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # results that may wait per worker: enough to keep all busy behind one slow item


def in_order(work: Callable[[Item], Result], items: Iterable[Item], *, workers: int) -> Iterator[Result]:
    """Like `map`, on several threads.

    Unlike `Executor.map` it does not take all items at once. What has not begun is dropped when the caller stops
    early or an item raises.

    Args:
        work: called on a worker thread.
        items: taken as workers become free.
        workers: threads, at least 1.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ordered-work")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
