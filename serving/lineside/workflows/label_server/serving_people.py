"""A local Label Studio in the foreground, until a signal ends it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from lineside.workflows.label_server.environment import label_studio_python
from lineside.workflows.label_server.home import LabelServerHome
from lineside.workflows.label_server.running import RunningLabelServer, label_server


class _Ended(BaseException):
    """A signal asked for the end; no error, so that nothing on the way takes it for one."""


def run_label_server(
    folder: Path,
    *,
    port: int,
    wheels: Path | None,
    on_ready: Callable[[RunningLabelServer], None],
    say: Callable[[str], None],
) -> None:
    """Install Label Studio where it is not yet, and run it until SIGINT or SIGTERM.

    Args:
        folder: the server's home.
        port: on loopback; 0 for any that is free.
        wheels: folder to install from without internet; None for the package index.
        on_ready: called once it answers.
        say: told what takes long.

    Raises:
        LabelServerNotInstalled: pip could not install it.
        LabelServerFailed: it could not start, or ended by itself.
        OSError: the home cannot be written.
    """
    with _ended_by_signals():
        home = LabelServerHome.open(folder)
        python = label_studio_python(wheels=wheels, say=say)
        with label_server(home, python, port=port, say=say) as server:
            on_ready(server)
            server.wait()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM leave the block, in good order and without an error; later ones do nothing."""
    has_come = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal has_come
        if not has_come:
            has_come = True
            raise _Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
