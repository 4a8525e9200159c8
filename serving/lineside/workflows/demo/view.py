"""What watches a demonstration."""

from typing import Protocol

from lineside.workflows.demo.site import DemoSite
from lineside.workflows.demo.tally import Passage, Tally


class LineView(Protocol):
    """Told what happens, as it happens, on the event loop; must return at once."""

    def stage(self, name: str) -> None:
        """A new stage begins: "server", "enrol", "line" or "closing"."""
        ...

    def running(self, site: DemoSite) -> None:
        """The line runs and can be seen there."""
        ...

    def judged(self, passage: Passage, tally: Tally) -> None:
        """A part got its answer, or none in time."""
        ...
