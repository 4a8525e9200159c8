"""What a camera showed before decides whether its next picture may be judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lineside.inspection.camera_past import CameraPast
from lineside.inspection.light_baseline import LightBaseline
from lineside.inspection.sensor_noise import NoisePrint
from lineside.serving.inspections.attempts import AttemptKey
from lineside.serving.inspections.camera_memory import Before, CameraMemory
from plant import RECIPE, Plant, open_plant

HEALTH = "health: {min_std: null, min_brightest: null, min_sharpness: null}\n"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder: Path = tmp_path_factory.mktemp("plant")
    recipe = RECIPE[: RECIPE.index("health:")].replace("[160, 160]", "[320, 320]") + HEALTH
    with open_plant(folder, recipe=recipe) as opened:
        yield opened


def picture(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A bare board of the product, with the noise of a sensor."""
    noise = np.random.default_rng(seed).normal(60.0, 2.0, (320, 320))
    return np.clip(noise, 0, 255).astype(np.uint8)


def png(image: np.ndarray[Any, np.dtype[np.uint8]], *, effort: int = 1) -> bytes:
    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, effort])[1].tobytes())


def reasons(plant: Plant, body: bytes, part_id: str, **say: Any) -> list[str]:
    answer = plant.post(body, part_id=part_id, **say)
    assert answer.status_code == 200, answer.text
    return [f"{reason['code']}: {reason['message']}" for reason in answer.json()["reasons"]]


def test_an_exposure_in_another_file_is_a_frozen_camera_and_the_next_one_is_not(plant: Plant) -> None:
    first = picture(1)
    assert not any("unhealthy" in reason for reason in reasons(plant, png(first), "repeat-1"))
    (frozen,) = reasons(plant, png(first, effort=9), "repeat-2")
    assert frozen.startswith("unhealthy: the image is frozen")
    assert not any("unhealthy" in reason for reason in reasons(plant, png(picture(2)), "repeat-3"))


def test_a_retest_with_the_exposure_of_the_first_test_is_frozen_too(plant: Plant) -> None:
    image = picture(3)
    assert not any("unhealthy" in reason for reason in reasons(plant, png(image), "again-1"))
    (frozen,) = reasons(plant, png(image, effort=9), "again-1", attempt="2", cause="retest")
    assert frozen.startswith("unhealthy: the image is frozen"), "a second look is a second exposure"


def test_dropped_lines_are_not_judged(plant: Plant) -> None:
    image = picture(4)
    image[100:103] = 0
    (dropped,) = reasons(plant, png(image), "lines-1")
    assert "missing rows or columns" in dropped


KEYS = [AttemptKey("aoi-1", f"p{number}", 1) for number in range(3)]


def past(pictures: int) -> CameraPast:
    return CameraPast(NoisePrint.of(picture(pictures)), LightBaseline(60.0, pictures))


def test_the_light_of_a_camera_is_remembered_until_its_recipe_changes() -> None:
    memory = CameraMemory()
    assert memory.meet(KEYS[0], "top", digest="a", recipe=("board", 1)) == Before()
    memory.keep(KEYS[0], "top", digest="a", past=past(1))
    known = memory.meet(KEYS[1], "top", digest="b", recipe=("board", 1))
    assert known.digest == "a"
    assert known.past is not None
    assert (known.past.light.pictures, known.past.noise is None) == (1, False)
    changed = memory.meet(KEYS[2], "top", digest="c", recipe=("board", 2))
    assert (changed.digest, changed.past) == ("b", None)


def test_a_try_of_the_same_part_is_held_against_its_light_alone() -> None:
    memory = CameraMemory()
    memory.meet(KEYS[0], "top", digest="a", recipe=("board", 1))
    memory.keep(KEYS[0], "top", digest="a", past=past(5))
    again = memory.meet(KEYS[0], "top", digest="a", recipe=("board", 1))
    assert again.digest is None
    assert again.past is not None
    assert (again.past.light.pictures, again.past.noise) == (5, None)


def test_an_examination_that_ends_after_the_next_frame_came_changes_nothing() -> None:
    memory = CameraMemory()
    memory.meet(KEYS[0], "top", digest="a", recipe=("board", 1))
    memory.meet(KEYS[1], "top", digest="b", recipe=("board", 1))
    memory.keep(KEYS[0], "top", digest="a", past=past(9))
    memory.keep(KEYS[1], "top", digest="b", past=None)  # it could not be decoded
    assert memory.meet(KEYS[2], "top", digest="c", recipe=("board", 1)) == Before("b", None)
    assert memory.meet(KEYS[2], "bottom", digest="d", recipe=("board", 1)) == Before()
