"""A whole station for tests: signed server, pictures of boards with known defects, a station's file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from blob_detector import Blob, TinyRelease, draw_blobs
from lineside.inspection.frames import MediaType
from lineside.serving.security import Role
from lineside.station.agent.pictures import encoded
from lineside.station.cameras import CameraFrame
from lineside.station.own_engine import OwnEngine
from lineside.station.spool import JudgedView, StationJudgement
from live_server import LiveServer, live_server
from odd_releases import Workshop
from plant import RECIPE, SIZE_WH_PX
from signing import TestKeys

STATION_YAML = """\
schema: lineside.station/1
station: aoi-1
server: {{url: "{url}", key_file: station.key}}
cameras:
  default: {{kind: folder, folder: pictures, pace: trigger, pixel_format: mono8}}
rig: {rig}
rules: {rules}
scan_ms: 5
acquisition: {{timeout_ms: 1000, settle_ms: 100}}
part_id: {part_id}
own_engine: {own_engine}
spool: {{folder: spool, max_gib: 1}}
"""

SIMULATED = (
    "{{kind: simulated, speed_mm_s: 300, spacing_mm: 50, gate_at_mm: 250, confirm_at_mm: 30, parts: {parts}, "
    "part_ids: {ids}}}"
)


def draw_parts(folder: Path, is_bad: Sequence[bool]) -> None:
    """Write one picture for each part, in order; no two are alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, bad in enumerate(is_bad, start=1):
        image = draw_blobs([Blob(1, 64, 48)] if bad else [], SIZE_WH_PX)
        noise = np.random.default_rng(number).integers(0, 6, image.shape, np.uint8)
        cv2.imwrite(str(folder / f"part-{number}.png"), np.where(image == 0, noise, image))


def picture_digests(folder: Path, parts: int) -> list[str]:
    """SHA-256 of each part's picture as a station sends it."""
    found = []
    for number in range(1, parts + 1):
        image = cv2.imread(str(folder / f"part-{number}.png"), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        frame = CameraFrame(image.astype(np.uint8), "default", number, datetime.now(UTC), 0.0)
        found.append(encoded(frame, view="default", media_type=MediaType.PNG).digest)
    return found


@dataclass(frozen=True)
class StationScene:
    """A folder with a station's file, and the server that it names.

    Attributes:
        folder: of the file.
        server: running.
        keys: that signed what it runs.
    """

    folder: Path
    server: LiveServer
    keys: TestKeys

    def draw(self, parts: int, *, bad_every: int) -> list[bool]:
        """Draw the pictures of so many parts; gives which are bad."""
        is_bad = [number % bad_every == 0 for number in range(1, parts + 1)]
        draw_parts(self.folder / "pictures", is_bad)
        self.keys.write_trust(self.folder / "trust.json")
        return is_bad

    def write(
        self,
        *,
        rig: str,
        rules: Mapping[str, object] | None = None,
        part_id: str = "{from: plc}",
        judges_itself: bool = True,
        url: str | None = None,
    ) -> Path:
        """Write the station's file."""
        said = {
            "distance_mm": 250,
            "speed_mm_s": 300,
            "mm_per_count": 0.1,
            "actuator_ms": 20,
            "confirm_within_mm": 80,
            **(rules or {}),
        }
        own = (
            "{when_server_away: judge, engine: onnxruntime-fp32, trust_file: trust.json}"
            if judges_itself
            else "{when_server_away: no_permit}"
        )
        path = self.folder / "station.yaml"
        path.write_text(
            STATION_YAML.format(
                url=url or self.server.url,
                rig=rig,
                rules="{" + ", ".join(f"{name}: {value}" for name, value in said.items()) + "}",
                own_engine=own,
                part_id=part_id,
            )
        )
        (self.folder / "station.key").write_text(self.server.keys[Role.STATION])
        return path


@contextmanager
def deployed_server(folder: Path, keys: TestKeys) -> Iterator[LiveServer]:
    """A server that trusts the keys, with the blob detector deployed by them and the station `aoi-1` enrolled."""
    releases = folder / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    released = Workshop(releases, keys).write(TinyRelease()).rename(releases / "blobs")
    trust_file = keys.write_trust(folder / "trust.json")
    with live_server(folder, releases=(), trust_file=trust_file) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        server.deploy(keys.deploy_release(released)).raise_for_status()
        yield server


def judged_by_kit(engine: OwnEngine, views: Mapping[str, JudgedView]) -> StationJudgement:
    """An own engine's verdict of a part that is made by its kit's very recipe."""
    return engine.judge(views, context=engine.context, recipe=None if engine.kit is None else engine.kit.used_recipe)
