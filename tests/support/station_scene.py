"""A whole station for tests: signed server, pictures of boards with known defects, a station's file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from blob_detector import Blob, TinyRelease, draw_blobs
from lineside.serving.security import Role
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
part_id: {{from: plc}}
own_engine: {own_engine}
spool: {{folder: spool, max_gib: 1}}
"""

SIMULATED = "{{kind: simulated, speed_mm_s: 400, spacing_mm: 50, gate_at_mm: 250, confirm_at_mm: 30, parts: {parts}}}"


def draw_parts(folder: Path, is_bad: Sequence[bool]) -> None:
    """Write one picture for each part, in order; no two are alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, bad in enumerate(is_bad, start=1):
        image = draw_blobs([Blob(1, 64, 48)] if bad else [], SIZE_WH_PX)
        noise = np.random.default_rng(number).integers(0, 6, image.shape, np.uint8)
        cv2.imwrite(str(folder / f"part-{number}.png"), np.where(image == 0, noise, image))


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

    def write(
        self,
        *,
        rig: str,
        rules: Mapping[str, object] | None = None,
        judges_itself: bool = True,
        url: str | None = None,
    ) -> Path:
        """Write the station's file."""
        said = {"distance_mm": 250, "speed_mm_s": 400, "actuator_ms": 20, **(rules or {})}
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
