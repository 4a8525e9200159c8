"""Label Studio's labelling page in a real browser, worked as a person works it: by mouse and keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from label_studio import LabelStudioServer

Box = tuple[float, float, float, float]

_SECONDS = 60
_SEEN = """
const pictures = [...document.querySelectorAll('.lsf-image img')];
const canvases = document.querySelectorAll('.konvajs-content canvas');
return pictures.length > 0 && canvases.length > 0 && pictures.every(each => each.complete && each.naturalWidth > 0);
"""
_WHERE = """
const picture = document.querySelector('.lsf-image img'), box = picture.getBoundingClientRect();
return [box.x, box.y, box.width / picture.naturalWidth, box.height / picture.naturalHeight];
"""


class LabellingPage:
    """The page of one project.

    Args:
        chrome: a browser.
        studio: where to.
        project: Label Studio's number of it.
        pictures: folder for what the page looked like; None keeps none.
    """

    def __init__(
        self, chrome: webdriver.Chrome, studio: LabelStudioServer, project: int, *, pictures: Path | None = None
    ) -> None:
        self._chrome = chrome
        self._studio = studio
        self._project = project
        self._pictures = pictures

    def log_in(self) -> None:
        """Come in by the login form."""
        self._chrome.get(f"{self._studio.url}/user/login/")
        self._one("input[name=email]").send_keys(self._studio.email)
        self._one("input[name=password]").send_keys(self._studio.password)
        self._one("button[type=submit]").click()
        self._until(lambda: "/user/login" not in self._chrome.current_url)

    def open(self, task: int, *, regions: int) -> None:
        """Open a task, and wait until its picture and so many regions are there."""
        self._chrome.get(f"{self._studio.url}/projects/{self._project}/data?task={task}")
        self._until(lambda: bool(self._chrome.execute_script(_SEEN)))
        self._until(lambda: len(self.regions()) == regions)

    def regions(self) -> list[str]:
        """The classes of the boxes, as the list beside the picture names them."""
        return sorted(each.text for each in self._all(".lsf-outliner-item__title"))

    def verdicts(self) -> list[str]:
        """The choices that are ticked."""
        ticked = self._all(".lsf-choice__checkbox.ant-checkbox-wrapper-checked")
        return [each.text.partition("[")[0].strip() for each in ticked]

    def delete(self, class_name: str) -> None:
        """Choose the first box of a class in the list, and press Backspace."""
        before = len(self.regions())
        titles = self._all(".lsf-outliner-item__title")
        next(each for each in titles if each.text == class_name).click()
        self._until(
            lambda: bool(self._all(".lsf-outliner-item_selected, .lsf-outliner-item.selected, [class*=selected]"))
        )
        ActionChains(self._chrome).send_keys(Keys.BACKSPACE).perform()
        self._until(lambda: len(self.regions()) == before - 1)

    def draw(self, class_name: str, box_xyxy_px: Box) -> None:
        """Choose a label and drag a box, given in pixels of the picture."""
        before = len(self.regions())
        labels = self._all(".lsf-label__text")
        next(each for each in labels if each.text == class_name).click()
        left, top, across, down = self._chrome.execute_script(_WHERE)
        corners = [(round(left + x * across), round(top + y * down)) for x, y in (box_xyxy_px[:2], box_xyxy_px[2:])]
        drag = ActionChains(self._chrome, duration=50)
        drag.w3c_actions.pointer_action.move_to_location(*corners[0])  # type: ignore[no-untyped-call]
        drag.w3c_actions.pointer_action.pointer_down()  # type: ignore[no-untyped-call]
        middle = tuple((one + other) // 2 for one, other in zip(*corners, strict=True))
        for x, y in (middle, corners[1]):
            drag.w3c_actions.pointer_action.move_to_location(x, y)  # type: ignore[no-untyped-call]
        drag.w3c_actions.pointer_action.pointer_up()  # type: ignore[no-untyped-call]
        drag.perform()
        self._until(lambda: len(self.regions()) == before + 1)

    def choose(self, verdict: str) -> None:
        """Tick a verdict by its letter on the keyboard: o or d."""
        ActionChains(self._chrome).send_keys(Keys.ESCAPE).send_keys(verdict[0]).perform()
        self._until(lambda: self.verdicts() == [verdict])

    def comment(self, text: str) -> None:
        """Write a comment."""
        area = self._one("textarea")
        area.send_keys(text)
        area.send_keys(Keys.SHIFT, Keys.ENTER)

    def submit(self) -> None:
        """Press Submit, and wait until the page offers to update instead."""
        self._button("Submit").click()
        self._until(lambda: any(each.text == "Update" for each in self._all("button")))

    def keep_picture(self, name: str) -> None:
        """What the page looks like now, where pictures are wanted."""
        if self._pictures is not None:
            self._pictures.mkdir(parents=True, exist_ok=True)
            self._chrome.save_screenshot(str(self._pictures / f"{name}.png"))

    def _button(self, text: str) -> WebElement:
        return next(each for each in self._all("button") if each.text == text)

    def _one(self, selector: str) -> WebElement:
        return self._chrome.find_element(By.CSS_SELECTOR, selector)

    def _all(self, selector: str) -> list[WebElement]:
        return self._chrome.find_elements(By.CSS_SELECTOR, selector)

    def _until(self, is_so: Callable[[], bool]) -> None:
        def asked(_: Any) -> bool:
            return is_so()

        WebDriverWait(self._chrome, _SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(asked)
