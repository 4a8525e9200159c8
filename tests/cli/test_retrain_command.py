"""`lineside retrain` as a person calls it, on a few boards: the plan, the run, the gate's answer, the promotion."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.release import SigningKey
from lineside.workflows.errors import RetrainingRefused
from lineside.workflows.retraining import Promotion, RetrainPlan, Step
from retraining_set import ENGINE, Workshop, open_workshop

pytestmark = pytest.mark.training

Lineside = Callable[..., Any]

OPEN_GATE = """\
schema: lineside.gate-policy/1
escapes: {margin: 0.99}
classes: {default: {may_be_unproven: true}}
overkill: {is_required: false}
latency: {max_ratio_to_live: null, max_p99_ms: null, is_required: false}
"""
"""Limits that three golden parts can meet."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def retrain(shop: Workshop, lineside: Lineside, monkeypatch: pytest.MonkeyPatch) -> Lineside:
    """`retrain("--out", ...)` with what every call needs."""
    monkeypatch.setattr("lineside.training.ultralytics_adapter.available_threads", lambda: 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shop.folder / "cache"))
    (shop.folder / "gate.yaml").write_text(OPEN_GATE)
    shop.keys.write_trust(shop.folder / "trust.json")

    def run(*words: object) -> Any:
        return lineside(
            "retrain", "--data", shop.head.id[:12], "--store", shop.store.url,
            "--registry", shop.folder / "registry", "--against", "starter:pcb-reference",
            "--key", key_file(shop.folder / "build.pem", shop.keys.build), "--policy", shop.folder / "gate.yaml",
            "--epochs", 1, "--batch", 8, "--image-px", 64, "--crops-per-image", 2, "--learning-rate", 1e-5,
            "--device", "cpu", "--engine", ENGINE, "--parity-frames", 1, *words,
        )  # fmt: skip

    return run


def key_file(path: Path, key: SigningKey) -> Path:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(key.to_pem(None))
    return path


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    retrain: Lineside, shop: Workshop, tmp_path: Path
) -> None:
    ran = retrain("--out", tmp_path / "out", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["joined"] == {"train": 2, "val": 1}
    assert said["images"] == {"train": 6, "val": 4, "golden": 3}
    assert (said["live"], said["version"]) == ("pcb-reference 1.0.0", "1.1.0")
    assert said["new_to_live"] == 10
    assert said["can_pass"] is True
    assert said["minutes"] > 1
    assert not (tmp_path / "out").exists()
    assert not (shop.folder / "registry").exists()


def test_a_dry_run_says_how_many_golden_parts_are_missing(retrain: Lineside, shop: Workshop, tmp_path: Path) -> None:
    (shop.folder / "gate.yaml").write_text("schema: lineside.gate-policy/1\n")
    ran = retrain("--out", tmp_path / "out", "--dry-run")
    assert ran.code == 0, ran.err
    assert "the gate lets nothing pass, however good" in ran.err
    rows = [line.split("\t") for line in ran.out.splitlines()]
    [escapes] = [row for row in rows if row[1:2] and row[1].startswith("No more escapes")]
    assert int(escapes[2]) == 3
    assert int(escapes[3]) > 500


def test_one_command_leads_to_a_signed_candidate_and_on_to_a_deployment(
    retrain: Lineside, lineside: Lineside, shop: Workshop, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = retrain("--out", out, "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["release"]["version"] == "1.1.0"
    assert said["gate"]["overall"] == "passed"
    assert said["lessons"]["new_images"] == 10  # the starter has seen no photograph
    assert "with --promote --deploy-key" in ran.err
    [typed] = [step.partition(", or: ")[2] for step in said["next_steps"]]
    assert f"--registry {shop.folder / 'registry'}" in typed
    assert lineside(*shlex.split(typed)[1:], "--help").code == 0
    assert "epoch 1" in ran.err
    page = (out / "summary.html").read_text()
    assert "Newly labelled images" in page
    deploy = key_file(shop.folder / "deploy.pem", shop.keys.deploy)
    promoted = retrain("--out", out, "--promote", "--deploy-key", deploy, "--trust", shop.folder / "trust.json")
    assert promoted.code == 0, promoted.err
    assert "train: done before" in promoted.err
    assert "signed deployment 1 of plant plant-1" in promoted.err
    assert "any product on any line\tNo more escapes than live" in promoted.out
    again = retrain("--out", out, "--promote", "--deploy-key", deploy, "--trust", shop.folder / "trust.json", "--json")
    assert json.loads(again.out)["serials"] == [1]
    other = retrain("--out", out, "--seed", 9)
    assert other.code == 1
    assert f"the step {Step.TRAIN.value!r}" in other.err
    assert "seed was 1, now 9" in other.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(("--project", "line-a"), 2, "give --server", id="a project without a server"),
        pytest.param(("--server", "http://127.0.0.1:9"), 2, "API key of role mlops", id="a server without a key"),
        pytest.param(("--promote",), 2, "--deploy-key and --trust", id="a promotion without keys"),
        pytest.param(("--override-by", "kim"), 2, "give --promote", id="an override of nothing"),
        pytest.param(("--against", "nowhere"), 1, "no release to beat", id="nothing to beat"),
        pytest.param(("--data", "0123456789"), 1, "no revision", id="an unknown revision"),
        pytest.param(("--val-share", "0.95"), 2, "0.9", id="a share that leaves nothing to learn from"),
        pytest.param(("--version", "1.0.0"), 1, "is taken", id="a version that there is"),
        pytest.param(("--minutes", "0"), 1, "more than 0", id="no time at all"),
    ],
)
def test_a_wrong_call_is_one_line(
    words: tuple[str, ...], code: int, message: str, retrain: Lineside, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("LINESIDE_API_KEY", raising=False)
    ran = retrain("--out", tmp_path / "out", *words)
    assert ran.code == code, ran.err
    assert message in " ".join(ran.err.replace("│", " ").split())


def test_a_key_that_was_typed_is_written_down_nowhere(
    retrain: Lineside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command as typed goes into the run's record, and from there into the release."""
    plans: list[RetrainPlan] = []

    def seen(plan: RetrainPlan) -> None:
        plans.append(plan)
        raise RetrainingRefused("seen")

    monkeypatch.setattr("lineside.workflows.retraining.foresee", seen)
    server = ("--server", "http://127.0.0.1:9", "--line", "line-1")
    for words in (("--api-key", "s3cret"), ("--api-key=s3cret",)):
        retrain("--out", tmp_path / "out", "--dry-run", *server, *words)
    assert len(plans) == 2
    for plan in plans:
        assert "s3cret" not in plan.command
        assert plan.command.startswith("lineside retrain --data ")
        assert plan.command.endswith(("--api-key ...", "--api-key=..."))


def test_a_candidate_goes_no_further_than_where_the_release_to_beat_was_looked_for(
    retrain: Lineside, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an override nothing else would keep it from the lines of other releases."""
    promotions: list[Promotion | None] = []

    def seen(plan: RetrainPlan, **_more: object) -> None:
        promotions.append(plan.promotion)
        raise RetrainingRefused("seen")

    monkeypatch.setattr("lineside.workflows.retraining.retrain", seen)
    deploy = key_file(shop.folder / "deploy.pem", shop.keys.deploy)
    promote = ("--promote", "--deploy-key", deploy, "--trust", shop.folder / "trust.json")
    for words in ((), ("--line", "line-1", "--product", "board")):
        retrain("--out", tmp_path / "out", *promote, *words)
    everywhere, narrow = promotions
    assert everywhere is not None
    assert narrow is not None
    assert (everywhere.lines, everywhere.products) == ((), ())
    assert (narrow.lines, narrow.products) == (("line-1",), ("board",))
