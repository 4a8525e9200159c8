"""`lineside dataset split`, `check` and `show`, as a person or a program calls them."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest

from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import RevisionDraft, RevisionStore


class Lineside(Protocol):
    """The fixture `lineside`."""

    def __call__(self, *words: object) -> Any:
        """Run a command line."""


def noise(seed: int) -> bytes:
    """A picture that no other seed gives."""
    coarse = np.random.default_rng(seed).integers(0, 255, (16, 16), np.uint8)
    return cv2.imencode(".png", cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC))[1].tobytes()


@pytest.fixture
def revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of ten parts in the default store, in the working folder; the first five are good."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINESIDE_DATASETS", raising=False)
    return written([part(at, boxes=() if at < 5 else (LabelledBox("open", (5, 5, 25, 25)),)) for at in range(10)])


def part(
    number: int, *, boxes: tuple[LabelledBox, ...] = (), split: Split | None = None, group: str | None = None
) -> LabelledImage:
    return LabelledImage(
        name=f"part-{number}",
        part_id=f"part-{number}",
        group=group or f"lot-{number}",
        image=RevisionStore("lineside-datasets").add_picture(noise(number), source="a part"),
        boxes=boxes,
        is_declared_good=not boxes,
        split=split,
    )


def written(images: Sequence[LabelledImage]) -> str:
    draft = RevisionDraft(classes=("open",), images=tuple(images), source="a test", licence_note="none")
    return RevisionStore("lineside-datasets").write(draft).id


def test_a_split_prints_the_child_and_can_be_repeated(lineside: Lineside, revision: str) -> None:
    words = ("dataset", "split", revision[:10], "--train", 0.6, "--val", 0.2, "--golden", 0.2, "--seed", 3)

    first = lineside(*words)

    assert first.code == 0, first.err
    child = RevisionStore("lineside-datasets").read(first.out.strip())
    assert child.parent == revision
    assert Counter(image.split for image in child.images) == {Split.TRAIN: 6, Split.VAL: 2, Split.GOLDEN: 2}
    assert "golden: 2 images" in first.err
    assert lineside(*words).out == first.out
    again = lineside("dataset", "split", child.id, "--train", 0.5, "--val", 0.5, "--golden", 0, "--seed", 9)
    assert "golden: 2 images (kept)" in again.err
    assert RevisionStore("lineside-datasets").read(again.out.strip()).of_split(Split.GOLDEN) == child.of_split(
        Split.GOLDEN
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--train", 0.5), 1, "the shares add up to 0.8; expected 1"),
        (("--keep", "gold"), 2, "'gold' is no split"),
        (("--golden", 1.5), 2, "Invalid value for '--golden'"),
    ],
    ids=["shares", "an unknown split", "a share above 1"],
)
def test_a_split_that_cannot_be_is_refused(
    lineside: Lineside, revision: str, words: tuple[object, ...], code: int, message: str
) -> None:
    ran = lineside("dataset", "split", revision, *words)

    assert (ran.code, ran.out) == (code, "")
    assert message in " ".join(ran.err.replace("│", " ").split())


def test_a_sound_revision_passes_the_check(lineside: Lineside, revision: str, tmp_path: Path) -> None:
    ran = lineside("dataset", "check", revision, "--rare-boxes", 1, "--out", tmp_path / "report")

    assert ran.code == 0, ran.out
    assert "0 error(s), 0 warning(s)" in ran.err
    assert (tmp_path / "report" / "report.html").is_file()


def test_errors_end_the_check_with_1_and_are_listed_for_programs(lineside: Lineside, revision: str) -> None:
    box = LabelledBox("open", (5, 5, 25, 25))
    leaking = [
        part(1, boxes=(box,), split=Split.GOLDEN, group="one"),
        part(2, boxes=(box, box), split=Split.TRAIN, group="one"),
    ]

    ran = lineside("dataset", "check", written(leaking), "--skip-copies", "--json")

    assert ran.code == 1
    report = json.loads(ran.out)
    assert report["has_errors"] is True
    assert {each["kind"] for each in report["findings"] if each["level"] == "error"} == {
        "leak between splits",
        "one defect boxed twice",
    }
    assert report["is_searched_for_copies"] is False


def test_show_counts_and_draws(lineside: Lineside, revision: str, tmp_path: Path) -> None:
    ran = lineside("dataset", "show", revision, "--sheet", tmp_path / "sheet.png", "--samples", 4)

    assert ran.code == 0, ran.err
    assert f"revision {revision}" in ran.err
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert ["good parts", "5", "5"] in rows
    assert ["boxes: open", "5", "5"] in rows
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    balance = json.loads(lineside("dataset", "show", revision, "--json").out)["balance"]
    assert balance["splits"]["no split"]["defective"] == 5
