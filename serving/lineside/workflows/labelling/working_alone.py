"""One program at a time works on a labelling project, on this machine and on all others.

The server lends the project for some minutes; whoever holds it borrows it again on the way. On one machine a lock on a
file does the rest: the operating system frees it however its holder ends, so that a program that was killed can be
started again at once and goes on with the loan of the one before.
"""

import asyncio
import getpass
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from lineside.client import ClientError, Contradicted, LinesideClient
from lineside.client.file_lock import FileLock
from lineside.workflows.errors import LabelsBusy

LENT_FOR_S = 300.0
"""How long a project stays lent to a machine that went dark. A batch of tasks takes some seconds."""

_BORROW_AGAIN_S = LENT_FOR_S / 4
_LOOK_AGAIN_S = 2.0


class Purpose(StrEnum):
    """What somebody does with a project."""

    QUEUE = "queue"
    PUSH = "push"
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where programs of one machine and user find each other.

    Attributes:
        folder: holds locks and the name under which all of them borrow.
    """

    folder: Path

    @property
    def holder(self) -> str:
        """Who borrows: user, machine, and what tells this folder from one of the same name in another container."""
        return f"{getpass.getuser()}@{socket.gethostname()} ({self._identity()})"

    def lock(self, server: str, project: str) -> FileLock:
        """The lock of a server's project."""
        self.folder.mkdir(parents=True, exist_ok=True)
        named = sha256("\0".join((server, project)).encode()).hexdigest()
        return FileLock(self.folder / f"{named[:24]}.lock")

    def _identity(self) -> str:
        path = self.folder / "workplace"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            mine = path.with_name(f".workplace-{secrets.token_hex(4)}")
            mine.write_text(secrets.token_hex(4))
            try:
                os.link(mine, path)  # never over one that another process has just made
            except FileExistsError:
                pass
            finally:
                mine.unlink()
        return path.read_text()


class Loan:
    """A borrowed project.

    Args:
        client: of the server that lends.
        project: what is borrowed.
        purpose: what for.
        holder: who borrows.
    """

    def __init__(self, client: LinesideClient, project: str, purpose: Purpose, *, holder: str) -> None:
        self._client, self._project, self._purpose, self._holder = client, project, purpose, holder
        self._lent_until_s = 0.0

    async def borrow(self) -> None:
        """Borrow, or borrow again.

        Raises:
            Contradicted: somebody else has it.
        """
        at_s = time.monotonic()
        await self._client.lease_label_project(
            self._project, holder=self._holder, purpose=self._purpose.value, seconds=LENT_FOR_S
        )
        self._lent_until_s = at_s + LENT_FOR_S

    async def stay(self) -> None:
        """Borrow again and again, beside the work that the loan is for; ends when somebody else has it."""
        while True:
            await asyncio.sleep(_BORROW_AGAIN_S)
            try:
                await self.borrow()
            except Contradicted:
                return
            except ClientError:
                continue  # the work itself will tell of a server that is away

    async def keep(self) -> None:
        """Make sure of it; called before each step that must not be done by two.

        Raises:
            LabelsBusy: somebody else has it now: this one was away for too long.
        """
        if time.monotonic() < self._lent_until_s:
            return
        try:
            await self.borrow()
        except Contradicted as error:
            raise LabelsBusy(
                f"the labelling project {self._project!r} was taken over meanwhile: {error.problem.detail}. Nothing "
                "is lost: run again when the other is done"
            ) from error

    async def give_back(self) -> None:
        """Say that it is free."""
        await self._client.end_label_lease(self._project, holder=self._holder)


@asynccontextmanager
async def working_alone(
    client: LinesideClient,
    project: str,
    purpose: Purpose,
    *,
    server: str,
    workplace: Workplace,
    wait: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Loan]:
    """Have a project for oneself.

    Args:
        client: of the server.
        project: which.
        purpose: what for; others are told.
        server: the server's URL, to tell projects of one name apart.
        workplace: of this machine.
        wait: wait until it is free instead of raising.
        say: told once if there is somebody to wait for.

    Raises:
        LabelsBusy: somebody works on it, and `wait` is false.
    """
    lock = workplace.lock(server, project)
    loan = Loan(client, project, purpose, holder=workplace.holder)
    has_said = False
    while True:
        busy = await _try(lock, loan, purpose)
        if busy is None:
            break
        if not wait:
            raise LabelsBusy(f"{busy}; wait for it with --wait, or run again later")
        if not has_said:
            say(f"{busy}; waiting")
            has_said = True
        await asyncio.sleep(_LOOK_AGAIN_S)
    staying = asyncio.create_task(loan.stay())
    try:
        yield loan
    finally:
        staying.cancel()
        try:
            await loan.give_back()
        except ClientError as error:
            say(f"the labelling project stays lent for up to {LENT_FOR_S:.0f} s to other machines: {error}")
        lock.release()


async def _try(lock: FileLock, loan: Loan, purpose: Purpose) -> str | None:
    """Take lock and loan; else who has them."""
    if not lock.acquire(note=f"process {os.getpid()} ({purpose})"):
        return f"another program of this machine works on the labelling project: {lock.note() or 'it does not say who'}"
    try:
        await loan.borrow()
    except Contradicted as error:
        lock.release()
        return error.problem.detail
    except BaseException:
        lock.release()
        raise
    return None
