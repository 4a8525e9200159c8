"""Picked images at the command line: split around, and refused where they would judge."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate_releases import ENGINE, write_plant, write_release
from labelled_folders import write_files, yolo_files
from lineside.datasets.labelled import SampleOrigin, Split
from lineside.datasets.revisions import RevisionDraft, RevisionStore

RunCommand = Callable[..., Any]


@pytest.fixture
def imported(lineside: RunCommand, tmp_path: Path) -> Callable[..., Any]:
    """`imported(6, "--sampled", "picked")` imports six images; gives `code`, `out` and `err`."""

    def run(images: int, *words: object) -> Any:
        folder = write_files(tmp_path / f"set-{images}", yolo_files(images))
        return lineside(
            "dataset", "import", folder, "--format", "yolo", "--licence", "ours", "--group-by", "name",
            "--store", tmp_path / "store", *words,
        )  # fmt: skip

    return run


def test_a_split_leaves_picked_images_out_of_what_judges(
    lineside: RunCommand, imported: Callable[..., Any], tmp_path: Path
) -> None:
    picked = imported(6, "--sampled", "picked")
    assert picked.code == 0, picked.err
    words = ("dataset", "split", picked.out.strip(), "--store", tmp_path / "store", "--train", "0.5")

    refused = lineside(*words, "--val", "0", "--golden", "0.5")
    assert refused.code == 1
    assert "6 picked images ('board-0' import" in refused.err
    assert "cannot go to golden, and 0 of 6 group(s) are left for 1 such split(s)" in refused.err

    split = lineside(*words, "--val", "0.5", "--golden", "0")
    assert split.code == 0, split.err
    revision = RevisionStore(str(tmp_path / "store")).read(split.out.strip())
    assert {(each.split, each.is_picked) for each in revision.images} == {(Split.TRAIN, True), (Split.VAL, True)}


@pytest.mark.parametrize("sampled", ["random", "random:7", "by hand"])
def test_an_import_that_says_nothing_true_of_its_images_is_refused(imported: Callable[..., Any], sampled: str) -> None:
    refused = imported(3, "--sampled", sampled)
    assert refused.code == 1
    assert "Expected random:CHANCE" in refused.err


def test_the_gate_refuses_pictures_that_were_picked_for_training(
    lineside: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Golden parts that somebody imported without a word, and that the candidate's revision knows as picked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plant = write_plant(tmp_path / "store", defective=3, good=2)
    golden = plant.revision.of_split(Split.GOLDEN)[:2]
    unsaid = [replace(each, split=None, origin=SampleOrigin.picked("near_threshold")) for each in golden]
    learnt = plant.store.write(
        RevisionDraft(
            classes=plant.revision.classes,
            images=(*unsaid, *plant.revision.of_split(Split.TRAIN)),
            source="drawn",
            licence_note="made by this test",
        )
    )
    candidate = write_release(tmp_path / "candidate", version="1.0.1", revision=learnt.id)
    ran = lineside(
        "release", "gate", candidate, "--data", f"{plant.revision.id}:golden", "--store", plant.store.url,
        "--registry", tmp_path / "registry", "--out", tmp_path / "out", "--engine", ENGINE,
    )  # fmt: skip
    assert ran.code == 1
    assert "2 picked images (" in ran.err
    assert "among the 10 that would judge: they were chosen for what they show" in ran.err
