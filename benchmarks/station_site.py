"""A station's floor as real processes: server, PLC with its belt, station; each can be killed, cut off, starved."""

import base64
import json
import resource
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import cv2
import httpx
import numpy as np

from benchmarks.delivery_site import Ways
from benchmarks.server import Line, free_port, lineside
from benchmarks.small_release import RECIPE, bright_square, write_small_release
from lineside.client import pack_release
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.release import (
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    ReleaseReference,
    Role,
    SigningKey,
    TrustStore,
)
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger
from lineside.serving.security import KeyService, read_or_create_secret
from lineside.serving.security import Role as KeyRole
from lineside.serving.settings import Settings

STATION: Final = "bench-0"
PICTURES: Final = 600
"""More than parts in one life of the station: no two parts look alike, as on a real line."""
BAD_EVERY: Final = 6
_SIDE_PX: Final = 160
_SPEED_MM_S: Final = 300.0
_GATE_MM: Final = 450.0
_ENDS_WITHIN_S: Final = 30.0
_STATION_YAML = """\
schema: lineside.station/1
station: {station}
server: {{url: "http://127.0.0.1:{server}", key_file: station.key}}
cameras:
  default: {{kind: folder, folder: pictures, pace: trigger, pixel_format: mono8}}
rig: {{kind: modbus, host: 127.0.0.1, port: {plc}, timeout_ms: 300, reconnect_first_ms: 50, reconnect_longest_ms: 500}}
rules:
  {{distance_mm: {gate}, speed_mm_s: {speed}, mm_per_count: 0.1, actuator_ms: 20, confirm_within_mm: 120,
   ack_timeout_ms: 500, heartbeat_timeout_ms: 500, stop_after_not_inspected: null, stop_after_equal_defects: null}}
scan_ms: 10
acquisition: {{timeout_ms: 500, settle_ms: 100}}
part_id: {{from: plc, duplicate_within: 1}}
own_engine: {{when_server_away: judge, engine: onnxruntime-fp32, trust_file: trust.json}}
spool: {{folder: spool, max_gib: 1}}
"""


class Child:
    """A child process that talks JSON lines and ends when its stdin closes; may be killed and started again.

    Args:
        command: what to start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.log: deque[str] = deque(maxlen=200)
        """The end of what it wrote to stderr; a pipe, so that no limit on its files touches it."""
        self.failures: list[int] = []
        """Exit statuses of lives that ended unasked, or other than with 0 when asked."""
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._draining: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """Of the process; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it and wait for its first line."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._draining = threading.Thread(target=self._drain, args=(self._process,), daemon=True)
        self._draining.start()
        if not self._line():
            raise RuntimeError(f"{self._command} did not start: {' | '.join(self.log)}")

    def kill(self) -> None:
        """SIGKILL: nothing is closed."""
        if self._process is not None:
            self._note_end_unasked()
            self._process.send_signal(signal.SIGKILL)
            self._reap()

    def end(self) -> int:
        """Close its stdin and wait; gives the exit status."""
        if self._process is None or self._process.stdin is None:
            return 0
        was_gone = self._note_end_unasked()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        status = self._reap()
        if status != 0 and not was_gone:
            self.failures.append(status)
        return status

    def _note_end_unasked(self) -> bool:
        status = None if self._process is None else self._process.poll()
        if status is not None:
            self.failures.append(status)
        return status is not None

    def ask(self, order: str) -> Any:
        """Give it a line, get a line."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("it does not run")
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        if self._process is None or self._process.stdout is None:
            return ""
        return self._process.stdout.readline()

    def _drain(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is not None:
            self.log.extend(process.stderr)

    def _reap(self) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        try:
            return process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            if self._draining is not None:
                self._draining.join()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()


@dataclass(slots=True)
class Site:
    """Everything, running; `with` is its life.

    Attributes:
        folder: of all its files.
        spacing_mm: from part to part at 300 mm/s.
    """

    folder: Path
    spacing_mm: float
    line: Line = field(init=False)
    ways: Ways = field(init=False)
    plc: Child = field(init=False)
    station: Child = field(init=False)
    plc_port: int = field(init=False)
    _deployment: tuple[bytes, bytes] = field(init=False)
    _lives: int = 0

    def __post_init__(self) -> None:
        """Write keys, releases, pictures and files; nothing runs yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        release = self._write_release()
        words = ("--trust", str(self.folder / "trust.json"), "--engine", "onnxruntime-fp32")
        self.line = Line.prepare(self.folder / "line", options=("--releases", str(release.parent), *words))
        self.plc_port = free_port()
        self.ways = Ways((self.line.server.port, self.plc_port))
        self.station_file.write_text(
            _STATION_YAML.format(
                station=STATION,
                server=self.ways.ports[self.line.server.port],
                plc=self.ways.ports[self.plc_port],
                gate=_GATE_MM,
                speed=_SPEED_MM_S,
            )
        )
        self.plc = Child(
            [
                *(sys.executable, "-m", "lineside.station.rig.plc_modbus", "--port", str(self.plc_port)),
                *("--record", str(self.left_file), "--speed-mm-s", str(_SPEED_MM_S), "--gate-at-mm", str(_GATE_MM)),
                *("--spacing-mm", str(self.spacing_mm), "--confirm-at-mm", "50"),
                *("--heartbeat-timeout-ms", "500", "--ack-timeout-ms", "500"),
            ]
        )
        self.station = Child(
            lineside("station", "run", str(self.station_file), "--log-format", "json", "--json", "--ends-with-stdin")
        )

    @property
    def station_file(self) -> Path:
        """The station's file."""
        return self.folder / "station.yaml"

    @property
    def pictures(self) -> Path:
        """Where the camera's pictures lie."""
        return self.folder / "pictures"

    @property
    def spool(self) -> Path:
        """The station's spool."""
        return self.folder / "spool"

    @property
    def left_file(self) -> Path:
        """Each part that left the gate, as the PLC wrote it down."""
        return self.folder / "left.jsonl"

    def __enter__(self) -> Self:
        """Start everything, the station last."""
        self.ways.start()
        self.line.server.start()
        self.line.enrol(1, recipe=RECIPE)
        self._deploy()
        (self.folder / "station.key").write_text(self._make_key())
        self.plc.start()
        self.start_station()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.station.end()
        self.plc.end()
        self.line.server.stop()
        self.ways.end()

    # ---- the plugs

    def start_station(self) -> None:
        """Start it, with pictures that no part had before."""
        self._lives += 1
        if self.pictures.exists():
            self.pictures.rename(self.folder / f"pictures-{self._lives}")
        _draw_pictures(self.pictures, seed=self._lives)
        self.station.start()

    def cut_way(self, port: int) -> None:
        """Cut the way to a port of a server or PLC."""
        self.ways.cut_one(port)

    def mend_way(self, port: int) -> None:
        """Let it through again."""
        self.ways.mend_one(port)

    def fill_disk(self) -> None:
        """No file of the station can grow any more: what a full disk does to a log that is appended to."""
        _limit_files(self.station.pid, 1024)

    def free_disk(self) -> None:
        """Files grow again."""
        _limit_files(self.station.pid, resource.RLIM_INFINITY)

    def unplug_camera(self) -> None:
        """Take the camera's pictures away."""
        self.pictures.rename(self.folder / "unplugged")

    def plug_camera(self) -> None:
        """Give them back."""
        (self.folder / "unplugged").rename(self.pictures)

    def reconcile(self, *words: str) -> tuple[int, Any]:
        """`lineside station reconcile`: its exit status and what it printed."""
        done = subprocess.run(
            lineside("station", "reconcile", str(self.station_file), "--json", *words),
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, json.loads(done.stdout or "null")

    # ---- how it is made

    def _write_release(self) -> Path:
        build, deploy = SigningKey.generate(Role.BUILD), SigningKey.generate(Role.DEPLOY)
        (self.folder / "trust.json").write_bytes(TrustStore([build.public, deploy.public]).to_json())
        release = self.folder / "releases" / "bright-squares"
        write_small_release(release)
        manifest = json.loads((release / MANIFEST_NAME).read_bytes())
        text = canonical_json(manifest).encode()
        (release / MANIFEST_NAME).write_bytes(text)
        (release / SIGNATURE_NAME).write_bytes(build.sign(text, schema=RELEASE_SCHEMA))
        now = datetime.now(UTC).replace(microsecond=0)
        document = Deployment(
            serial=1,
            plant="plant-1",
            lines=("*",),
            products=("*",),
            mode=DeploymentMode.LIVE,
            share=1.0,
            unit=None,
            release=ReleaseReference(manifest["name"], manifest["version"], pack_release(release).digest),
            issued_at=now,
            expires_at=now + timedelta(days=1),
            gate=GateEvidence("9a" * 32),
            cause=DeploymentCause.PROMOTION,
            previous_serial=None,
        ).to_bytes()
        self._deployment = document, deploy.sign(document, schema=DEPLOYMENT_SCHEMA)
        return release

    def _make_key(self) -> str:
        """The station's own, made beside the running server."""
        settings = Settings(data_dir=self.line.data_dir)
        with Ledger.open_beside(settings.ledger_url, plant=settings.plant, clock=SystemClock()) as ledger:
            pepper = read_or_create_secret(self.line.data_dir / "key-pepper")
            keys = KeyService(ledger, clock=SystemClock(), pepper=pepper)
            return keys.create("station", KeyRole.STATION, station=STATION).secret

    def _deploy(self) -> None:
        document, signature = (base64.b64encode(content).decode() for content in self._deployment)
        answer = httpx.post(
            f"http://127.0.0.1:{self.line.server.port}/v1/deployments",
            json={"document": document, "signature": signature},
            headers={"Authorization": f"Bearer {self.line.key}"},
            timeout=_ENDS_WITHIN_S,
            trust_env=False,
        )
        answer.raise_for_status()


def is_bad(number: int) -> bool:
    """Whether a picture, counted from 1, shows a defect."""
    return number % BAD_EVERY == 0


def _draw_pictures(folder: Path, *, seed: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(1, PICTURES + 1):
        picture = rng.integers(40, 90, (_SIDE_PX, _SIDE_PX)).astype(np.uint8)
        cv2.imwrite(str(folder / f"part-{number:03d}.png"), bright_square(picture) if is_bad(number) else picture)


def _limit_files(pid: int, soft_bytes: int) -> None:
    """RLIMIT_FSIZE of a running process; Python ignores SIGXFSZ, so that a write then fails with EFBIG."""
    if pid:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft_bytes, hard))
