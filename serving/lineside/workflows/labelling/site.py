"""What every step of the loop works with: our server, its labelling project, and the Label Studio that it lies in."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lineside.client import LinesideClient, NothingThere
from lineside.inspection.catalogue import Catalogue, load_catalogue
from lineside.workflows.errors import LabelProjectUnfit
from lineside.workflows.labelling.picks import LabelProject, parse
from lineside.workflows.labelling.working_alone import Loan, Purpose, Workplace, working_alone


def _ignore(*_: object) -> None:
    """Nobody listens."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSite:
    """Where the loop runs.

    Attributes:
        client: of our server, open.
        server: its URL.
        project: the labelling project's name.
        workplace: where programs of this machine find each other.
        is_waiting: wait for whoever works on the project, instead of ending.
        say: hears what a person should know, a sentence at a time.
        on_progress: hears how much of a step is done, and of how much.
        now: the aware instant now.
    """

    client: LinesideClient
    server: str
    project: str
    workplace: Workplace
    is_waiting: bool = False
    say: Callable[[str], None] = field(default=_ignore, compare=False)
    on_progress: Callable[[int, int], None] = field(default=_ignore, compare=False)
    now: Callable[[], datetime] = field(default=_utc_now, compare=False)

    async def read(self) -> LabelProject:
        """The project as it stands.

        Raises:
            LabelProjectUnfit: the server has none of that name.
        """
        try:
            return parse(LabelProject, await self.client.label_project(self.project))
        except NothingThere as error:
            raise LabelProjectUnfit(
                f"{self.server} has no labelling project {self.project!r}; `lineside labels queue` or `push` makes it"
            ) from error

    async def open(self, *, catalogue: str | None = None) -> LabelProject:
        """The project, made if there is none, with the classes of its defect catalogue.

        Args:
            catalogue: `ID` for the latest version or `ID:VERSION`; None keeps what the project has, and gives a new one
                the catalogue of the server's recipes.

        Raises:
            LabelProjectUnfit: it cannot be told which catalogue is meant.
            NothingThere: there is no such catalogue.
        """
        try:
            project = parse(LabelProject, await self.client.label_project(self.project))
        except NothingThere:
            project = None
        if project is not None and project.catalogue is not None and catalogue is None:
            return project
        chosen = await self._catalogue(catalogue)
        return parse(
            LabelProject,
            await self.client.put_label_project(
                self.project,
                catalogue={"id": chosen.id, "version": chosen.version},
                classes=list(chosen.classes),
            ),
        )

    async def find_studio_url(self) -> str | None:
        """Where the project was pushed to; None before that."""
        try:
            return parse(LabelProject, await self.client.label_project(self.project)).label_studio_url
        except NothingThere:
            return None

    @asynccontextmanager
    async def alone(self, purpose: Purpose) -> AsyncIterator[Loan]:
        """Have the project for oneself; see `working_alone`."""
        async with working_alone(
            self.client,
            self.project,
            purpose,
            server=self.server,
            workplace=self.workplace,
            wait=self.is_waiting,
            say=self.say,
        ) as loan:
            yield loan

    async def _catalogue(self, named: str | None) -> Catalogue:
        if named is not None:
            catalogue_id, _, version = named.partition(":")
            if version and not version.isdecimal():
                raise LabelProjectUnfit(f"catalogue {named!r}: expected ID or ID:VERSION, such as pcb:1")
            return await self._read_catalogue(catalogue_id, int(version) if version else None)
        used = sorted({str(recipe["catalogue_id"]) for recipe in await self.client.recipes()})
        if len(used) != 1:
            raise LabelProjectUnfit(
                f"the recipes of {self.server} use {len(used)} defect catalogues ({', '.join(used) or 'none'}); say "
                "with --catalogue which one people label by"
            )
        return await self._read_catalogue(used[0], None)

    async def _read_catalogue(self, catalogue_id: str, version: int | None) -> Catalogue:
        stored = await self.client.catalogue(catalogue_id, version=version)
        return load_catalogue(stored["text"], source=f"catalogue {catalogue_id}")
