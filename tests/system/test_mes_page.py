"""The receiver's page in a real browser, with a real line behind it.

Set LINESIDE_PICTURES to a folder to keep what the page looked like; the guide's pictures are made so.
"""

import os
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from browsing import browsing
from mes_line import MesLine, mes_line
from plant import bad_board, good_board

pytestmark = pytest.mark.system

PATIENCE_S = 30.0
_COLOURS = 96  # a quarter of the bytes, and nobody sees a difference


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MesLine]:
    with mes_line(tmp_path_factory.mktemp("line")) as line:
        line.server.post(bad_board(1), "<b>P-1</b>")
        line.server.post(good_board(2), "P-2")
        line.server.post(b"no picture", "P-3")
        line.tell(f"{line.receiver.url}/webhook")
        yield line


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, line: MesLine) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path_factory.mktemp("profile"), "--window-size=1500,1000", "--lang=en") as browser:
        browser.get(f"{line.receiver.url}/?token={line.receiver.http.cookies['lineside_mes']}")
        yield browser


def until(found: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def keep_picture(browser: webdriver.Chrome, name: str) -> None:
    folder = os.environ.get("LINESIDE_PICTURES")
    if folder:
        browser.execute_script("window.scrollTo(0, 0)")
        with Image.open(BytesIO(browser.get_screenshot_as_png())) as taken:
            taken.convert("RGB").quantize(_COLOURS).save(Path(folder) / f"{name}.png", optimize=True)


def shown(browser: webdriver.Chrome, name: str) -> str:
    return browser.find_element(By.ID, name).text


def test_a_failed_part_is_seen_with_its_defect_and_no_part_id_is_markup(browser: webdriver.Chrome) -> None:
    until(lambda: "<b>P-1</b>" in shown(browser, "failed"), "the failed part is shown as it is called")
    assert "short" in shown(browser, "failed")
    assert (shown(browser, "n-ok"), shown(browser, "n-ng"), shown(browser, "n-ni")) == ("1", "1", "1")
    assert "P-3" in shown(browser, "results")
    assert "P-3" not in shown(browser, "failed")
    assert "token" not in browser.current_url


def test_an_order_sent_from_the_page_comes_back_from_the_line(line: MesLine, browser: webdriver.Chrome) -> None:
    form = browser.find_element(By.ID, "order")
    until(lambda: len(Select(form.find_element(By.NAME, "station")).options) == 1, "the line's stations are offered")
    for name, text in (("order_id", "JO-77"), ("product", "BRD"), ("lot", "L-3"), ("quantity", "250")):
        form.find_element(By.NAME, name).send_keys(text)
    form.find_element(By.TAG_NAME, "button").click()
    until(lambda: "The line has it" in shown(browser, "order-said"), shown(browser, "order-said"))
    assert line.server.services.stations.get("aoi-1").order_id == "JO-77"
    line.tell(f"{line.receiver.url}/webhook")
    until(lambda: "JO-77" in shown(browser, "orders") and "250" in shown(browser, "orders"), shown(browser, "orders"))


def test_an_order_that_the_line_refuses_says_why(browser: webdriver.Chrome) -> None:
    form = browser.find_element(By.ID, "order")
    for name, text in (("order_id", "JO-78"), ("product", "-unknown")):
        form.find_element(By.NAME, name).send_keys(text)
    form.find_element(By.TAG_NAME, "button").click()
    until(lambda: "refuses" in shown(browser, "order-said"), shown(browser, "order-said"))


def test_a_hold_is_set_and_released_from_the_page(line: MesLine, browser: webdriver.Chrome) -> None:
    form = browser.find_element(By.ID, "hold")
    Select(form.find_element(By.NAME, "what")).select_by_value("lot")
    form.find_element(By.NAME, "lot").send_keys("L-3")
    form.find_element(By.NAME, "reason").send_keys("too many shorts")
    form.find_element(By.TAG_NAME, "button").click()
    until(lambda: "The line has it" in shown(browser, "hold-said"), shown(browser, "hold-said"))
    line.tell(f"{line.receiver.url}/webhook")
    until(lambda: "too many shorts" in shown(browser, "holds"), shown(browser, "holds"))
    browser.find_element(By.CSS_SELECTOR, "#holds button").click()
    prompt = browser.switch_to.alert
    prompt.send_keys("sorted by hand")
    prompt.accept()

    def is_released() -> bool:
        line.tell(f"{line.receiver.url}/webhook")
        return "sorted by hand" in shown(browser, "holds") and not browser.find_elements(
            By.CSS_SELECTOR, "#holds button"
        )

    keep_picture(browser, "mes-receiver")
    until(is_released, "the release comes back from the line")


def test_the_page_can_be_read_in_korean_and_complains_of_nothing(browser: webdriver.Chrome) -> None:
    browser.find_element(By.CSS_SELECTOR, "header a").click()
    until(lambda: "P-3" in shown(browser, "results"), "the results are shown again")
    keep_picture(browser, "mes-receiver-ko")
    assert "불합격 부품" in browser.find_element(By.TAG_NAME, "body").text
    said = [entry["message"] for entry in browser.get_log("browser") if "409" not in entry["message"]]  # type: ignore[no-untyped-call]  # selenium's
    assert said == []
