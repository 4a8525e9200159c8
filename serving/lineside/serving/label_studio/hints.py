"""Label Studio says that something was labelled: a hint to fetch it soon, and nothing more."""

import asyncio
import contextlib
from functools import partial

import structlog

from lineside.inspection.errors import LinesideError
from lineside.serving.labelling import projects
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics

_log = structlog.get_logger(__name__)


class LabelHints:
    """Writes hints down behind the answer: a person who labels waits for it (Label Studio sends while he submits).

    Many hints of one project that come while one is being written are one. One for each app; `start` it before use and
    `stop` it at the end.
    """

    def __init__(self, *, ledger: Ledger, metrics: Metrics) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._projects: dict[int, None] = {}
        self._arrived = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.get_running_loop().create_task(self._run_forever())

    async def stop(self) -> None:
        """Write what is there, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write()

    def offer(self, label_studio_project_id: int) -> None:
        """Have a hint written; never waits."""
        self._projects[label_studio_project_id] = None
        self._at_rest.clear()
        self._arrived.set()

    async def settle(self) -> None:
        """Wait until every hint is in the ledger; for tests."""
        await self._at_rest.wait()

    async def _run_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self._write()
            if not self._projects:
                self._at_rest.set()

    async def _write(self) -> None:
        waiting, self._projects = self._projects, {}
        for project_id in waiting:
            try:
                hinted = await self._ledger.write(partial(projects.hint, label_studio_project_id=project_id))
            except LinesideError as error:  # it is only a hint: the next pull finds everything
                _log.warning("label_hint_lost", reason=str(error))
                continue
            self._metrics.label_hint("hinted" if hinted else "unknown_project")
