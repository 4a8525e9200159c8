"""The review place in a real browser, on a real server with the starter model: by keyboard alone, and by mouse."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

import httpx
import pytest
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from browsing import browsing
from lineside.inspection.verdict import Verdict
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.verify_texts import VERIFY_TEXTS
from lineside.serving.security import Role
from lineside.serving.security.secret_files import SECRET_BYTES
from review_place import ReviewLine, review_line

_WAIT_S = 60  # for a page on a busy machine; nothing waits this long when all is well
_COLOURS = 96  # a quarter of the bytes, and nobody sees a difference
_PICTURES = os.environ.get("LINESIDE_PICTURES")
"""A folder for the guide's pictures: `LINESIDE_PICTURES=docs/guides/pictures pytest tests/dashboard`."""


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    english, korean = VERIFY_TEXTS[Language.EN], VERIFY_TEXTS[Language.KO]
    assert list(english) == list(korean)
    for name, text in english.items():
        places = [{place for _, place, _, _ in Formatter().parse(each) if place} for each in (text, korean[name])]
        assert places[0] == places[1], name


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewLine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINESIDE_VERIFICATION_SECOND_SHARE", "0")
        folder = tmp_path_factory.mktemp("verify")
        # Whom the server draws hangs on its secret: a fixed one draws the same parts in each run.
        secret = folder / "data" / "audit-secret"
        secret.parent.mkdir(mode=0o700)
        secret.write_bytes(bytes(SECRET_BYTES))
        secret.chmod(0o600)
        with review_line(folder) as line:
            yield line
    assert '"level": "error"' not in (line.data / "server.log").read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path_factory.mktemp("browser") / "profile", "--window-size=1440,1000") as chrome:
        yield chrome


class Desk:
    """One reader's page, of one station's parts."""

    def __init__(self, browser: webdriver.Chrome, line: ReviewLine, station: str) -> None:
        self.browser, self.line, self.station = browser, line, station

    def log_in(self, name: str, role: Role = Role.QUALITY, *, lang: str = "en", was_never_here: bool = True) -> None:
        """Open the page as somebody else."""
        self.browser.get(f"{self.line.url}/login?next=/v1/session")
        self.browser.delete_all_cookies()
        if was_never_here:
            self.browser.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.browser.find_element(By.ID, "key").send_keys(self.line.key(role, name))
        self.browser.find_element(By.TAG_NAME, "button").click()
        self.waits().until(lambda driver: "/login" not in driver.current_url, "the login did not open the page")
        self.browser.get(f"{self.line.url}/page/verify?lang={lang}&station={self.station}")

    def waits(self) -> WebDriverWait[webdriver.Chrome]:
        gone = [StaleElementReferenceException, NoSuchElementException]
        return WebDriverWait(self.browser, _WAIT_S, ignored_exceptions=gone)

    def part(self, part_id: str) -> None:
        """Wait until a part is shown with its picture."""
        self.waits().until(lambda _: self.state == "reading" and self.text("#part b") == part_id, f"no part {part_id}")
        loaded = "return document.querySelector('#main image')?.getBoundingClientRect().width > 0"
        self.waits().until(lambda driver: driver.execute_script(loaded))

    def empty(self) -> None:
        """Wait until nothing waits."""
        self.waits().until(lambda _: self.state == "empty", "parts are left")

    def gone(self, inspection_id: str) -> None:
        """Wait until a part is shown no more."""
        self.waits().until(lambda _: self.state == "empty" or self.inspection_id != inspection_id)

    def says(self, text: str) -> None:
        """Wait until the page says something."""
        self.waits().until(lambda _: text in self.text("body"), f"{text!r} is not said")

    @property
    def inspection_id(self) -> str:
        """The inspection that is shown."""
        script = "return document.querySelector('#main image')?.href.baseVal.split('/')[3] ?? ''"
        return str(self.browser.execute_script(script))

    @property
    def state(self) -> str | None:
        return self.browser.find_element(By.TAG_NAME, "body").get_attribute("data-state")

    def text(self, selector: str) -> str:
        return str(self.browser.find_element(By.CSS_SELECTOR, selector).text)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def with_shift(self, *keys: str) -> None:
        """Press keys with Shift held down."""
        chain = ActionChains(self.browser).key_down(Keys.SHIFT)
        for key in keys:
            chain.send_keys(key)
        chain.key_up(Keys.SHIFT).perform()

    def boxes(self) -> list[tuple[str, list[int]]]:
        """Class and sides of the boxes, as listed."""
        rows = self.browser.find_elements(By.CSS_SELECTOR, "#boxes li")
        found = []
        for row in rows:
            name = str(row.find_element(By.CSS_SELECTOR, ".name").get_attribute("textContent"))
            sides = str(row.find_element(By.CSS_SELECTOR, ".ls-hint").get_attribute("textContent"))
            found.append((name, [int(side) for side in sides.split(",")]))
        return found

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Where a point of the picture is in the window."""
        script = (
            "const p = new DOMPoint(arguments[0], arguments[1]).matrixTransform("
            "document.getElementById('main').getScreenCTM()); return [p.x, p.y]"
        )
        left, top = self.browser.execute_script(script, x, y)
        return round(left), round(top)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with the mouse between two points of the picture."""
        chain = ActionChains(self.browser)
        pointer: Any = chain.w3c_actions.pointer_action  # selenium has no types for it
        pointer.move_to_location(*self.at(*start))
        pointer.pointer_down()
        pointer.move_to_location(*self.at(*end))
        pointer.pointer_up()
        chain.perform()

    def picture(self, name: str) -> None:
        """A picture for the guide, where a folder for them is named."""
        shown = (
            "return [...document.querySelectorAll('image')].map((image) => image.href.baseVal).every("
            "(address) => performance.getEntriesByName(new URL(address, location.href).href).length > 0)"
        )
        self.waits().until(lambda driver: driver.execute_script(shown))
        if _PICTURES is not None:
            with Image.open(BytesIO(self.browser.get_screenshot_as_png())) as taken:
                taken.convert("RGB").quantize(_COLOURS).save(Path(_PICTURES) / f"{name}.png", optimize=True)


@pytest.fixture
def desk(browser: webdriver.Chrome, line: ReviewLine) -> Iterator[Desk]:
    """The page of a station of its own."""
    station = f"aoi-{len(line.station_keys) + 1}"
    line.enrol(station)
    yield Desk(browser, line, station)
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no type for it
    assert [entry for entry in log if entry["level"] == "SEVERE" and "status of 40" not in entry["message"]] == []


@pytest.mark.system
def test_without_a_login_nothing_of_the_page_is_served(line: ReviewLine) -> None:
    for path in ("/page/verify", "/page/verify/verify.js", "/page/verify/none.js"):
        answer = httpx.get(f"{line.url}{path}?station=aoi-1", trust_env=False)
        assert (answer.status_code, answer.content) == (303, b""), path
        assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.system
def test_a_shift_is_read_by_keyboard_alone(desk: Desk) -> None:
    bad = desk.line.board(desk.station, "P-1", defects=2, seed=0)
    called = desk.line.board(desk.station, "P-2", defects=2, seed=2)
    good = desk.line.board(desk.station, "P-3", seed=3)
    missed = desk.line.board(desk.station, "P-4", defects=1, seed=2, contrast=0.35)  # an open trace, faint
    assert missed.verdict is Verdict.OK
    desk.log_in("Kim keyboard")
    desk.part("P-1")
    assert "Flagged: is it defective?" in desk.text("aside")
    assert len(desk.boxes()) == len(bad.defects)
    desk.picture("verify")
    desk.press("3", "j")
    desk.part("P-2")
    desk.press("1", "f")
    desk.part("P-3")
    assert "Passed, drawn for audit: is it good?" in desk.text("aside")
    desk.press("j")
    desk.part("P-4")
    desk.press("f")
    desk.says("Put the box on the defect that was missed")
    desk.press(Keys.ENTER)  # the box was not moved yet: nothing is handed in
    desk.says("Put the box on the defect that was missed")
    before = desk.boxes()[0][1]
    desk.press(*[Keys.ARROW_UP] * 11, Keys.ARROW_RIGHT, "c")
    assert desk.boxes()[0][0] == "short"
    desk.with_shift("c", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    name, after = desk.boxes()[0]
    step = after[0] - before[0]
    assert step > 0
    left, top, right, bottom = before
    assert after == [left + step, top - 11 * step, right - step, bottom - 12 * step]
    assert (name, after[0] < 295, after[1] < 175, after[2] > 347, after[3] > 220) == ("open", *(True,) * 4)
    desk.picture("verify-missed")
    desk.press(Keys.ENTER)
    desk.empty()
    desk.picture("verify-empty")
    kinds = [desk.line.reviews(each.id)[0] for each in (bad, called, good, missed)]
    assert [(each["kind"], each["source"]) for each in kinds] == [
        ("confirmed", "operator"),
        ("false_call", "operator"),
        ("confirmed", "audit"),
        ("escape", "audit"),
    ]
    assert {each["reviewer"] for each in kinds} == {"Kim keyboard"}
    assert [(box["class_name"], box["box_xyxy_px"]) for box in kinds[3]["boxes"]] == [(name, after)]
    assert [desk.line.dispositions(each.id) for each in (bad, called, good)] == [["scrapped"], ["passed"], []]


@pytest.mark.system
def test_the_last_reading_is_taken_back_by_one_key_and_said_anew(desk: Desk) -> None:
    part = desk.line.board(desk.station, "P-1", defects=2, seed=0)
    desk.line.board(desk.station, "P-2", seed=3)
    desk.log_in("Kim undo")
    desk.part("P-1")
    desk.press("3", "j")
    desk.part("P-2")
    desk.press("z")
    desk.part("P-1")
    desk.says("Taken back: say it anew.")
    desk.press("3", "1", "f")
    desk.part("P-2")
    assert [each["kind"] for each in desk.line.reviews(part.id)] == ["confirmed", "withdrawn", "false_call"]
    assert desk.line.dispositions(part.id) == ["scrapped", "set_aside", "passed"]


@pytest.mark.system
def test_boxes_are_drawn_moved_and_removed_with_the_mouse(desk: Desk) -> None:
    part = desk.line.board(desk.station, "P-1", defects=2, seed=2)
    desk.log_in("Kim mouse")
    desk.part("P-1")
    first = list(part.defects[0].box_xyxy_px)
    others = [[round(side) for side in defect.box_xyxy_px] for defect in part.defects[1:]]
    desk.drag((100, 420), (180, 500))
    drawn = desk.boxes()[-1][1]
    assert all(abs(side - wanted) <= 2 for side, wanted in zip(drawn, (100, 420, 180, 500), strict=True))
    desk.drag((140, 460), (170, 470))
    moved = desk.boxes()[-1][1]
    assert all(abs(side - wanted) <= 4 for side, wanted in zip(moved, (130, 430, 210, 510), strict=True))
    desk.drag((moved[2], moved[3]), (moved[2] + 40, moved[3] + 20))  # by its corner
    sized = desk.boxes()[-1][1]
    assert sized[:2] == moved[:2]
    assert all(abs(side - wanted) <= 4 for side, wanted in zip(sized[2:], (moved[2] + 40, moved[3] + 20), strict=True))
    desk.picture("verify-drawing")
    desk.drag(((first[0] + first[2]) / 2, (first[1] + first[3]) / 2), ((first[0] + first[2]) / 2, first[1] + 1))
    desk.press(Keys.DELETE)
    assert [sides for _, sides in desk.boxes()] == [*others, sized]
    desk.press("f")
    desk.says("You changed boxes")
    desk.press("j")
    desk.empty()
    (review,) = desk.line.reviews(part.id)
    assert review["kind"] == "corrected"
    assert [[round(side) for side in box["box_xyxy_px"]] for box in review["boxes"]] == [*others, sized]


@pytest.mark.system
def test_a_reload_loses_nothing(desk: Desk) -> None:
    desk.line.board(desk.station, "P-1", seed=3)
    desk.line.board(desk.station, "P-2", seed=4)
    desk.log_in("Kim reload")
    desk.part("P-1")
    desk.press("2", "f", Keys.ARROW_LEFT, "c", "m")
    desk.press(*"dent")
    desk.press(Keys.ESCAPE)
    boxes = desk.boxes()
    desk.browser.refresh()
    desk.part("P-1")
    assert desk.boxes() == boxes
    pressed = desk.browser.find_element(By.CSS_SELECTOR, "[data-value=reworked]").get_attribute("aria-pressed")
    assert pressed == "true"
    assert desk.browser.find_element(By.ID, "reason").get_attribute("value") == "dent"
    desk.press(Keys.ENTER)
    desk.part("P-2")


@pytest.mark.system
def test_what_is_said_while_the_server_is_away_is_handed_in_once_when_it_is_back(desk: Desk) -> None:
    part = desk.line.board(desk.station, "P-1", defects=2, seed=0)
    desk.log_in("Kim away")
    desk.part("P-1")
    away = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    desk.browser.execute_cdp_cmd("Network.enable", {})
    desk.browser.execute_cdp_cmd("Network.emulateNetworkConditions", away)
    desk.press("3", "j")
    desk.says("The server cannot be reached")
    assert desk.line.reviews(part.id) == []
    back = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    desk.browser.execute_cdp_cmd("Network.emulateNetworkConditions", back)
    desk.empty()
    assert [each["kind"] for each in desk.line.reviews(part.id)] == ["confirmed"]
    assert desk.line.dispositions(part.id) == ["scrapped"]
    desk.browser.get_log("browser")  # type: ignore[no-untyped-call]  # the browser's own word of the failed calls


@pytest.mark.system
def test_two_windows_never_show_the_same_part(desk: Desk) -> None:
    for number in (1, 2):
        desk.line.board(desk.station, f"P-{number}", seed=number)
    desk.log_in("Kim two")
    desk.part("P-1")
    first = desk.browser.current_window_handle
    desk.browser.switch_to.new_window("tab")
    desk.browser.get(f"{desk.line.url}/page/verify?station={desk.station}")
    desk.part("P-2")
    desk.press("j")
    desk.empty()
    desk.browser.close()
    desk.browser.switch_to.window(first)
    desk.press("j")
    desk.empty()


@pytest.mark.system
def test_the_page_in_korean_names_classes_as_the_shop_floor_does(desk: Desk) -> None:
    part = desk.line.board(desk.station, "P-1", defects=2, seed=0)
    desk.log_in("김 검사", lang="ko")
    desk.part("P-1")
    assert "NG 판정: 실제로 불량입니까?" in desk.text("aside")
    assert "단락(쇼트)" in [name for name, _ in desk.boxes()]
    desk.picture("verify-ko")
    for code in ("Digit2", "KeyJ"):  # with Korean letters on the keyboard, keys have other characters
        desk.browser.execute_script(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: arguments[0], key: 'ㅓ', bubbles: true}))",
            code,
        )
    desk.empty()
    assert [each["kind"] for each in desk.line.reviews(part.id)] == ["confirmed"]
    assert desk.line.dispositions(part.id) == ["reworked"]


@pytest.mark.system
def test_the_page_fits_a_narrow_window(desk: Desk) -> None:
    desk.line.board(desk.station, "P-1", defects=2, seed=0)
    desk.browser.set_window_size(520, 1000)
    try:
        desk.log_in("Kim narrow")
        desk.part("P-1")
        assert desk.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        desk.picture("verify-narrow")
    finally:
        desk.browser.set_window_size(1440, 1000)


@pytest.mark.system
def test_whoever_may_only_look_is_told_so_and_holds_no_part(desk: Desk) -> None:
    desk.line.board(desk.station, "P-1", seed=1)
    desk.log_in("Guest", Role.VIEWER)
    desk.says("The key Guest may look, not review")
    assert desk.state == "refused"


@pytest.mark.system
def test_an_escape_is_read_again_blind_and_those_who_disagree_by_a_third(desk: Desk) -> None:
    part = desk.line.board(desk.station, "P-1", seed=3)
    desk.log_in("Kim")
    desk.part("P-1")
    desk.press("f", Keys.ARROW_RIGHT, Keys.ENTER)
    desk.empty()
    desk.log_in("Lee", was_never_here=False)  # at the same browser
    desk.part("P-1")
    assert "Passed, drawn for audit: is it good?" in desk.text("aside")
    assert (desk.boxes(), desk.text("#readings"), "Kim" in desk.text("main")) == ([], "", False)
    desk.press("z")  # what Kim said is not Lee's to take back
    assert desk.text("#message") == ""
    desk.press("j")
    desk.empty()
    desk.log_in("Park", was_never_here=False)
    desk.part("P-1")
    assert "People disagree: what is it?" in desk.text("aside")
    assert desk.text("#readings").splitlines() == ["Kim: a defect was missed", "Lee: the verdict is right"]
    assert len(desk.browser.find_elements(By.CSS_SELECTOR, "#main .box.said")) == 1
    desk.picture("verify-conflict")
    desk.press("j")
    desk.empty()
    assert [(each["reviewer"], each["kind"], each["blind"]) for each in desk.line.reviews(part.id)] == [
        ("Kim", "escape", False),
        ("Lee", "confirmed", True),
        ("Park", "confirmed", False),
        ("Park", "confirmed", False),
    ]
    desk.press("g")
    desk.says("How well people read")
    rows = [row.text for row in desk.browser.find_elements(By.CSS_SELECTOR, "#figures-rows tr")]
    assert any(row.startswith("Lee 1 - - - 0.0 % (0.0") and "0/1" in row for row in rows)
    desk.picture("verify-readers")
    desk.press("g")
    assert desk.text("#figures") == ""


@pytest.mark.system
def test_with_half_of_the_flagged_parts_drawn_the_page_shows_these_and_the_rate_stays_right(desk: Desk) -> None:
    desk.line.enrol(desk.station, recipe="sampled")
    bad = [desk.line.board(desk.station, f"N-{number}", defects=2, seed=number) for number in range(8)]
    good = [desk.line.board(desk.station, f"G-{number}", seed=100 + number) for number in range(3)]
    flagged = [answer for answer in bad if answer.verdict is Verdict.NG]
    drawn = [answer.id for answer in flagged if answer.confirmation]
    passed = [answer for answer in (*bad, *good) if answer.verdict is Verdict.OK]
    assert 0 < len(drawn) < len(flagged)
    truly_bad = {answer.id for answer in bad}
    desk.log_in("Kim sample")
    shown = []
    for _ in range(len(drawn) + len(passed)):
        desk.waits().until(lambda _: desk.state == "reading")
        inspection_id = desk.inspection_id
        shown.append(inspection_id)
        agrees = (inspection_id in drawn) == (inspection_id in truly_bad)
        desk.press(*(("j",) if agrees else ("f", Keys.ARROW_UP, Keys.ENTER)))
        desk.gone(inspection_id)
    desk.empty()
    assert set(shown) == {*drawn, *(answer.id for answer in passed)}
    asked = f"/v1/rates?station={desk.station}&from=2026-01-01T00:00:00Z"
    due = len(passed)
    desk.waits().until(lambda _: desk.line.get(asked)["total"]["audited"] == due)
    total = desk.line.get(asked)["total"]
    truth = len(bad) / (len(bad) + len(good))
    assert (total["flagged"], total["confirmed"]) == (len(flagged), len(drawn))
    assert total["rate"]["lower"] <= truth <= total["rate"]["upper"]
    assert abs(total["rate"]["point"] - truth) < 0.15


@pytest.mark.system
def test_the_lines_page_leads_here_and_says_how_much_waits(desk: Desk) -> None:
    desk.line.board(desk.station, "P-1", seed=3)
    desk.log_in("Kim line")
    desk.part("P-1")
    desk.browser.find_element(By.LINK_TEXT, "Line").click()
    desk.says("Waiting to be read:")
    desk.says("No label needs attention.")
    assert int(desk.text(".ls-count")) == sum(desk.line.get("/v1/verification")["waiting"].values())
    desk.browser.find_element(By.CSS_SELECTOR, ".ls-verify").click()
    desk.waits().until(lambda driver: "/page/verify" in driver.current_url)
    desk.waits().until(lambda _: desk.state == "reading")
