from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import RevisionStore
from lineside.training.errors import GateRefused
from lineside.training.registry.looks import LookLog, sealed_set_digest

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


class Sealed:
    """Sealed images by name."""

    def __init__(self, folder: Path) -> None:
        self._store = RevisionStore(str(folder))

    def image(self, name: str) -> LabelledImage:
        pixels = np.random.default_rng(list(name.encode())).integers(0, 255, (16, 16), np.uint8)
        file = self._store.add_picture(bytes(cv2.imencode(".png", pixels)[1]), source=name)
        return LabelledImage(name=name, part_id=name, group=name, image=file, is_declared_good=True, split=Split.SEALED)


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    return Sealed(tmp_path / "store")


def test_every_look_at_the_sealed_set_is_kept_and_counted(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one"), sealed.image("two")]
    log = LookLog(str(tmp_path / "registry"))
    assert log.looks_at(sealed_set_digest(images)) == ()
    for number in (1, 2, 3):
        look = log.record(
            images,
            name="Kim Min-ji",
            revision="5" * 64,
            releases=[f"{number}" * 64],
            now=NOW + timedelta(hours=number),
        )
        assert look.number == number
    looks = LookLog(str(tmp_path / "registry")).looks_at(sealed_set_digest(reversed(images)))
    assert [look.number for look in looks] == [1, 2, 3]
    assert [look.releases for look in looks] == [("1" * 64,), ("2" * 64,), ("3" * 64,)]
    assert looks[0].at == NOW + timedelta(hours=1)


def test_a_new_revision_with_the_same_sealed_parts_does_not_start_a_new_count(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one")]
    log = LookLog(str(tmp_path / "registry"))
    log.record(images, name="Kim Min-ji", revision="5" * 64, releases=["1" * 64], now=NOW)
    assert log.record(images, name="Lee Jun", revision="6" * 64, releases=["1" * 64], now=NOW).number == 2
    other = [sealed.image("two")]
    assert log.record(other, name="Lee Jun", revision="6" * 64, releases=["1" * 64], now=NOW).number == 1


def test_nobody_looks_without_a_name_or_where_it_cannot_be_written_down(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one")]
    with pytest.raises(GateRefused, match="the name of who looks"):
        LookLog(str(tmp_path)).record(images, name=" ", revision="5" * 64, releases=[], now=NOW)
    (tmp_path / "taken").write_text("a file where the registry should be")
    with pytest.raises(NotADirectoryError):
        LookLog(str(tmp_path / "taken")).record(images, name="Kim Min-ji", revision="5" * 64, releases=[], now=NOW)


def test_a_changed_log_is_noticed(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one")]
    log = LookLog(str(tmp_path))
    log.record(images, name="Kim Min-ji", revision="5" * 64, releases=["1" * 64], now=NOW)
    (kept,) = (tmp_path / "looks" / sealed_set_digest(images)).iterdir()
    kept.write_text("{}")
    with pytest.raises(GateRefused, match="no record of a look"):
        log.looks_at(sealed_set_digest(images))


def test_a_look_that_was_taken_out_is_noticed(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one")]
    log = LookLog(str(tmp_path))
    for _ in range(3):
        log.record(images, name="Kim Min-ji", revision="5" * 64, releases=["1" * 64], now=NOW)
    (tmp_path / "looks" / sealed_set_digest(images) / "000001.json").unlink()
    with pytest.raises(GateRefused, match="no record of a look"):
        log.looks_at(sealed_set_digest(images))


def test_two_who_look_at_once_are_two_looks(sealed: Sealed, tmp_path: Path) -> None:
    images = [sealed.image("one")]

    def look(person: int) -> int:
        log = LookLog(str(tmp_path / "registry"))
        return log.record(images, name=f"person {person}", revision="5" * 64, releases=["1" * 64], now=NOW).number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(look, range(24)))
    assert sorted(numbers) == list(range(1, 25))
    looks = LookLog(str(tmp_path / "registry")).looks_at(sealed_set_digest(images))
    assert {kept.name for kept in looks} == {f"person {person}" for person in range(24)}
