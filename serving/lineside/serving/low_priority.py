"""A thread for work that nobody on the line waits for."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

_LOWEST_PRIORITY = 19  # POSIX nice value


def low_priority_thread(name: str) -> ThreadPoolExecutor:
    """One thread that lets every other one go first, where the system knows priorities of threads (Linux)."""
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_lower_priority)


def _lower_priority() -> None:
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
