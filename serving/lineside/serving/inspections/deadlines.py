"""Attempts whose views do not all come get their verdict when their deadline passes."""

import asyncio
from contextlib import suppress

import structlog

from lineside.serving.clock import Clock
from lineside.serving.errors import AttemptClosed
from lineside.serving.inspections.attempts import OpenAttempt, OpenAttempts
from lineside.serving.inspections.recording import Recorder
from lineside.serving.ledger import LedgerBusy, LedgerUnavailable

_log = structlog.get_logger(__name__)
_RETRY_AFTER_S = 1.0  # a ledger that took nothing at the deadline is asked again this much later


class Deadlines:
    """One timer for each attempt that waits for views.

    Args:
        recorder: writes the verdicts.
        attempts: where the attempts are kept while they are open.
        clock: tells how long is left.
    """

    def __init__(self, *, recorder: Recorder, attempts: OpenAttempts, clock: Clock) -> None:
        self._recorder = recorder
        self._attempts = attempts
        self._clock = clock
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def watch(self, attempt: OpenAttempt) -> None:
        """See to it that the attempt is closed when its deadline passes; harmless when repeated."""
        if attempt.inspection_id in self._timers or self._stopping.is_set():
            return
        wait_s = max(0.0, attempt.deadline_s - self._clock.monotonic())
        loop = asyncio.get_running_loop()
        self._timers[attempt.inspection_id] = loop.call_later(wait_s, self._expire, attempt)

    def forget(self, attempt: OpenAttempt) -> None:
        """The attempt has its verdict: nothing is left to watch."""
        timer = self._timers.pop(attempt.inspection_id, None)
        if timer is not None:
            timer.cancel()

    async def stop(self) -> None:
        """Let the verdicts being written finish; attempts that still wait are closed at the next start."""
        self._stopping.set()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def _expire(self, attempt: OpenAttempt) -> None:
        task = asyncio.create_task(self._close(attempt))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, attempt: OpenAttempt) -> None:
        """Give an attempt its verdict: NOT_INSPECTED for the views that did not come, or NG if one showed it."""
        self._timers.pop(attempt.inspection_id, None)
        with self._attempts.using(attempt):
            has_failed = False
            while not self._stopping.is_set():
                try:
                    async with attempt.lock:
                        if not attempt.is_closed:
                            await self._recorder.record_verdict(attempt, None, None, None)
                    break
                except AttemptClosed:  # by a request that found it in the ledger alone
                    attempt.is_closed = True
                    break
                except (LedgerBusy, LedgerUnavailable) as error:
                    if not has_failed:
                        _log.error("deadline_verdict_delayed", inspection=attempt.inspection_id, reason=str(error))
                    has_failed = True
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RETRY_AFTER_S)
