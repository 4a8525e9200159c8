"""The page in a real browser, on a real server."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from blob_detector import TinyRelease
from browsing import browsing
from lineside.client import InspectionAnswer, LinesideClient, pack_release
from lineside.inspection.frames import MediaType
from lineside.inspection.release import DeploymentMode
from lineside.serving.security import Role
from lineside_process import key_service, make_key, serving
from odd_releases import Workshop, version, without_short
from plant import RECIPE, bad_board, good_board
from signing import TestKeys

pytestmark = pytest.mark.system

_WAIT_S = 30  # for a page on a busy machine; nothing waits this long when all is well


@dataclass(frozen=True)
class Line:
    """A running server with a station that judges."""

    url: str
    data: Path
    station_key: str

    def post(self, part_id: str, body: bytes) -> InspectionAnswer:
        """Hand in a frame."""

        async def run() -> InspectionAnswer:
            async with LinesideClient(self.url, self.station_key) as client:
                answer = await client.inspect(body, MediaType.PNG, station="aoi-1", part_id=part_id)
                assert isinstance(answer, InspectionAnswer)
                return answer

        return asyncio.run(run())


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("page")
    data = folder / "data"
    TinyRelease().write(folder / "releases" / "blobs")

    async def enrol(url: str, key: str) -> None:
        async with LinesideClient(url, key, timeout_s=120) as admin:
            await admin.put_recipe("board", RECIPE)
            await admin.put_station("aoi-1", {"name": "AOI 1", "recipe": {"id": "board", "version": 1}})

    words = (
        *("--releases", str(folder / "releases"), "--unsigned-releases"),
        *("--engine", "onnxruntime-fp32", "--log-format", "json"),
    )
    with serving(data, *words) as url:
        asyncio.run(enrol(url, make_key(data, Role.ADMIN)[1]))
        yield Line(url, data, make_key(data, Role.STATION, station="aoi-1")[1])
    assert '"level": "error"' not in (data / "server.log").read_text()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path / "profile", "--window-size=1440,1100") as chrome:
        yield chrome


def log_in(browser: webdriver.Chrome, line: Line, key: str) -> None:
    browser.get(f"{line.url}/page/")
    browser.find_element(By.ID, "key").send_keys(key)
    browser.find_element(By.TAG_NAME, "button").click()


def waiting(browser: webdriver.Chrome) -> WebDriverWait[webdriver.Chrome]:
    """Waits for something that a page's change may pull from under the question."""
    return WebDriverWait(browser, _WAIT_S, ignored_exceptions=[StaleElementReferenceException, NoSuchElementException])


def wait_for_text(browser: webdriver.Chrome, text: str) -> None:
    def shows(driver: webdriver.Chrome) -> bool:
        return text in driver.find_element(By.TAG_NAME, "body").text

    waiting(browser).until(shows, f"{text!r} did not appear")


def figure(browser: webdriver.Chrome, kind: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f".ls-tile.{kind} .ls-figure").text


def wait_for_figure(browser: webdriver.Chrome, kind: str, expected: str) -> None:
    waiting(browser).until(lambda driver: figure(driver, kind) == expected)


def test_a_page_without_a_login_shows_nothing(line: Line) -> None:
    for path in ("/page", "/page/", "/page/_nicegui/3.18.0/static/nicegui.css", "/page/_nicegui_ws/socket.io/"):
        answer = httpx.get(f"{line.url}{path}", trust_env=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login")
        assert answer.content == b""
    overlay = httpx.get(f"{line.url}/v1/inspections/any/overlay", trust_env=False)
    assert overlay.status_code == 401


def test_the_page_follows_the_line_in_both_languages_and_fetches_nothing_from_elsewhere(
    line: Line, browser: webdriver.Chrome
) -> None:
    key_id, key = make_key(line.data, Role.VIEWER)
    answer = line.post("P-1", bad_board(1))
    line.post("P-2", good_board(2))
    whole = good_board(3)
    line.post("P-3", whole[: len(whole) // 2])

    log_in(browser, line, key)
    wait_for_text(browser, "P-1")
    assert [figure(browser, kind) for kind in ("ok", "ng", "ni")] == ["1", "1", "1"]
    wait_for_figure(browser, "detector", "50.0 %")
    wait_for_text(browser, "NOT_INSPECTED beside: 1")  # the last part may be counted a moment later
    body = browser.find_element(By.TAG_NAME, "body").text
    assert "95 % interval" in body
    assert figure(browser, "rate") == "unknown"  # nobody audits here: what got past is not known
    tile = browser.find_element(By.CSS_SELECTOR, ".ls-tile.rate").text
    assert "provisional" in tile
    assert "uncertified" in tile
    assert "nothing was audited" in tile
    assert "NOT_INSPECTED beside: 1" in tile
    assert "No defect rate" in browser.find_element(By.CSS_SELECTOR, ".ls-tile.detector").text
    assert "too few points for a chart yet" in body
    assert "thresholds uncertified" in body
    assert "Not inspected: inspect these parts again" in body
    pictures = browser.find_elements(By.CSS_SELECTOR, ".ls-frame image")
    assert any(answer.id in str(picture.get_attribute("href")) for picture in pictures)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".ls-frame rect")) == 1

    line.post("P-4", bad_board(4))
    wait_for_figure(browser, "ng", "2")  # without a reload

    browser.find_element(By.LINK_TEXT, "한국어").click()
    wait_for_text(browser, "검출기 NG 비율")
    wait_for_text(browser, "단락(쇼트)")
    wait_for_figure(browser, "ng", "2")

    log = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no type for it
    problems = [entry for entry in log if entry["level"] == "SEVERE"]
    assert problems == []
    assert addresses_elsewhere(browser, line.url) == set()

    with key_service(line.data) as keys:
        keys.revoke(key_id)
    waiting(browser).until(lambda driver: "/login" in driver.current_url)


def addresses_elsewhere(browser: webdriver.Chrome, url: str) -> set[str]:
    """What the browser asked for that is neither this server's nor its own."""
    own = (f"{url}/", url.replace("http", "ws", 1), "data:", "blob:", "chrome:", "chrome-untrusted:", "about:")
    asked = set()
    for entry in browser.get_log("performance"):  # type: ignore[no-untyped-call]  # selenium has no type for it
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
        elif message["method"] == "Network.webSocketCreated":
            asked.add(message["params"]["url"])
    assert any(address.startswith(url) for address in asked)
    return {address for address in asked if not address.startswith(own)}


def test_a_stations_key_opens_no_page(line: Line, browser: webdriver.Chrome) -> None:
    log_in(browser, line, line.station_key)
    wait_for_text(browser, "This key opens no page")


def test_logging_out_shuts_the_page(line: Line, browser: webdriver.Chrome) -> None:
    log_in(browser, line, make_key(line.data, Role.QUALITY)[1])
    wait_for_text(browser, "Log out")
    browser.find_element(By.XPATH, "//button[text()='Log out']").click()
    waiting(browser).until(lambda driver: driver.current_url.endswith("/login"))
    browser.get(f"{line.url}/page/")
    assert "/login" in browser.current_url


def test_the_page_shows_who_judges_and_what_is_compared(tmp_path: Path, browser: webdriver.Chrome) -> None:
    data, signing = tmp_path / "data", TestKeys()
    workshop = Workshop(tmp_path / "workshop", signing)
    (tmp_path / "releases").mkdir()
    workshop.write(TinyRelease()).rename(tmp_path / "releases" / "blobs")
    live, shadow = workshop.write(version("2.0.0")), workshop.write(without_short("3.0.0"))

    async def set_up(url: str, key: str) -> None:
        async with LinesideClient(url, key, timeout_s=120) as admin:
            await admin.put_recipe("board", RECIPE)
            await admin.put_station("aoi-1", {"name": "AOI 1", "recipe": {"id": "board", "version": 1}})
            for folder in (live, shadow):
                await admin.upload_release(pack_release(folder))
            await admin.deploy(*signing.deploy_release(live, serial=1))
            await admin.deploy(*signing.deploy_release(shadow, serial=2, mode=DeploymentMode.SHADOW))

    words = (
        *("--releases", str(tmp_path / "releases"), "--trust", str(signing.write_trust(tmp_path / "trust.json"))),
        *("--engine", "onnxruntime-fp32", "--log-format", "json"),
    )
    with serving(data, *words) as url:
        asyncio.run(set_up(url, make_key(data, Role.ADMIN)[1]))
        line = Line(url, data, make_key(data, Role.STATION, station="aoi-1")[1])
        line.post("P-1", good_board(1))
        line.post("P-2", bad_board(2))
        log_in(browser, line, make_key(data, Role.VIEWER)[1])

        def row(driver: webdriver.Chrome) -> list[str]:
            cells = driver.find_elements(By.CSS_SELECTOR, ".ls-releases tbody td")
            return [cell.text for cell in cells]

        expected = ["line-1", "BRD", "blobs 2.0.0", "ready", "3.0.0 in shadow, 100%", "2 0 dropped", "1"]
        waiting(browser).until(lambda driver: row(driver)[:7] == expected, f"expected {expected}")
        assert row(browser)[7].startswith("1 reviewed 0")
        browser.find_element(By.LINK_TEXT, "한국어").click()
        wait_for_text(browser, "3.0.0 섀도 100%")
        panel = browser.find_element(By.CSS_SELECTOR, ".ls-releases")
        assert panel.size["width"] <= browser.execute_script("return innerWidth")
