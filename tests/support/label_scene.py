"""The labelling loop on real servers: our app, a Label Studio, and somebody who labels through its API."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from label_studio import LabelStudioServer
from lineside.client import LinesideClient
from lineside.datasets.labelling import ConnectedBackend, LabelStudio, Token, Tries
from lineside.datasets.revisions import RevisionStore
from lineside.serving.security import Role
from lineside.workflows.labelling import (
    LabelSite,
    PullOptions,
    PullReport,
    PushOptions,
    PushReport,
    RevisionTerms,
    Workplace,
    connect_labels,
    pull_labels,
    push_labels,
)
from live_server import LiveServer, live_server
from plant import RECIPE, bad_board, good_board

Answer = TypeVar("Answer")
Box = tuple[float, float, float, float]

SIDE_PX = 160
MODEL_BOX: Box = (64.0, 48.0, 80.0, 64.0)
"""Where the model finds the defect of class `short` on `bad_board`."""


@dataclass
class LabelScene:
    """A labelling project of its own, on servers that tests share.

    Attributes:
        server: our app.
        studio: Label Studio.
        project: the project's name, there and here.
        folder: for revisions and locks.
        studio_url: how Label Studio is reached; a proxy's for tests of its failures.
        said: what the steps told people.
    """

    server: LiveServer
    studio: LabelStudioServer
    project: str
    folder: Path
    studio_url: str
    said: list[str] = field(default_factory=list)

    @property
    def store(self) -> RevisionStore:
        """Where the revisions go."""
        return RevisionStore(str(self.folder / "datasets"))

    def ask(self, question: Callable[[LinesideClient], Awaitable[Answer]]) -> Answer:
        """Put a question to our server as the quality engineer."""

        async def put() -> Answer:
            async with LinesideClient(self.server.url, self.server.keys[Role.QUALITY], timeout_s=30.0) as client:
                return await question(client)

        return asyncio.run(put())

    def site(self, client: LinesideClient, *, machine: str = "here", is_waiting: bool = False) -> LabelSite:
        """Where the steps run; processes of `environment` run on the machine `here`."""
        return LabelSite(
            client=client,
            server=self.server.url,
            project=self.project,
            workplace=Workplace(self.folder / machine / "lineside" / "labels"),
            is_waiting=is_waiting,
            say=self.said.append,
        )

    @property
    def environment(self) -> dict[str, str]:
        """For commands in processes of their own."""
        return {
            **os.environ,
            "LINESIDE_API_KEY": self.server.keys[Role.QUALITY],
            "LABEL_STUDIO_API_KEY": self.studio.token,
            "LINESIDE_DATASETS": self.store.url,
            "XDG_STATE_HOME": str(self.folder / "here"),
        }

    def adapter(self, *, timeout_s: float = 60.0, tries: int = 4) -> LabelStudio:
        """Label Studio for the steps; between tries it does not wait."""
        return LabelStudio(
            self.studio_url, Token(self.studio.token), timeout_s=timeout_s, tries=Tries(count=tries, first_s=0.0)
        )

    def inspect(self, *parts: str, is_good: bool = False, **said: Any) -> list[str]:
        """Send parts over the line; gives their inspection ids."""
        ids = []
        for part in parts:
            seed = sum(part.encode()) + 7 * len(part)
            body = good_board(seed) if is_good else bad_board(seed)
            answer = self.server.post(body, part, said=said)
            answer.raise_for_status()
            ids.append(str(answer.json()["id"]))
        return ids

    def pick(self, inspection_ids: Sequence[str], *, reason: str = "near_threshold", **said: Any) -> list[str]:
        """Pick inspections for the project, which is made; gives the picks' ids."""

        async def act(client: LinesideClient) -> list[str]:
            await self.site(client).open()
            items = [{"inspection_id": each, "reason": reason, **said} for each in inspection_ids]
            return [made["id"] for made in await client.put_label_picks(self.project, items, seed=1)]

        return self.ask(act)

    def push(self, *, adapter: LabelStudio | None = None, **options: Any) -> PushReport:
        """Push what waits."""

        async def act(client: LinesideClient) -> PushReport:
            with adapter or self.adapter() as studio:
                return await push_labels(self.site(client), studio, PushOptions(studio_url=self.studio_url, **options))

        return self.ask(act)

    def pull(self, *, start_from: str | None = None, machine: str = "here", **options: Any) -> PullReport:
        """Pull what people said, into the store."""

        async def act(client: LinesideClient) -> PullReport:
            with self.adapter() as studio:
                chosen = {"store": self.store, "terms": RevisionTerms(start_from=start_from), **options}
                site = self.site(client, machine=machine)
                return await pull_labels(site, studio, PullOptions(studio_url=self.studio_url, **chosen))

        return self.ask(act)

    def state(self) -> dict[str, Any]:
        """The project as our server knows it."""
        return self.ask(lambda client: client.label_project(self.project))

    def picks(self) -> dict[str, dict[str, Any]]:
        """Every pick, by part."""

        async def act(client: LinesideClient) -> dict[str, dict[str, Any]]:
            return {each["part_id"]: each async for each in client.label_picks(self.project)}

        return self.ask(act)

    def attention(self) -> list[dict[str, Any]]:
        """What needs a person."""

        async def act(client: LinesideClient) -> list[dict[str, Any]]:
            return [each async for each in client.label_attention(self.project)]

        return self.ask(act)

    def tasks(self) -> list[dict[str, Any]]:
        """The tasks as they lie in Label Studio, in the order of their ids."""
        answer = self.studio.http.get(
            "/api/tasks", params={"project": self.studio_project, "fields": "all", "page_size": 1000}
        )
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        return sorted(answer.json()["tasks"], key=lambda task: int(task["id"]))

    @property
    def studio_project(self) -> int:
        """Label Studio's id of the project."""
        return int(self.state()["label_studio_project_id"])

    def task_of(self, part: str) -> int:
        """Label Studio's id of the first task of a part."""
        return int(self.picks()[part]["tasks"][0]["label_studio_task_id"])

    def connect(self, *, own_url: str | None = None, key: str | None = None) -> ConnectedBackend:
        """Make our server the project's ML backend and webhook."""

        async def act(client: LinesideClient) -> ConnectedBackend:
            with self.adapter(tries=1) as studio:
                return await connect_labels(
                    self.site(client),
                    studio,
                    studio_url=self.studio_url,
                    own_url=own_url or self.server.url,
                    key=Token(key or self.server.keys[Role.LABEL_STUDIO]),
                )

        return self.ask(act)

    def disconnect(self) -> None:
        """Take the webhooks away: Label Studio outlives the test's server, and waits a second for each."""
        for webhook in self.webhooks():
            self.studio.http.delete(f"/api/webhooks/{webhook['id']}/").raise_for_status()

    def webhooks(self) -> list[dict[str, Any]]:
        """The project's webhooks, as they stand in Label Studio."""
        answer = self.studio.http.get("/api/webhooks/", params={"project": self.studio_project})
        found: list[dict[str, Any]] = answer.json()
        return found

    def backends(self) -> list[dict[str, Any]]:
        """The project's ML backends, as they stand in Label Studio."""
        found: list[dict[str, Any]] = self.studio.http.get("/api/ml/", params={"project": self.studio_project}).json()
        return found

    def forget_predictions(self, task: int) -> None:
        """Delete the suggestions of a task."""
        for prediction in self.studio.http.get("/api/predictions/", params={"task": task}).json():
            self.studio.http.delete(f"/api/predictions/{prediction['id']}/").raise_for_status()

    def annotate(self, task: int, *boxes: tuple[str, Box], lead_time_s: float = 6.0, **said: Any) -> int:
        """Say as a person that a task shows these boxes, in pixels of its picture; gives the annotation's id."""
        answer = self.studio.http.post(
            f"/api/tasks/{task}/annotations/",
            json={"result": result_of(*boxes), "lead_time": lead_time_s, **said},
        )
        answer.raise_for_status()
        return int(answer.json()["id"])

    def add_task_by_hand(self) -> int:
        """Add a picture to the project as people do on Label Studio's page; gives the task's id."""
        answer = self.studio.http.post(
            f"/api/projects/{self.studio_project}/import",
            params={"return_task_ids": "true"},
            json=[{"data": {"image": "/data/upload/none.png"}}],
        )
        answer.raise_for_status()
        return int(answer.json()["task_ids"][0])

    def forget_picture(self, inspection_id: str) -> None:
        """Take the picture of an inspection off our server's disk."""
        images = self.server.services.images
        picked = next(each for each in self.picks().values() if each["inspection_id"] == inspection_id)
        digests = {view["digest"] for view in picked["views"]}
        for image in list(images.images()):
            if image.digest in digests:
                images.remove(image)

    def change(self, annotation: int, *boxes: tuple[str, Box]) -> None:
        """Edit an annotation."""
        self.studio.http.patch(f"/api/annotations/{annotation}/", json={"result": result_of(*boxes)}).raise_for_status()

    def delete(self, annotation: int) -> None:
        """Delete an annotation."""
        self.studio.http.delete(f"/api/annotations/{annotation}/").raise_for_status()


def result_of(*boxes: tuple[str, Box], size_wh_px: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> list[dict[str, Any]]:
    """Regions and verdict as Label Studio's page sends them."""
    width, height = size_wh_px
    regions = [
        {
            "id": uuid4().hex[:8],
            "from_name": "box",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "x": 100 * box[0] / width,
                "y": 100 * box[1] / height,
                "width": 100 * (box[2] - box[0]) / width,
                "height": 100 * (box[3] - box[1]) / height,
                "rotation": 0,
                "rectanglelabels": [name],
            },
        }
        for name, box in boxes
    ]
    verdict = {
        "id": uuid4().hex[:8],
        "from_name": "verdict",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": ["defect" if boxes else "ok"]},
    }
    return [*regions, verdict]


@contextmanager
def labelling_server(folder: Path) -> Iterator[LiveServer]:
    """Our app with the blob detector, a recipe that keeps every picture, and station `aoi-1`."""
    with live_server(folder) as server:
        server.put_recipe("board", KEEPING).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


KEEPING = RECIPE + "retention: {ok_share: 1.0}\naudit: {share: 0.0}\n"
