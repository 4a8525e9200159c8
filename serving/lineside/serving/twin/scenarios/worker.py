"""The process that measures and simulates: of the lowest priority, ended when it takes too long.

It is gone when the server is, reads the ledger itself, and writes nothing. A thread would take the interpreter from the
verdicts.
"""

import asyncio
import contextlib
import multiprocessing
import os
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, Protocol

from lineside.inspection.errors import LinesideError
from lineside.serving.clock import SystemClock
from lineside.serving.errors import ScenarioRefused
from lineside.serving.ledger import Ledger
from lineside.serving.twin.scenarios.answering import Answer, answer
from lineside.serving.twin.scenarios.asked import Asked, question_of
from lineside.serving.twin.scenarios.errors import ScenarioAborted

LONGEST_S: Final = 300.0
"""More than the largest question takes on a slow machine; then the process is ended."""

_MEMORY_BYTES: Final = 4 * 2**30
_LOWEST_PRIORITY: Final = 19


class Answering(Protocol):
    """Answers a question from a ledger."""

    async def __call__(self, asked: Asked, *, ledger_url: str, plant: str) -> Answer:
        """The answer, from the plant's ledger."""
        ...


async def answer_in_process(asked: Asked, *, ledger_url: str, plant: str, longest_s: float = LONGEST_S) -> Answer:
    """Answer a question in a process of its own.

    Args:
        asked: what.
        ledger_url: where it reads; goes through a pipe, for it may hold a password.
        plant: whose ledger.
        longest_s: after which the process is ended.

    Raises:
        ScenarioRefused: the ledger cannot carry it, no such line can be, or it took too long.
        ScenarioAborted: the process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy the server's threads' locks
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, asked, ledger_url, plant), name="what-if", daemon=True)
    try:
        await asyncio.to_thread(process.start)
        there.close()
        found = await asyncio.to_thread(_receive, here, longest_s)
    finally:
        await asyncio.to_thread(_end, process)  # first: whoever still listens hears of it
        here.close()
    if isinstance(found, LinesideError):
        raise found
    return found


def _receive(connection: Connection, longest_s: float) -> Answer | LinesideError:
    try:
        if not connection.poll(longest_s):
            return ScenarioRefused(
                f"the model gave no answer within {longest_s:g} s; ask of a shorter period, or fewer options and draws"
            )
        received: Answer | LinesideError = connection.recv()
    except (EOFError, OSError):
        return ScenarioAborted(
            "the process of the model ended without an answer: it was killed, or needed more than "
            f"{_MEMORY_BYTES // 2**30} GiB; the server's log may say more. Ask again, of a shorter period"
        )
    return received


def _end(process: BaseProcess) -> None:
    if process.pid is None:
        return
    process.terminate()
    process.join(5.0)
    if process.is_alive():
        process.kill()
        process.join()


def _work(connection: Connection, asked: Asked, ledger_url: str, plant: str) -> None:
    """The process."""
    _be_modest()
    parent = os.getppid()

    def tick() -> None:
        if os.getppid() != parent:  # the server is gone: nobody waits
            raise SystemExit(1)

    try:
        with Ledger.open_readonly(ledger_url, plant=plant, clock=SystemClock(), reader_threads=1) as ledger:
            question = ledger.read_blocking(lambda reading: question_of(reading, plant, asked))
        connection.send(answer(question, tick=tick))
    except LinesideError as error:
        connection.send(ScenarioRefused(str(error)))  # its own kind may not survive the way to the other process


def _be_modest() -> None:
    """Let everything else go first, and take no more memory than any answer needs."""
    with contextlib.suppress(OSError, AttributeError):  # Windows knows neither
        os.setpriority(os.PRIO_PROCESS, 0, _LOWEST_PRIORITY)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
