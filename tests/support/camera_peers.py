"""What cameras of a station talk to in tests: simulated devices, each a program or a library of somebody else's."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from lineside.client.clock import SystemClock
from lineside.station.cameras import CAMERA_KINDS, Camera, CameraContext
from proofs import missing

_DEBIAN_PYTHON = "/usr/bin/python3"
_RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")


def camera(kind: str, **settings: Any) -> Camera:
    """A camera as its kind builds it; nothing brings it back when it is lost."""
    row = CAMERA_KINDS[kind]
    parsed = row.settings.model_validate({"kind": kind, **settings})
    return row.build(parsed, CameraContext("top", SystemClock(), Path()))


async def grab_until_it_fails(source: Camera, *, timeout_s: float) -> NoReturn:
    """Look on until the camera raises: what was on its way when it was cut off may still come."""
    while True:
        await source.grab(timeout_s=timeout_s)


@contextmanager
def gvcp_port() -> Iterator[None]:
    """Hold UDP port 3956, on which every GigE Vision camera of a machine answers, against other test processes."""
    with (Path(tempfile.gettempdir()) / "lineside-tests-gvcp-3956.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def aravis_camera() -> Iterator["subprocess.Popen[bytes]"]:
    """Aravis' simulated GigE Vision camera, a process of its own; to be started while `gvcp_port` is held."""
    program = shutil.which("arv-fake-gv-camera-0.8")
    if program is None:
        missing("no arv-fake-gv-camera-0.8: tests/install-system-tools.sh installs it (aravis-tools)")
    process = subprocess.Popen(
        [program, "-i", "127.0.0.1", "-s", "GV01"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def rtsp_server(*, user: str | None = None, password: str = "") -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A GStreamer RTSP server and its stream's URL, without login."""
    could = subprocess.run([_DEBIAN_PYTHON, str(_RTSP_SERVER), "--check"], capture_output=True, check=False)
    if could.returncode != 0:
        missing("no GStreamer RTSP server: tests/install-system-tools.sh installs it")
    process = subprocess.Popen(
        [_DEBIAN_PYTHON, str(_RTSP_SERVER), *([] if user is None else ["--user", user])],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RTSP_PASSWORD": password},
    )
    assert process.stdout is not None
    try:
        yield process, f"rtsp://127.0.0.1:{int(process.stdout.readline())}/view"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
