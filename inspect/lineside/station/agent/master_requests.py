"""A person lays a master sample on the line and says so: asked by a command, answered by the station that runs.

Request and answer are files in the spool's folder: whoever may write there may ask, and nothing listens. A request that
no station takes is withdrawn by the command, and one that a former run left behind is dropped, so that no later part is
ever taken for a master that lay there once.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import structlog

from lineside.client.durable_files import write_durably
from lineside.station.agent.errors import MasterRefused

_FOLDER: Final = "master-requests"
_LOOK_S: Final = 0.1
_MOST_BYTES: Final = 1024
_TAKEN: Final = b"announced"
_log = structlog.get_logger("lineside.station")


def request_master(folder: Path, part_id: str, *, patience_s: float = 5.0) -> None:
    """Announce the next part as a master sample; blocks until the station that runs has taken it up.

    Args:
        folder: of the station's spool.
        part_id: of the master.
        patience_s: how long the station may take.

    Raises:
        MasterRefused: no station runs there, or it has no such master.
    """
    requests = folder / _FOLDER
    if not requests.is_dir():
        raise MasterRefused(f"no station has masters with the spool {folder}: start it, then announce the master")
    name = uuid.uuid4().hex
    asked, answered = requests / f"{name}.request", requests / f"{name}.answer"
    try:
        write_durably(requests / f"{name}.incoming", asked, part_id.encode())
        answer = _wait_for(answered, patience_s)
        if answer is None:
            asked.unlink()  # fails if the station has just taken it
            raise MasterRefused(f"no station took it up in {patience_s:g} s: does it run? Nothing is announced")
    except FileNotFoundError:
        answer = _wait_for(answered, patience_s)
    except OSError as error:
        raise MasterRefused(f"cannot ask the station in {requests}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            answered.unlink(missing_ok=True)
    if answer != _TAKEN:
        raise MasterRefused((answer or b"the station ended while it was asked; nothing is announced").decode())


class MasterRequests:
    """The station's side.

    Args:
        folder: of its spool.
        masters: names of those that there are.
        announce: tells the machine; called on the event loop.
    """

    def __init__(self, folder: Path, *, masters: Collection[str], announce: Callable[[str], None]) -> None:
        self._folder = folder / _FOLDER
        self._masters = frozenset(masters)
        self._announce = announce

    async def run(self) -> None:
        """Take up what is asked until cancelled; what was asked before is dropped."""
        await asyncio.to_thread(self._begin)
        while True:
            try:
                for name, part_id in await asyncio.to_thread(self._taken):
                    await self._answer(name, part_id)
            except OSError as error:  # the disk's trouble is the journal's to tell: here only nobody is heard
                _log.warning("master_request_not_read", why=str(error))
            await asyncio.sleep(_LOOK_S)

    async def _answer(self, name: str, part_id: str) -> None:
        if part_id in self._masters:
            self._announce(part_id)
            answer = _TAKEN
        else:
            known = ", ".join(sorted(self._masters)) or "none: station.yaml names none"
            answer = f"no master {part_id!r}; expected one of {known}".encode()
        _log.info("master_requested", part_id=part_id, answer=answer.decode())
        incoming, answered = self._folder / f"{name}.incoming", self._folder / f"{name}.answer"
        await asyncio.to_thread(write_durably, incoming, answered, answer)

    def _begin(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
            for left in self._folder.iterdir():
                left.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("no_master_can_be_requested", why=str(error))

    def _taken(self) -> list[tuple[str, str]]:
        """The requests that stand, each taken by removing it: name and master."""
        found = []
        for path in sorted(self._folder.glob("*.request")):
            with contextlib.suppress(FileNotFoundError):  # withdrawn
                with path.open("rb") as file:
                    said = file.read(_MOST_BYTES)
                path.unlink()
                found.append((path.stem, said.decode(errors="replace")))
        return found


def _wait_for(path: Path, patience_s: float) -> bytes | None:
    """What a file says, once it is there; None if it does not come."""
    until_s = time.monotonic() + patience_s
    while not path.exists():
        if time.monotonic() >= until_s:
            return None
        time.sleep(_LOOK_S / 2)
    return path.read_bytes()
