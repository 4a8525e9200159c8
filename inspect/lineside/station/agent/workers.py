"""Threads for what must not run on the event loop: one for the disk, in order, and some for pictures.

The two are apart, so that a disk that hangs delays no judging, and a slow picture no record.
"""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """The station's threads; `with` is their life.

    Args:
        picture_threads: how many encode, read codes and judge.
    """

    def __init__(self, *, picture_threads: int = 2) -> None:
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="station-disk")
        self._pictures = ThreadPoolExecutor(picture_threads, thread_name_prefix="station-pictures")

    def __enter__(self) -> Self:
        """Threads begin when they are first needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let what was begun end; what still waits for a picture thread is dropped, what waits for the disk is not."""
        self._pictures.shutdown(wait=True, cancel_futures=True)
        self._disk.shutdown(wait=True)

    async def on_disk(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with the spool; calls are done one after another, in the order in which they were made."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, functools.partial(work, *args, **kwargs))

    async def on_pictures(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with pixels."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pictures, functools.partial(work, *args, **kwargs)
        )
