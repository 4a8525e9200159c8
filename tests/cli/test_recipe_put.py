"""`lineside recipe put` against a running server, with reports as the gate writes them."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease
from gate_releases import ENGINE, write_plant, write_release
from lineside.client import LinesideClient
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.recipe import recipe_digest
from lineside.inspection.release import SigningKey, read_release
from lineside.serving.security import Role
from lineside.workflows.recipe_rules import RecipeFile, rules_for
from live_server import LiveServer, live_server
from plant import RECIPE, good_board
from signing import TestKeys

Lineside = Callable[..., Any]

FIRST = RECIPE.replace(
    "views: {default: {size_wh_px: [160, 160]}}",
    """\
views:
  default:
    size_wh_px: [160, 160]
    references:  # 골든 이미지
      - {id: golden-1, image: "golden.png", approved_by: QA, approved_at: 2026-01-31T09:00:00+09:00}
      - id: golden-2
        image: references/other.png  # of lot 7
        approved_by: QA
        approved_at: 2026-01-31T09:00:00+09:00""",
)
LOOSER = FIRST.replace("version: 1\nproduct", "version: 2\nproduct") + "limits: {open: {max_count: 9}}\n"


@dataclass(frozen=True)
class Shop:
    """A server, and a folder with two versions of a recipe and their golden images.

    Attributes:
        server: it.
        folder: holds `first.yaml`, `looser.yaml` and the images.
        release: folder of the release that judges.
        keys: the deploy key signs reports.
        lineside: runs the command line.
    """

    server: LiveServer
    folder: Path
    release: Path
    keys: TestKeys
    lineside: Lineside

    def put(self, name: str, *words: object, role: Role = Role.ADMIN) -> Any:
        """Store one of the files."""
        key = self.server.keys[role]
        return self.lineside("recipe", "put", self.folder / name, "--server", self.server.url, "--api-key", key, *words)

    def digest(self, name: str) -> str:
        """What an evaluation or a gate calls the recipe in this file."""
        found = rules_for(RecipeFile(self.folder / name), read_release(self.release))[1]
        assert found is not None
        return found

    def write_report(self, *, signed_by: SigningKey | None = None, **changes: Any) -> Path:
        """A report on the looser recipe against the first one, signed by the deploy key; gives its folder."""
        release = {"name": "blobs", "version": "1.0.0", "digest": read_release(self.release).digest}
        content = {
            "schema": "lineside.gate/1",
            "kind": "recipe",
            "candidate": release,
            "live": release,
            "candidate_recipe": {"id": "board", "version": 2, "sha256": self.digest("looser.yaml")},
            "live_recipe": {"id": "board", "version": 1, "sha256": self.digest("first.yaml")},
            "overall": "passed",
            **changes,
        }
        document = canonical_json(content).encode()
        folder = self.folder / "gate"
        folder.mkdir(exist_ok=True)
        (folder / "gate.json").write_bytes(document)
        signature = (signed_by or self.keys.deploy).sign(document, schema="lineside.gate/1")
        (folder / "gate.sig.json").write_bytes(signature)
        return folder

    def stored(self) -> dict[str, Any]:
        """The latest version as the server has it."""
        answer = self.server.http.get("/v1/recipes/board", headers=self.server.authorization())
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def shop(tmp_path: Path, lineside: Lineside) -> Iterator[Shop]:
    (tmp_path / "recipes/references").mkdir(parents=True)
    (tmp_path / "recipes/golden.png").write_bytes(good_board(1))
    (tmp_path / "recipes/references/other.png").write_bytes(good_board(2))
    for name, text in {"first": FIRST, "looser": LOOSER}.items():
        (tmp_path / f"recipes/{name}.yaml").write_text(text, encoding="utf-8")
    keys = TestKeys()
    (tmp_path / "releases").mkdir()
    release = keys.sign_release(TinyRelease().write(tmp_path / "releases/blobs"))
    with live_server(tmp_path, trust_file=keys.write_trust(tmp_path / "trust.json")) as server:
        yield Shop(server, tmp_path / "recipes", release, keys, lineside)


def test_a_recipe_is_stored_with_its_golden_images_by_digest(shop: Shop) -> None:
    ran = shop.put("first.yaml", role=Role.QUALITY)
    assert ran.code == 0, ran.err
    stored = shop.stored()
    digests = [hashlib.sha256(good_board(seed)).hexdigest() for seed in (1, 2)]
    assert stored["text"] == FIRST.replace('"golden.png"', f"sha256:{digests[0]}").replace(
        "references/other.png", f"sha256:{digests[1]}"
    )
    assert ran.out.splitlines()[-1] == f"board\t1\t{stored['digest']}"
    assert stored["digest"] == recipe_digest(stored["text"]) == shop.digest("first.yaml")
    (shop.folder / "stored.yaml").write_bytes(stored["text"].encode())
    assert shop.digest("stored.yaml") == stored["digest"], "the stored text is the same recipe to the gate"

    again = json.loads(shop.put("first.yaml", "--json", role=Role.QUALITY).out)
    assert again == {"id": "board", "version": 1, "digest": stored["digest"], "gate_report": None}
    (shop.folder / "first.yaml").write_text(FIRST + "# a word more\n", encoding="utf-8")
    assert "is at version 1: the next is 2, not 1" in shop.put("first.yaml").err


def test_a_looser_recipe_needs_the_gate_or_somebody_who_answers_for_it(shop: Shop) -> None:
    assert shop.put("first.yaml").code == 0
    refused = shop.put("looser.yaml")
    assert refused.code == 1
    assert "version 2 allows more than version 1" in refused.err
    assert shop.put("looser.yaml", "--override-by", "Kim Min-ji").code == 2
    ran = shop.put("looser.yaml", "--override-by", "Kim Min-ji", "--override-reason", "a trial", role=Role.QUALITY)
    assert ran.code == 0, ran.err
    assert (shop.stored())["override"] == {"name": "Kim Min-ji", "reason": "a trial"}


@pytest.mark.parametrize("named", ["gate", "gate/gate.json", None], ids=["folder", "file", "digest"])
def test_a_looser_recipe_comes_in_on_the_signed_report_that_it_passed(shop: Shop, named: str | None) -> None:
    assert shop.put("first.yaml").code == 0
    folder = shop.write_report()
    digest = hashlib.sha256((folder / "gate.json").read_bytes()).hexdigest()
    role = Role.ADMIN
    if named is None:  # whoever may deploy stored the report, and a quality engineer names it
        document, signature = ((folder / name).read_bytes() for name in ("gate.json", "gate.sig.json"))
        asyncio.run(send_report(shop, document, signature))
        role = Role.QUALITY
    ran = shop.put("looser.yaml", "--gate", digest if named is None else shop.folder / named, role=role)
    assert ran.code == 0, ran.err
    assert f"stands on gate report {digest}" in ran.err
    stored = shop.stored()
    assert (stored["version"], stored["gate_report"]) == (2, digest)
    assert stored["digest"] == shop.digest("looser.yaml")


async def send_report(shop: Shop, document: bytes, signature: bytes) -> None:
    async with LinesideClient(shop.server.url, shop.server.keys[Role.MLOPS]) as client:
        await client.put_gate_report(document, signature)


OTHER_RECIPE = {"id": "board", "version": 9, "sha256": "1" * 64}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"candidate_recipe": OTHER_RECIPE}, "the candidate is recipe", id="another text"),
        pytest.param({"live_recipe": OTHER_RECIPE}, "the candidate was compared with", id="another baseline"),
        pytest.param({"overall": "failed"}, "says 'failed'", id="failed"),
        pytest.param({"kind": "release"}, "no gate report on a recipe", id="on a release"),
    ],
)
def test_a_report_on_something_else_lets_nothing_in(shop: Shop, changes: dict[str, Any], says: str) -> None:
    assert shop.put("first.yaml").code == 0
    ran = shop.put("looser.yaml", "--gate", shop.write_report(**changes))
    assert ran.code == 1
    assert says in ran.err
    assert (shop.stored())["version"] == 1


def test_a_report_without_the_deploy_keys_signature_lets_nothing_in(shop: Shop) -> None:
    assert shop.put("first.yaml").code == 0
    folder = shop.write_report(signed_by=TestKeys().deploy)
    by_a_stranger = shop.put("looser.yaml", "--gate", folder)
    assert (by_a_stranger.code, "gate.sig.json" in by_a_stranger.err) == (1, False)
    (folder / "gate.sig.json").unlink()
    unsigned = shop.put("looser.yaml", "--gate", folder)
    assert (unsigned.code, "has no signature gate.sig.json beside it" in unsigned.err) == (1, True)
    assert (shop.stored())["version"] == 1


def test_another_golden_picture_under_the_same_name_is_another_recipe(shop: Shop) -> None:
    """The report on the file, made before the picture was exchanged, does not speak for it any more."""
    assert shop.put("first.yaml").code == 0
    folder = shop.write_report()
    (shop.folder / "golden.png").write_bytes(good_board(3))
    ran = shop.put("looser.yaml", "--gate", folder)
    assert (ran.code, "the candidate is recipe" in ran.err) == (1, True)
    assert (shop.stored())["version"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "golden.png: No such file", id="a missing golden image"),
        pytest.param(b"no picture", "golden.png is no usable golden image", id="a golden image that is none"),
    ],
)
def test_what_is_wrong_with_a_golden_image_is_said_before_anything_is_sent(
    shop: Shop, content: bytes | None, says: str
) -> None:
    golden = shop.folder / "golden.png"
    golden.unlink()
    if content is not None:
        golden.write_bytes(content)
    ran = shop.lineside(
        "recipe", "put", shop.folder / "first.yaml", "--server", "http://127.0.0.1:9", "--api-key", "none"
    )
    assert ran.code == 1
    assert says in ran.err


def test_a_key_that_may_not_write_recipes_is_refused_in_one_line(shop: Shop) -> None:
    ran = shop.put("first.yaml", role=Role.VIEWER)
    assert (ran.code, "may not write_recipes" in ran.err) == (1, True)


POLICY = """\
schema: lineside.gate-policy/1
escapes: {margin: 0.1}
classes: {default: {may_be_unproven: true}}
overkill: {budget: 0.1}
"""
"""Limits that 30 defective and 30 good parts can meet."""


def test_what_the_gate_wrote_lets_the_recipe_in(
    tmp_path: Path, lineside: Lineside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: two files with golden images beside them, the gate, its signed report, the server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keys = TestKeys()
    plant = write_plant(tmp_path / "store", defective=30, good=30)
    revision = plant.revision.id
    (tmp_path / "releases").mkdir()
    release = keys.sign_release(write_release(tmp_path / "releases/blobs", version="1.0.0", revision=revision))
    (tmp_path / "references").mkdir()
    (tmp_path / "golden.png").write_bytes(good_board(1))
    (tmp_path / "references/other.png").write_bytes(good_board(2))
    first = FIRST.replace("product: BRD", "product: alpha") + "limits: {open: {confidence: 0.9}}\n"
    second = first.replace("version: 1\nproduct", "version: 2\nproduct").replace("0.9}", "0.95}")
    for name, text in {"first": first, "second": second}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "gate.yaml").write_text(POLICY)
    deploy_key = tmp_path / "deploy.pem"
    deploy_key.touch(mode=0o600)
    deploy_key.write_bytes(keys.deploy.to_pem(None))
    gate = lineside(
        "release", "gate", release, "--recipe", tmp_path / "second.yaml", "--against-recipe", tmp_path / "first.yaml",
        "--data", f"{revision}:golden", "--escape-bank", revision, "--store", plant.store.url,
        "--registry", tmp_path / "registry", "--policy", tmp_path / "gate.yaml", "--engine", ENGINE,
        "--out", tmp_path / "gate", "--key", deploy_key,
    )  # fmt: skip
    assert gate.code == 0, gate.err + gate.out
    with live_server(tmp_path, trust_file=keys.write_trust(tmp_path / "trust.json")) as server:
        words = ("--server", server.url, "--api-key", server.keys[Role.ADMIN])
        assert lineside("recipe", "put", tmp_path / "first.yaml", *words).code == 0
        assert "allows more than version 1" in lineside("recipe", "put", tmp_path / "second.yaml", *words).err
        ran = lineside("recipe", "put", tmp_path / "second.yaml", *words, "--gate", tmp_path / "gate")
        assert ran.code == 0, ran.err
