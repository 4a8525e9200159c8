"""`lineside camera`: its four commands, on cameras that need no device."""

import asyncio
import hashlib
import json
import signal
import subprocess
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

from browsing import browsing
from lineside.cli.main import app
from lineside.client.clock import SystemClock
from lineside.inspection.errors import LinesideError
from lineside.station.camera_trials import camera_of_words
from lineside.station.cameras import CAMERA_KINDS
from lineside.workflows.camera_view import Looking, create_camera_view
from lineside_process import LINESIDE

SMALL = "width_px: 64, height_px: 64, distinct_parts: 1"


def words_of(path: Path) -> list[str]:
    """What the command is told of a small virtual camera."""
    keys = ("pace=asked", "width_px=64", "height_px=64")
    return ["--kind", "virtual", *(word for key in keys for word in ("--set", key)), "--out", str(path)]


def test_list_names_every_kind_its_extra_and_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineside.station.cameras.gige.devices", lambda: ("127.0.0.1 (Aravis Fake)",))
    monkeypatch.setattr("lineside.station.cameras.genicam.devices", tuple)
    done = CliRunner().invoke(app, ["camera", "list", "--json"])
    assert done.exit_code == 0, done.output
    found = {row["kind"]: row for row in json.loads(done.stdout)}
    assert set(found) == set(CAMERA_KINDS)
    assert found["virtual"]["extra"] is None
    assert found["gige"]["devices"] == ["127.0.0.1 (Aravis Fake)"]
    assert (found["genicam"]["looks"], found["genicam"]["devices"]) == (True, [])
    table = CliRunner().invoke(app, ["camera", "list"])
    assert "lineside[cameras]\t127.0.0.1 (Aravis Fake)" in table.stdout


def test_grab_writes_frames_with_their_metadata_and_never_over_others(tmp_path: Path) -> None:
    command = ["camera", "grab", *words_of(tmp_path / "out"), "-n", "3"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    frames = json.loads(done.stdout)["frames"]
    assert [frame["sequence"] for frame in frames] == [0, 1, 2]
    for frame in frames:
        content = (tmp_path / "out" / frame["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == frame["sha256"]
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert picture.shape == (frame["height_px"], frame["width_px"]) == (64, 64)
        assert json.loads((tmp_path / "out" / frame["file"]).with_suffix(".json").read_text()) == frame
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, FileExistsError)


def test_grab_tells_of_a_broken_picture_and_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "in" / "2.png"), np.zeros((8, 8), np.uint8))
    (tmp_path / "c.yaml").write_text("cameras:\n  top: {kind: folder, folder: in, pace: asked, loop: false}\n")
    done = CliRunner().invoke(
        app, ["camera", "grab", str(tmp_path / "c.yaml"), "-n", "2", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 1
    assert [Path(line).name for line in done.stdout.splitlines()] == ["top-000001.png"]
    assert "1.png" in done.stderr


def test_check_tells_of_each_camera_what_it_gives_and_ends_with_zero_if_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "station.yaml").write_text(
        "schema: lineside.station/1\n"
        "cameras:\n"
        f"  top: {{kind: virtual, pace: trigger, {SMALL}}}\n"
        f"  side: {{kind: virtual, rate_hz: 200, {SMALL}}}\n"
    )
    done = CliRunner().invoke(app, ["camera", "check", str(tmp_path / "station.yaml"), "-n", "5", "--json"])
    assert done.exit_code == 0, done.output
    top, side = json.loads(done.stdout)
    assert (top["name"], top["frames"], top["size_wh_px"], top["pixel_format"]) == ("top", 5, [64, 64], "mono8")
    assert (side["name"], side["frames"], side["troubles"]) == ("side", 5, [])
    assert side["rate_hz"] > 0
    assert side["health"]["lost_frames"] == 0


def test_check_ends_with_one_and_says_why_if_a_camera_fails(tmp_path: Path) -> None:
    (tmp_path / "line.mp4").write_bytes(b"no video" * 100)
    (tmp_path / "c.yaml").write_text(
        f"cameras:\n  top: {{kind: virtual, pace: asked, {SMALL}}}\n  torn: {{kind: video, file: line.mp4}}\n"
        f"  wrong: {{kind: virtual, pace: asked, pixel_format: bgr8, {SMALL}}}\n"
    )
    done = CliRunner().invoke(app, ["camera", "check", str(tmp_path / "c.yaml"), "-n", "4", "--timeout", "30"])
    assert done.exit_code == 1
    rows = {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines()}
    assert {name: row[-1] for name, row in rows.items()} == {"top": "good", "torn": "bad", "wrong": "bad"}
    assert rows["wrong"][2] == "0 of 3"  # three failures in a row are enough
    assert "torn: camera 'torn'" in done.stderr
    assert "gave mono8" in done.stderr


def test_check_does_not_wait_for_ever_for_a_camera_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("cameras:\n  gone: {kind: folder, folder: nowhere}\n")
    done = CliRunner().invoke(app, ["camera", "check", str(tmp_path / "c.yaml"), "--timeout", "0.05"])
    assert done.exit_code == 1
    assert done.stdout.split("\t")[2] == "0 of 3"
    assert "no folder at" in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["grab"], "give a file with `cameras` in it, or --kind"),
        (["grab", "c.yaml", "--set", "rate_hz=3"], "change the file instead"),
        (["grab", "c.yaml"], "has 2 cameras; name one of top, side"),
        (["grab", "c.yaml", "--camera", "left"], "no camera 'left'; expected one of top, side"),
        (["grab", "--kind", "virtual", "--set", "rate_hz"], "expected key=value"),
        (["grab", "--kind", "virtual", "--set", "rate_hz=fast"], "rate_hz"),
        (["grab", "--kind", "webcam"], "no kind of camera 'webcam'"),
        (["check", "missing.yaml"], "cannot read missing.yaml"),
    ],
)
def test_a_camera_that_is_not_named_rightly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(f"cameras:\n  top: {{kind: virtual, {SMALL}}}\n  side: {{kind: virtual, {SMALL}}}\n")
    done = CliRunner().invoke(app, ["camera", *words])
    if isinstance(done.exception, LinesideError):
        assert expected in str(done.exception)
    else:
        assert done.exit_code == 2
        assert expected in " ".join(done.stderr.replace("│", " ").split())


def test_the_page_shows_the_newest_picture_to_this_machine_only() -> None:
    async def scene() -> None:
        selected = camera_of_words("virtual", ["pace=asked", "width_px=64", "height_px=64", "distinct_parts=1"])
        view = create_camera_view(Looking(selected, timeout_s=5, clock=SystemClock()))
        transport = httpx.ASGITransport(view)
        async with (
            view.router.lifespan_context(view),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser,
        ):
            page = await browser.get("/")
            assert "view.js" in page.text
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert (await browser.get("/view.js")).status_code == 200
            while (await browser.get("/health")).json()["frame"] is None:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            picture = await browser.get("/frame.jpg")
            assert picture.headers["content-type"] == "image/jpeg"
            decoded = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_UNCHANGED)
            assert decoded is not None
            assert decoded.shape == (64, 64)
            assert (await browser.get("/", headers={"Host": "elsewhere.example"})).status_code == 400
            health = (await browser.get("/health")).json()
            assert (health["camera"], health["state"], health["trouble"]) == ("camera", "connected", None)

    asyncio.run(scene())


def test_the_page_of_a_camera_that_is_away_says_so() -> None:
    async def scene() -> None:
        selected = camera_of_words("folder", ["folder=nowhere"])
        view = create_camera_view(Looking(selected, timeout_s=0.01, clock=SystemClock()))
        async with (
            view.router.lifespan_context(view),
            httpx.AsyncClient(transport=httpx.ASGITransport(view), base_url="http://localhost") as browser,
        ):
            while (health := (await browser.get("/health")).json())["trouble"] is None:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            assert health["state"] == "lost"
            assert "no folder at" in health["trouble"]
            assert (await browser.get("/frame.jpg")).status_code == 503

    asyncio.run(scene())


@pytest.mark.system
def test_view_shows_the_live_picture_in_a_browser_until_it_is_told_to_end(tmp_path: Path) -> None:
    words = ["camera", "view", "--kind", "virtual", "--set", "width_px=64", "--set", "height_px=64", "--port", "0"]
    with subprocess.Popen(
        [*LINESIDE, *words, "--json", "--ends-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        with browsing(tmp_path / "profile") as browser:
            browser.get(url)
            width = "return document.getElementById('picture').naturalWidth"
            WebDriverWait(browser, 30).until(lambda shown: shown.execute_script(width) == 64)
            first = browser.find_element("id", "picture").get_attribute("src")
            WebDriverWait(browser, 30).until(
                lambda shown: shown.find_element("id", "picture").get_attribute("src") != first
            )
            assert browser.find_element("id", "camera").text == "camera (virtual)"
            assert browser.find_element("id", "state").text == "connected"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
