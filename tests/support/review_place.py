"""A running server with drawn parts for the review place: synthetic boards, the starter model, a reference image."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import httpx

from lineside.client import InspectionAnswer, LinesideClient
from lineside.datasets.synthetic import Board
from lineside.inspection.frames import MediaType
from lineside.serving.security import Role
from lineside.workflows.demo.site import RELEASE
from lineside.workflows.demo.virtual_line import LOOK, PRODUCTS, golden_png
from lineside_process import key_service, make_key, serving

T = TypeVar("T")
PRODUCT = "controller-board"
_DESIGN = PRODUCTS[PRODUCT]
_RECIPE = """\
schema: lineside.recipe/1
id: {name}
version: 1
product: controller-board
catalogue: {{id: pcb, version: 1}}
release: {release}
views:
  default:
    size_wh_px: [{width}, {height}]
    references:
      - {{id: golden, image: "sha256:{digest}", approved_by: Kim, approved_at: 2026-01-01T00:00:00+00:00}}
deadline_ms: 30000
audit: {{share: 1.0}}
confirmation: {{share: {share}}}
"""


@dataclass(frozen=True)
class ReviewLine:
    """A server whose every part is drawn.

    Attributes:
        url: of the server.
        data: its data folder.
        station_keys: keys made so far.
    """

    url: str
    data: Path
    station_keys: dict[str, str] = field(default_factory=dict, repr=False)

    def key(self, role: Role = Role.QUALITY, name: str | None = None) -> str:
        """A new key, named as whoever logs in with it."""
        if name is None:
            return make_key(self.data, role)[1]
        with key_service(self.data) as keys:
            return keys.create(name, role).secret

    def asked(self, work: Callable[[LinesideClient], Coroutine[Any, Any, T]], *, key: str) -> T:
        """Have a client do something."""

        async def run() -> T:
            async with LinesideClient(self.url, key, timeout_s=120) as client:
                return await work(client)

        return asyncio.run(run())

    def get(self, path: str) -> Any:
        """What the API says."""
        headers = {"Authorization": f"Bearer {self.key(Role.ADMIN)}"}
        answer = httpx.get(f"{self.url}{path}", headers=headers, trust_env=False, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def enrol(self, station: str, *, recipe: str = "board") -> None:
        """Add a station with a recipe of the boards: "board" confirms every flagged part, "sampled" half of them."""
        settings = {"name": station, "recipe": {"id": recipe, "version": 1}}
        self.asked(lambda admin: admin.put_station(station, settings), key=self.key(Role.ADMIN))

    def board(
        self, station: str, part_id: str, *, defects: int = 0, seed: int = 0, contrast: float = 1.0
    ) -> InspectionAnswer:
        """Have a board judged; a low contrast makes its defects faint."""
        frame = Board(_DESIGN).sample(look=LOOK, defects=defects, seed=seed, contrast=contrast).frame
        body = cv2.imencode(".png", frame)[1].tobytes()
        if station not in self.station_keys:
            self.station_keys[station] = make_key(self.data, Role.STATION, station=station)[1]
        key = self.station_keys[station]

        async def inspect(client: LinesideClient) -> InspectionAnswer:
            answer = await client.inspect(body, MediaType.PNG, station=station, part_id=part_id)
            assert isinstance(answer, InspectionAnswer)
            return answer

        return self.asked(inspect, key=key)

    def reviews(self, inspection_id: str) -> list[dict[str, Any]]:
        """What people said of an inspection."""
        found: list[dict[str, Any]] = self.get(f"/v1/inspections/{inspection_id}")["reviews"]
        return found

    def dispositions(self, inspection_id: str) -> list[str]:
        """What became of it, in order."""
        return [each["kind"] for each in self.get(f"/v1/inspections/{inspection_id}")["dispositions"]]


@contextmanager
def review_line(folder: Path, *words: str) -> Iterator[ReviewLine]:
    """Start the server in a folder, with the boards' recipe."""
    data = folder / "data"
    with serving(data, "--engine", "onnxruntime-fp32", "--log-format", "json", *words) as url:
        line = ReviewLine(url, data)

        async def set_up(admin: LinesideClient) -> None:
            digest = await admin.put_reference(golden_png(PRODUCT), MediaType.PNG)
            width, height = _DESIGN.size_wh_px
            for name, share in (("board", 1.0), ("sampled", 0.5)):
                text = _RECIPE.format(
                    name=name, share=share, release=RELEASE, digest=digest, width=width, height=height
                )
                await admin.put_recipe(name, text)

        line.asked(set_up, key=line.key(Role.ADMIN))
        yield line
