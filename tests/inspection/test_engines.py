"""The engines themselves, and which of their runners takes a call."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from blob_detector import WriteRelease
from lineside.inspection.engines import (
    REFERENCE_ENGINE,
    EngineEntry,
    available_threads,
    load_engine,
    usable_engines,
)
from lineside.inspection.engines.load_switch import LoadSwitch
from lineside.inspection.errors import EngineError
from lineside.inspection.release import Release
from odd_engines import engines_with

Batch = NDArray[np.uint8]


def noise(seed: int) -> Batch:
    return np.random.default_rng(seed).integers(0, 256, (1, 160, 160, 3), np.uint8)


@pytest.mark.parametrize("name", usable_engines())
def test_each_engine_computes_what_the_reference_computes(name: str, tiny_release: Release) -> None:
    reference = load_engine(REFERENCE_ENGINE, tiny_release.served_model, threads=1)
    engine = load_engine(name, tiny_release.served_model, threads=2)
    tolerance = 0.2 if name.endswith("bf16") else 1e-4  # the blob model's slope of 16 widens 8 bits of mantissa
    for seed in range(3):
        batch = noise(seed) // 8 + 100  # levels around those of the classes, so that scores are not all zero
        expected = reference.infer(batch)
        assert expected[:, 4:].max() > 0.1
        np.testing.assert_allclose(engine.infer(batch), expected, atol=tolerance)
    assert engine.name == name
    engine.close()
    reference.close()


@pytest.mark.parametrize("name", usable_engines())
def test_an_output_stays_as_it_is_when_the_engine_runs_again(name: str, tiny_release: Release) -> None:
    engine = load_engine(name, tiny_release.served_model, threads=1)
    first = engine.infer(np.full((1, 160, 160, 3), 90, np.uint8))
    kept = first.copy()
    engine.infer(np.full((1, 160, 160, 3), 200, np.uint8))
    np.testing.assert_array_equal(first, kept)
    engine.close()


@pytest.mark.parametrize("name", usable_engines())
def test_calls_at_once_give_what_each_gives_alone(name: str, tiny_release: Release) -> None:
    engine = load_engine(name, tiny_release.served_model, threads=2)
    batches = [noise(seed) // 8 + 20 * (seed % 6) + 60 for seed in range(24)]
    alone = [engine.infer(batch) for batch in batches]
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(engine.infer, batches))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    engine.close()


@pytest.mark.parametrize("name", usable_engines())
def test_a_batch_of_another_size_is_an_engine_error(name: str, tiny_release: Release) -> None:
    engine = load_engine(name, tiny_release.served_model, threads=1)
    with pytest.raises(EngineError, match="failed on a frame"):
        engine.infer(np.zeros((1, 80, 80, 3), np.uint8))
    engine.infer(np.zeros((1, 160, 160, 3), np.uint8))
    engine.close()


@pytest.mark.parametrize("name", usable_engines())
def test_bytes_that_an_engine_cannot_load_are_an_engine_error(name: str) -> None:
    with pytest.raises(EngineError, match="cannot load the model"):
        load_engine(name, b"no model", threads=1)


@pytest.mark.parametrize("name", usable_engines())
def test_a_closed_engine_refuses_calls(name: str, tiny_release: Release) -> None:
    engine = load_engine(name, tiny_release.served_model, threads=1)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(np.zeros((1, 160, 160, 3), np.uint8))


def test_an_unknown_engine_is_refused_with_those_that_exist() -> None:
    with pytest.raises(EngineError, match="onnxruntime-fp32"):
        load_engine("tensorrt", b"", threads=1)


def test_an_engine_whose_package_is_missing_names_it() -> None:
    engines = {"far": EngineEntry("nowhere", "Nothing", "package_that_is_not_installed")}
    assert usable_engines(engines) == ()
    with pytest.raises(EngineError, match="package_that_is_not_installed"):
        load_engine("far", b"", threads=1, engines=engines)


def test_an_engine_that_this_host_cannot_run_is_not_offered() -> None:
    engines = engines_with() | {"gpu": EngineEntry("odd_engines", "BlindEngine", "numpy", is_usable="never")}
    assert usable_engines(engines) == (REFERENCE_ENGINE,)
    with pytest.raises(EngineError, match="cannot run on this host"):
        load_engine("gpu", b"", threads=1, engines=engines)


def test_the_reference_engine_is_always_usable_and_comes_first() -> None:
    assert usable_engines()[0] == REFERENCE_ENGINE


def test_threads_are_those_of_the_affinity_mask() -> None:
    assert available_threads() == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())


class RecordingRunner:
    """A runner that says who called it, and waits until it may answer."""

    def __init__(self) -> None:
        self.calls = 0
        self.entered = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def __call__(self, batch_nhwc_u8: Batch) -> NDArray[np.float32]:
        self.calls += 1
        self.entered.release()
        assert self.may_answer.wait(30)
        return batch_nhwc_u8.astype(np.float32)


@pytest.fixture
def runners() -> tuple[RecordingRunner, RecordingRunner, RecordingRunner]:
    return RecordingRunner(), RecordingRunner(), RecordingRunner()


EMPTY = np.zeros((1, 1, 1, 3), np.uint8)


def test_a_lone_call_takes_the_quick_runner_each_time(
    runners: tuple[RecordingRunner, RecordingRunner, RecordingRunner],
) -> None:
    lone, first, second = runners
    lone.may_answer.set()
    switch = LoadSwitch("test", lone=lone, crowd=[first, second])
    for _ in range(3):
        switch.run(EMPTY)
    assert (lone.calls, first.calls, second.calls) == (3, 0, 0)


def test_calls_that_overlap_take_the_parallel_runners(
    runners: tuple[RecordingRunner, RecordingRunner, RecordingRunner],
) -> None:
    lone, first, second = runners
    switch = LoadSwitch("test", lone=lone, crowd=[first, second])
    with ThreadPoolExecutor(3) as threads:
        threads.submit(switch.run, EMPTY)
        assert lone.entered.acquire(timeout=30)
        threads.submit(switch.run, EMPTY)
        threads.submit(switch.run, EMPTY)
        assert first.entered.acquire(timeout=30)
        assert second.entered.acquire(timeout=30)
        for runner in runners:
            runner.may_answer.set()
    assert (lone.calls, first.calls, second.calls) == (1, 1, 1)
    switch.run(EMPTY)
    assert lone.calls == 2


def test_more_calls_than_runners_wait_and_all_are_answered(
    runners: tuple[RecordingRunner, RecordingRunner, RecordingRunner],
) -> None:
    lone, first, second = runners
    for runner in runners:
        runner.may_answer.set()
    switch = LoadSwitch("test", lone=lone, crowd=[first, second])
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(switch.run, [EMPTY] * 200))
    assert len(answers) == 200
    assert lone.calls + first.calls + second.calls == 200


def test_closing_waits_for_the_call_under_way_and_refuses_the_next(
    runners: tuple[RecordingRunner, RecordingRunner, RecordingRunner],
) -> None:
    lone, first, _ = runners
    switch = LoadSwitch("test", lone=lone, crowd=[first])
    with ThreadPoolExecutor(2) as threads:
        call = threads.submit(switch.run, EMPTY)
        assert lone.entered.acquire(timeout=30)
        closing = threads.submit(switch.close)
        assert not closing.done()
        lone.may_answer.set()
        assert call.result(30).shape == EMPTY.shape
        closing.result(30)
    with pytest.raises(EngineError, match="closed"):
        switch.run(EMPTY)


def test_a_runner_that_fails_is_used_again() -> None:
    def fail(batch_nhwc_u8: Batch) -> NDArray[np.float32]:
        raise EngineError("broken")

    switch = LoadSwitch("test", lone=fail, crowd=[fail])
    for _ in range(3):
        with pytest.raises(EngineError, match="broken"):
            switch.run(EMPTY)
    switch.close()


NO_TELEMETRY = """
import sys
talk = []
def listen(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        talk.append((event, args))
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
        talk.append((event, args))
sys.addaudithook(listen)
from pathlib import Path
from lineside.inspection.engines import load_engine, usable_engines
from lineside.inspection.release import read_release
import numpy as np
release = read_release(Path(sys.argv[1]))
used = []
for name in usable_engines():
    engine = load_engine(name, release.served_model, threads=1)
    engine.infer(np.zeros((1, 160, 160, 3), np.uint8))
    engine.close()
    used.append(name)
print("used", used)
print("talk", talk)
print("loaded", [name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module])
print("home", sorted(path.name for path in Path.home().iterdir()))
"""


def test_no_engine_opens_a_connection_or_leaves_a_trace_in_the_home_folder(
    write_release: WriteRelease, tmp_path: Path
) -> None:
    """OpenVINO and ONNX Runtime report on their use from their import on, unless they are kept from doing so.

    Before they send, each writes an identifier into the home folder, so an empty home shows that neither got that
    far, whichever thread or native library would have sent it.
    """
    home = tmp_path / "home"
    home.mkdir()
    switched_off_by_ci = ("CI", "TF_BUILD", "JENKINS_URL", "GITHUB_ACTIONS")  # both are silent in some of these
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in (*switched_off_by_ci, "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    run = subprocess.run(
        [sys.executable, "-c", NO_TELEMETRY, str(write_release())],
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = dict(line.split(" ", 1) for line in run.stdout.splitlines())
    assert "openvino-fp32" in lines["used"]
    assert lines["talk"] == "[]"
    assert lines["loaded"] == "[]"
    assert lines["home"] == "[]"
