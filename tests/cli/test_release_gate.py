"""The gate from the command line, with real models, a real store and a real registry."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from gate_releases import ENGINE, Plant, write_plant, write_release
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionDraft
from lineside.inspection.canonical_json import canonical_json
from lineside.training.gate import GateReport, Overall, Scope

Ran = Any
RunCommand = Callable[..., Any]
"""The fixture of `tests/cli/conftest.py`: runs the command line, gives `code`, `out` and `err`."""

POLICY = """\
schema: lineside.gate-policy/1
escapes: {margin: 0.1, limit_when_nothing_is_live: 0.1}
classes: {default: {may_be_unproven: true}, recall_when_nothing_is_live: 0.5}
overkill: {budget: 0.1}
latency: {max_ratio_to_live: null, max_p99_ms: null, is_required: false}
"""
"""Limits that 30 defective and 30 good parts can meet; how fast this host is does not matter here."""


@dataclass(frozen=True)
class Shop:
    """A plant's labelled parts, and releases by name.

    Attributes:
        plant: the parts.
        releases: "live", "good" (as good), "worse" (blind to a class of beta), "blind" (sees one class only).
    """

    plant: Plant
    releases: dict[str, Path]


def open_shop(folder: Path, *, defective: int, good: int) -> Shop:
    plant = write_plant(folder / "store", defective=defective, good=good)
    blind_to: dict[str, tuple[int, ...]] = {"live": (), "good": (), "worse": (4,), "blind": (1, 2, 3, 4, 5)}
    releases = {
        name: write_release(folder / name, version=f"1.0.{number}", blind_to=classes, revision=plant.revision.id)
        for number, (name, classes) in enumerate(blind_to.items())
    }
    return Shop(plant, releases)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Enough parts to pass."""
    return open_shop(tmp_path_factory.mktemp("shop"), defective=30, good=30)


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Too few parts to show anything, for what does not depend on it; the answer comes sooner."""
    return open_shop(tmp_path_factory.mktemp("small-shop"), defective=3, good=2)


class Gate:
    """Runs the command on one plant."""

    def __init__(self, lineside: RunCommand, shop: Shop, folder: Path) -> None:
        self._lineside = lineside
        self._releases = shop.releases
        self.plant = shop.plant
        self.folder = folder
        (folder / "gate.yaml").write_text(POLICY)

    def __call__(
        self, candidate: str | Path, *words: object, against: str | None = "live", data: str = "golden"
    ) -> Ran:
        release = self._releases[candidate] if isinstance(candidate, str) else candidate
        live = () if against is None else ("--against", self._releases[against])
        selection = ("--data", f"{self.plant.revision.id[:12]}:{data}") if data else ()
        return self._lineside(
            "release", "gate", release, *live, *selection,
            "--store", self.plant.store.url,
            "--registry", self.folder / "registry",
            "--policy", self.folder / "gate.yaml",
            "--out", self.folder / "out",
            "--engine", ENGINE,
            *words,
        )  # fmt: skip

    @property
    def report(self) -> GateReport:
        """What the last run wrote."""
        return GateReport.from_bytes((self.folder / "out/gate.json").read_bytes())


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def gate(lineside: RunCommand, shop: Shop, tmp_path: Path, caches: None) -> Gate:
    return Gate(lineside, shop, tmp_path)


@pytest.fixture
def small_gate(lineside: RunCommand, small_shop: Shop, tmp_path: Path, caches: None) -> Gate:
    return Gate(lineside, small_shop, tmp_path)


def test_a_good_release_passes_and_its_report_is_kept(gate: Gate) -> None:
    ran = gate("good", "--escape-bank", f"{gate.plant.revision.id[:12]}")
    assert ran.code == 0, ran.err + ran.out
    assert gate.report.overall is Overall.PASSED
    assert gate.report.passed_scopes == (Scope("alpha", "line-1"), Scope("beta", "line-1"))
    kept = gate.folder / "registry/gates" / f"{gate.report.sha256}.json"
    assert kept.read_bytes() == gate.report.to_bytes()
    assert gate.report.sha256 in ran.err
    assert "alpha on line-1\tNo more escapes than live, within +10.00 points\tpassed" in ran.out
    assert {path.name for path in (gate.folder / "out").iterdir()} == {
        "gate.json",
        "golden-candidate.json",
        "golden-live.json",
        "escape-bank-candidate.json",
        "escape-bank-live.json",
    }


def test_a_worse_release_passes_only_where_it_is_no_worse(gate: Gate) -> None:
    ran = gate("worse", "--escape-bank", gate.plant.revision.id, "--json")
    assert ran.code == 3
    assert gate.report.overall is Overall.PARTLY_PASSED
    assert gate.report.passed_scopes == (Scope("alpha", "line-1"),)
    document = json.loads(ran.out)
    assert canonical_json(document).encode() == gate.report.to_bytes()
    assert document["scopes"][1]["passed"] is False
    blocking = {criterion.id for criterion in gate.report.scopes[1].blocking}
    assert "class:copper" in blocking


def test_a_blind_release_passes_nowhere_and_an_override_is_written_down(small_gate: Gate) -> None:
    assert small_gate("blind").code == 3
    assert small_gate.report.overall.value == "failed"
    assert small_gate("blind", "--override-name", "Kim Min-ji").code == 1
    ran = small_gate("blind", "--override-name", "Kim Min-ji", "--override-reason", "all parts are inspected by hand")
    assert ran.code == 0
    assert small_gate.report.overall.value == "overridden"
    assert small_gate.report.passed_scopes == ()
    assert "overridden by Kim Min-ji: all parts are inspected by hand" in ran.err


def test_where_nothing_is_live_the_figures_stand_alone(gate: Gate) -> None:
    """Each product lacks three classes, of which nothing is shown: that blocks, whatever the rest says."""
    ran = gate("good", against=None)
    assert ran.code == 3
    outcomes = {each.id: each.outcome.value for each in gate.report.scopes[0].criteria}
    assert outcomes["escapes"] == "passed"
    assert (outcomes["class:open"], outcomes["class:copper"]) == ("passed", "too_few")
    assert gate.report.live is None


def test_evaluations_made_before_give_the_same_answer(small_gate: Gate) -> None:
    assert small_gate("worse").code == 3
    before = small_gate.report
    earlier = small_gate.folder / "earlier"
    (small_gate.folder / "out").rename(earlier)
    ran = small_gate(
        earlier / "golden-candidate.json", "--against", earlier / "golden-live.json", against=None, data=""
    )
    assert ran.code == 3
    assert small_gate.report.scopes == before.scopes
    general = {each.id: each.outcome.value for each in small_gate.report.criteria}
    assert (general["parity"], general["leaks"]) == ("not_shown", "not_shown"), "no manifest is at hand"
    ran = small_gate(earlier / "golden-candidate.json", against="live", data="sealed")
    assert ran.code == 1


def test_every_look_at_sealed_parts_needs_a_name_and_is_counted(small_gate: Gate) -> None:
    refused = small_gate("good", data="sealed")
    assert refused.code == 1
    assert "needs the name of who looks" in refused.err
    assert not list((small_gate.folder / "registry").glob("looks/*/*"))
    for number in (1, 2):
        ran = small_gate("good", "--sealed", "Kim Min-ji", data="sealed")
        assert f"look number {number} at these sealed parts" in ran.err
        assert small_gate.report.sealed_looks == number
    looks = sorted((small_gate.folder / "registry").glob("looks/*/*.json"))
    assert [json.loads(look.read_bytes())["name"] for look in looks] == ["Kim Min-ji"] * 2


def test_evaluating_sealed_parts_is_a_look_too(
    small_gate: Gate, small_shop: Shop, lineside: RunCommand, tmp_path: Path
) -> None:
    """Also where no split is named, which takes all of them."""
    registry = tmp_path / "registry"
    common = (
        "--store",
        small_gate.plant.store.url,
        "--registry",
        registry,
        "--engine",
        ENGINE,
        "--out",
        tmp_path / "e",
    )
    whole = ("evaluate", small_shop.releases["live"], "--data", small_gate.plant.revision.id, *common)
    refused = lineside(*whole)
    assert refused.code == 1
    assert "needs the name of who looks" in refused.err
    assert not list(registry.glob("looks/*/*"))
    assert lineside(*whole, "--sealed", "Lee Jun").code == 0
    (look,) = registry.glob("looks/*/*.json")
    assert json.loads(look.read_bytes())["name"] == "Lee Jun"


def test_sealed_parts_as_an_escape_bank_are_looked_at_as_well(small_gate: Gate) -> None:
    bank = f"{small_gate.plant.revision.id[:12]}:sealed"
    refused = small_gate("good", "--escape-bank", bank)
    assert refused.code == 1
    assert "needs the name of who looks" in refused.err
    assert not list((small_gate.folder / "registry").glob("looks/*/*"))


@pytest.mark.parametrize("split", ["train", "val", "golden,train", "escape_bank"])
def test_only_parts_that_nothing_was_learnt_from_judge(small_gate: Gate, split: str) -> None:
    ran = small_gate("good", data=split)
    assert ran.code == 1
    assert "cannot judge a release" in ran.err


def _same(png: bytes) -> bytes:
    return png


def _compressed(png: bytes) -> bytes:
    pixels = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE))
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1])


def _cropped(png: bytes) -> bytes:
    pixels = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE))
    return bytes(cv2.imencode(".png", pixels[10:140, 12:150])[1])


@pytest.mark.parametrize("changed", [_same, _compressed, _cropped])
def test_a_release_that_learnt_from_a_golden_picture_fails_everywhere(
    small_gate: Gate, tmp_path: Path, changed: Callable[[bytes], bytes]
) -> None:
    """Under another name, of another part, and however it was changed."""
    store = small_gate.plant.store
    golden = small_gate.plant.revision.of_split(Split.GOLDEN)[0]
    picture = store.add_picture(changed(store.image_bytes(golden.image)), source="a copy")
    copy = replace(
        golden,
        name="another",
        part_id="another",
        group="another",
        image=picture,
        boxes=(),
        is_declared_good=True,
        split=Split.TRAIN,
    )
    draft = RevisionDraft(classes=("open",), images=(copy,), source="drawn", licence_note="made by this test")
    leaky = write_release(tmp_path / "leaky", version="2.0.0", revision=store.write(draft).id)
    assert small_gate(leaky).code == 3
    assert small_gate.report.passed_scopes == ()
    leaks = next(each for each in small_gate.report.criteria if each.id == "leaks")
    assert (leaks.outcome.value, leaks.counts["leaks"], leaks.blocks) == ("failed", 1, True)
    assert golden.name in leaks.detail


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        ("no training data named", {"revision": None}),
        ("training data that is gone", {"revision": "1" * 64}),
        ("a parent that nobody knows", {"parent": "2" * 64}),
    ],
)
def test_training_data_that_cannot_be_searched_blocks(
    small_gate: Gate, tmp_path: Path, label: str, changes: dict[str, Any]
) -> None:
    revision = changes.pop("revision", small_gate.plant.revision.id)
    unknown = write_release(tmp_path / "unknown", version="2.0.0", revision=revision, **changes)
    assert small_gate(unknown).code == 3
    leaks = next(each for each in small_gate.report.criteria if each.id == "leaks")
    assert (leaks.outcome.value, leaks.blocks) == ("not_shown", True), label


def test_a_release_without_parity_figures_does_not_pass(small_gate: Gate, tmp_path: Path) -> None:
    unmeasured = write_release(
        tmp_path / "unmeasured", version="2.0.0", revision=small_gate.plant.revision.id, parity={}
    )
    assert small_gate(unmeasured).code == 3
    assert [criterion.id for criterion in small_gate.report.blocking] == ["parity"]


def _recipe(folder: Path, name: str, limit: str) -> Path:
    """Of product alpha, with this limit for opens and for shorts."""
    path = folder / f"{name}.yaml"
    path.write_text(
        "schema: lineside.recipe/1\n"
        "id: alpha\nversion: 1\nproduct: alpha\n"
        "catalogue: {id: pcb, version: 1}\nrelease: blobs\ndeadline_ms: 1000\n"
        "views: {default: {}}\n"
        f"limits: {{open: {limit}, short: {limit}}}\n"
    )
    return path


def test_a_looser_recipe_needs_the_gate(gate: Gate, tmp_path: Path) -> None:
    old = _recipe(tmp_path, "old", "{confidence: 0.9}")
    same = _recipe(tmp_path, "same", "{confidence: 0.95}")
    looser = _recipe(tmp_path, "looser", "{max_count: 1}")
    bank = ("--escape-bank", gate.plant.revision.id)
    ran = gate("live", "--recipe", same, "--against-recipe", old, *bank, against=None)
    assert ran.code == 0, ran.out + ran.err
    assert gate.report.kind.value == "recipe"
    assert gate.report.candidate_recipe is not None
    assert gate.report.live_recipe is not None
    assert gate.report.candidate_recipe.sha256 != gate.report.live_recipe.sha256
    ran = gate("live", "--recipe", looser, "--against-recipe", old, *bank, against=None)
    assert ran.code == 3, "an open and a short pass together under the looser one"
    assert "escapes" in {each.id for each in gate.report.scopes[0].blocking}
    assert gate("live", "--against-recipe", old, against=None).code == 1


def test_a_report_is_signed_by_the_deploy_key(small_gate: Gate, lineside: RunCommand, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from lineside.inspection.release import Role, SigningKey, TrustStore
    from lineside.inspection.release.signatures import verify_signature

    key = SigningKey.generate(Role.DEPLOY)
    file = tmp_path / "deploy.pem"
    file.touch(mode=0o600)
    file.write_bytes(key.to_pem(None))
    assert small_gate("good", "--key", file).code == 3
    signed_by = verify_signature(
        (small_gate.folder / "out/gate.json").read_bytes(),
        (small_gate.folder / "out/gate.sig.json").read_bytes(),
        TrustStore([key.public]),
        schema="lineside.gate/1",
        role=Role.DEPLOY,
        now=datetime.now(UTC),
    )
    assert signed_by == key.public.key_id


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--policy", "no.yaml"), "no.yaml"),
        (("--escape-bank", "5" * 12), "no revision"),
    ],
)
def test_a_wrong_call_is_an_error_and_no_answer(small_gate: Gate, words: tuple[str, ...], message: str) -> None:
    ran = small_gate("good", *words)
    assert ran.code == 1
    assert message in ran.err
    assert not (small_gate.folder / "out/gate.json").exists()
