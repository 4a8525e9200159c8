"""Which release is to be beaten, what training goes on from, and what the next version is called."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blob_detector import BLOB_CLASSES
from gate_releases import write_release
from lineside.inspection.release import InputKind, read_release, starter_release_folder
from lineside.training.checkpoints import Checkpoint, save_checkpoint
from lineside.training.errors import RegistryDamaged
from lineside.training.plan import Architecture
from lineside.training.registry import Registry
from lineside.workflows.errors import RetrainingRefused
from lineside.workflows.retraining import LiveGiven, LiveOnServer, ServerAccess
from lineside.workflows.retraining.live import LiveName, live_release, next_version, starting_point, the_one_live

SERVER = ServerAccess("http://127.0.0.1:9", "key")
STARTER = LiveName("pcb-reference", "1.0.0", read_release(starter_release_folder("pcb-reference")).digest)


def in_force(product: str, live: LiveName | None = None, *, line: str = "line-1", name: str = "pcb-reference") -> Any:
    """A line of `/v1/deployments/in-force`."""
    said = None if live is None else {"name": live.name, "version": live.version, "digest": live.digest}
    return {"line": line, "product": product, "release_name": name, "live": said}


ONE, TWO = LiveName("pcb-reference", "1.1.0", "1" * 64), LiveName("other", "2.0.0", "2" * 64)


@pytest.mark.parametrize(
    ("listed", "asked", "expected"),
    [
        pytest.param([in_force("a", ONE), in_force("b", ONE)], {}, ONE, id="one for all products"),
        pytest.param([in_force("a")], {}, STARTER, id="before any deployment the starter"),
        pytest.param([in_force("a"), in_force("b", STARTER)], {}, STARTER, id="rolled back to the starter"),
        pytest.param([in_force("a", ONE), in_force("b", TWO)], {"product": "b"}, TWO, id="of one product"),
        pytest.param([in_force("a", ONE), in_force("a", TWO, line="l2")], {"line": "l2"}, TWO, id="of one line"),
        pytest.param([in_force("a", name="mine")], {}, None, id="one that the server came with"),
    ],
)
def test_the_release_that_judges_is_the_one_to_beat(
    listed: list[Any], asked: dict[str, str], expected: LiveName | None
) -> None:
    assert the_one_live(listed, LiveOnServer(server=SERVER, **asked))[1] == expected


@pytest.mark.parametrize(
    ("listed", "asked", "message"),
    [
        pytest.param([in_force("a", ONE), in_force("b", TWO)], {}, "several releases are live", id="several"),
        pytest.param([in_force("a", ONE)], {"product": "z"}, r"a on line-1 \(pcb-reference\)", id="none"),
        pytest.param([], {}, "it judges: nothing", id="a server without recipes"),
    ],
)
def test_none_or_several_are_refused_by_name(listed: list[Any], asked: dict[str, str], message: str) -> None:
    with pytest.raises(RetrainingRefused, match=message):
        the_one_live(listed, LiveOnServer(server=SERVER, **asked))


@pytest.mark.parametrize(
    ("taken", "expected"),
    [(["1.0.0"], "1.1.0"), (["1.9.3", "1.10.1", "0.99.0"], "1.11.0"), (["2.0.0", "1.8.0", "trial"], "2.1.0")],
)
def test_the_next_version_is_after_the_highest(taken: list[str], expected: str) -> None:
    assert next_version("pcb", taken) == expected


def test_versions_that_are_no_numbers_have_no_next_one() -> None:
    with pytest.raises(RetrainingRefused, match="--version"):
        next_version("pcb", ["trial", "7"])


def test_training_goes_on_from_the_starters_model(tmp_path: Path) -> None:
    with live_release(LiveGiven("starter:pcb-single"), Registry(str(tmp_path / "registry"))) as live:
        start = starting_point(live, tmp_path)
    assert (start.given, start.architecture, start.kind) == (
        "starter:pcb-single",
        Architecture.YOLO11N,
        InputKind.SINGLE,
    )
    assert (start.image_px, start.input_size_wh_px) == (320, (640, 640))


@pytest.mark.training
def test_training_goes_on_from_the_registrys_checkpoint(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    weights = {"head": np.ones(3, np.float32)}
    save_checkpoint(
        Checkpoint(Architecture.YOLO26S, BLOB_CLASSES, InputKind.SINGLE, 256, weights), tmp_path / "weights"
    )
    checkpoint = registry.add_checkpoint(tmp_path / "weights")
    registry.add(write_release(tmp_path / "mine", version="1.2.0", revision=None, checkpoint_sha256=checkpoint))
    with live_release(LiveGiven("blobs@1.2.0"), registry) as live:
        start = starting_point(live, tmp_path / "out")
        assert (start.parent, start.architecture) == (checkpoint, Architecture.YOLO26S)
        assert start.image_px == 256
        assert Path(start.given).is_file()
        without = replace(live, checkpoint=None)
        with pytest.raises(RetrainingRefused, match="does not say of which network"):
            starting_point(without, tmp_path / "out")
    kept = tmp_path / "registry/checkpoints" / f"{checkpoint}.safetensors"
    kept.write_bytes(b"another one")
    with pytest.raises(RegistryDamaged, match="was changed"):
        registry.checkpoint(checkpoint)


def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(RetrainingRefused, match="expected starter:NAME"),
        live_release(LiveGiven(str(tmp_path)), Registry(str(tmp_path / "registry"))),
    ):
        pass
