"""Killed anywhere and called again, a retraining goes on and comes to one candidate; it never mixes two."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import killed_retraining
from killed_retraining import keep_keys, whole_plan
from lineside.training.gate import Overall
from lineside.training.registry import DeploymentLog, Registry
from lineside.workflows.errors import RetrainingBusy, RetrainingChanged, RetrainingRefused
from lineside.workflows.retraining import LiveGiven, Phase, RetrainProgress, Step, retrain
from lineside.workflows.retraining.states import held
from retraining_set import Workshop, open_workshop

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

STEPS = [step for step in Step if step not in (Step.PULL, Step.BRING)]
"""Of a retraining without a server."""

LEAVE_SOMETHING = {Step.SPLIT, Step.TRAIN, Step.BUILD, Step.SIGN, Step.PROMOTE}
"""Steps that leave something outside the folder, or half of it within."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    opened = open_workshop(tmp_path_factory.mktemp("shop"))
    keep_keys(opened)
    return opened


@pytest.fixture(scope="module")
def killed(shop: Workshop) -> Path:
    """The folder of a retraining that was killed at each step, and where one was done and not yet written down."""
    out = shop.folder / "out"
    places = [
        place
        for step in STEPS
        for place in (f"{step.value}:started", *([f"{step.value}:unwritten"] if step in LEAVE_SOMETHING else []))
    ]
    places.insert(places.index("train:unwritten"), "train:said")
    command = [sys.executable, killed_retraining.__file__, str(shop.folder), str(out), shop.head.id, *places]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.system
def test_a_retraining_that_was_killed_everywhere_comes_to_one_candidate(shop: Workshop, killed: Path) -> None:
    told: list[RetrainProgress] = []
    report = retrain(whole_plan(shop, killed), on_progress=told.append)
    kept = {each.step for each in told if each.phase is Phase.KEPT}
    assert kept == set(STEPS) - {Step.PROMOTE}
    registry = Registry(str(shop.folder / "registry"))
    [release] = registry.list()
    assert (release.manifest.version, release.digest) == ("1.1.0", report.digest)
    assert release.key_id == shop.keys.build.public.key_id
    assert release.manifest.training["epochs_done"] == 2
    assert report.gate.overall is Overall.PASSED
    log = DeploymentLog(registry.storage, "plant-1")
    assert {log.require(serial).deployment.release.digest for serial in log.serials()} == {report.digest}
    assert report.serials == log.serials()[-1:]


@pytest.mark.system
def test_other_wishes_files_or_releases_are_not_gone_on_with(shop: Workshop, killed: Path, tmp_path: Path) -> None:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(killed, tmp_path / name))

    other = whole_plan(shop, copy("wishes"))
    with pytest.raises(RetrainingChanged, match=r"'split'.*val_share was 0.2, now 0.5"):
        retrain(replace(other, val_share=0.5))
    out = copy("file")
    (out / "run/model.onnx").write_bytes(b"another model")
    with pytest.raises(RetrainingChanged, match=r"model\.onnx is gone or was changed since the step 'train'"):
        retrain(whole_plan(shop, out))
    out = copy("live")
    (out / "steps" / f"{list(Step).index(Step.GATE) + 1:02d}-gate.json").unlink()
    state = out / "steps/01-live.json"
    noted = json.loads(state.read_bytes())
    noted["outputs"]["digest"] = "0" * 64
    state.write_text(json.dumps(noted))
    with pytest.raises(RetrainingChanged, match=r"live is pcb-reference 1\.0\.0 .* now"):
        retrain(whole_plan(shop, out))
    state.write_text("{")
    with pytest.raises(RetrainingChanged, match="no record of a step"):
        retrain(whole_plan(shop, out))
    with pytest.raises(RetrainingChanged, match="'live'"):
        retrain(replace(whole_plan(shop, copy("given")), live=LiveGiven("starter:pcb-single")))


def test_one_process_at_a_time_works_in_a_folder(shop: Workshop, tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(RetrainingBusy, match="another retraining works"):
        retrain(shop.plan(tmp_path))


def test_a_folder_of_something_else_is_left_as_it_is(shop: Workshop, tmp_path: Path) -> None:
    """A training begins by clearing what a killed one left: that must not be somebody's work."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/thesis.txt").write_text("years of work")
    with pytest.raises(RetrainingRefused, match="holds something else"):
        retrain(shop.plan(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "thesis.txt"]
