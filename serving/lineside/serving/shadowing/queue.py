"""Parts that wait to be looked at again: a bounded number of them, in a bounded memory."""

from collections import deque
from dataclasses import dataclass, field

from lineside.inspection.inspector import EncodedFrame
from lineside.serving.deployments.book import DeploymentRecord
from lineside.serving.recipes import StoredRecipe
from lineside.serving.releases import ReleaseRef
from lineside.serving.shadowing.schemas import FindingsOut


@dataclass(frozen=True, slots=True, eq=False)
class SeenView:
    """A view as the judge saw it.

    Attributes:
        encoded: the frame as received.
        previous_digest: of the camera's frame before it.
    """

    encoded: EncodedFrame = field(repr=False)
    previous_digest: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ShadowJob:
    """A judged part that the other release is to look at.

    Attributes:
        inspection_id: its inspection.
        station: where.
        part_id: the part.
        recipe: the rules, for both.
        views: what the judge saw.
        judged: what it made of it.
        candidate: the deployment under which the two are compared.
        candidate_judged: whether the judge was that deployment's release.
        observer: the release that looks now.
    """

    inspection_id: str
    station: str
    part_id: str
    recipe: StoredRecipe
    views: tuple[SeenView, ...]
    judged: FindingsOut
    candidate: DeploymentRecord
    candidate_judged: bool
    observer: ReleaseRef

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return sum(len(view.encoded.body) for view in self.views)


class ShadowQueue:
    """First in, first out; full, it takes no more.

    Args:
        most_jobs: that wait.
        most_bytes: of their frames, all together.
    """

    def __init__(self, *, most_jobs: int, most_bytes: int) -> None:
        self._most_jobs = most_jobs
        self._most_bytes = most_bytes
        self._jobs: deque[ShadowJob] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: ShadowJob) -> bool:
        """Take a job in; False if there is no room for it."""
        if len(self._jobs) >= self._most_jobs or self._bytes + job.size_bytes > self._most_bytes:
            return False
        self._jobs.append(job)
        self._bytes += job.size_bytes
        return True

    def take(self) -> ShadowJob | None:
        """The one that waits longest; None if none does."""
        if not self._jobs:
            return None
        job = self._jobs.popleft()
        self._bytes -= job.size_bytes
        return job
