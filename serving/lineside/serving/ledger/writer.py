"""Group commit: one thread turns everything that waits into one transaction and one fsync.

Under load the next group gathers while the disk is busy with this one, so the rate grows with the number of
clients although each of them waits for a real fsync.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from lineside.serving.ledger.errors import LedgerBusy, LedgerClosed, LedgerUnavailable
from lineside.serving.ledger.events import ChainHead
from lineside.serving.ledger.transaction import Transaction

T = TypeVar("T")

GROUP_BOUND = 256
"""Operations in one transaction at most, so that the first of them does not wait for a whole full queue."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A connection that may write, and where the chain ends in its database.

    Attributes:
        connection: outside any transaction.
        head: None where events may not be appended.
    """

    connection: Connection
    head: ChainHead | None


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Callable[[Transaction], Any]
    future: "Future[Any]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    result: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        if self.error is None:
            self.job.future.set_result(self.result)
        else:
            self.job.future.set_exception(self.error)


class GroupWriter:
    """Runs operations in groups on a thread of its own.

    Args:
        open_session: connects and reads the chain's head; called again after a failed group.
        begin_operation: makes an operation's `Transaction` from the connection and the head before it.
        on_commit: called on the writer's thread with the new head after each durable group.
        queue_bound: operations that may wait before `LedgerBusy`.
    """

    def __init__(
        self,
        open_session: Callable[[], OpenSession],
        *,
        begin_operation: Callable[[Connection, ChainHead | None], Transaction],
        on_commit: Callable[[ChainHead], None],
        queue_bound: int,
    ) -> None:
        self._open_session = open_session
        self._begin_operation = begin_operation
        self._on_commit = on_commit
        self._queue_bound = queue_bound
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._session: OpenSession | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self, session: OpenSession) -> None:
        """Begin, with a session that is already open."""
        self._session = session
        self._thread.start()

    def submit(self, operation: Callable[[Transaction], T]) -> "Future[T]":
        """Queue an operation; never blocks.

        Returns:
            Done when the operation's group is durable, or failed. Cancelling it before its group begins
            withdraws the operation; afterwards it is written.

        Raises:
            LedgerBusy: the queue is full.
            LedgerClosed: closed or closing.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closing:
                raise LedgerClosed("the ledger is closed: nothing more can be written to it")
            if len(self._queue) >= self._queue_bound:
                raise LedgerBusy(
                    f"{len(self._queue)} writes wait and {self._queue_bound} may: the disk cannot keep up;"
                    " retry after a moment"
                )
            self._queue.append(_Job(operation, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while jobs := self._next_group():
            accepted = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if accepted:
                self._write(accepted)
        self._disconnect()

    def _next_group(self) -> list[_Job]:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), GROUP_BOUND))]

    def _write(self, jobs: list[_Job]) -> None:
        try:
            session, outcomes = self._commit_group(jobs)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever happened to one group
            self._disconnect()
            for job in jobs:
                job.future.set_exception(_unavailable(error))
            return
        self._session = session
        for outcome in outcomes:
            outcome.tell()
        if session.head is not None:
            self._on_commit(session.head)

    def _commit_group(self, jobs: list[_Job]) -> tuple[OpenSession, list[_Outcome]]:
        if self._session is None:
            self._session = self._open_session()
        connection, head = self._session.connection, self._session.head
        if len(jobs) == 1:
            outcome, head = self._run_alone(connection, jobs[0], head)
            return OpenSession(connection, head), [outcome]
        outcomes = []
        with connection.begin():
            for job in jobs:
                outcome, head = self._run_in_savepoint(connection, job, head)
                outcomes.append(outcome)
        return OpenSession(connection, head), outcomes

    def _run_alone(
        self, connection: Connection, job: _Job, head: ChainHead | None
    ) -> tuple[_Outcome, ChainHead | None]:
        """Run an operation that has the transaction to itself: its rollback is the whole's, without a SAVEPOINT."""
        transaction = self._begin_operation(connection, head)
        with connection.begin() as whole:
            try:
                result = job.operation(transaction)
            except (OperationalError, InterfaceError):
                raise  # the connection itself is in doubt: the group fails, and another one is opened
            except Exception as error:  # noqa: BLE001 - handed to the operation's own caller
                whole.rollback()
                return _Outcome(job, error=error), head
        return _Outcome(job, result=result), transaction.head

    def _run_in_savepoint(
        self, connection: Connection, job: _Job, head: ChainHead | None
    ) -> tuple[_Outcome, ChainHead | None]:
        transaction = self._begin_operation(connection, head)
        savepoint = connection.begin_nested()
        try:
            result = job.operation(transaction)
        except Exception as error:  # noqa: BLE001 - handed to the operation's own caller
            try:
                savepoint.rollback()
            except SQLAlchemyError:  # the database gave up the whole transaction: so the whole group fails
                raise error from None
            if isinstance(error, OperationalError | InterfaceError):
                error = _unavailable(error)
            return _Outcome(job, error=error), head
        savepoint.commit()
        return _Outcome(job, result=result), transaction.head

    def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            # Not returned but dropped: after an I/O error nothing is known of the connection's state.
            session.connection.invalidate()
            session.connection.close()


def _unavailable(error: Exception) -> LedgerUnavailable:
    cause = getattr(error, "orig", None) or error
    unavailable = LedgerUnavailable(
        f"the ledger could not make this durable ({type(cause).__name__}: {cause}); nothing of it counts as"
        " written: retry with the same idempotency key"
    )
    unavailable.__cause__ = error
    return unavailable
