"""`lineside release` as a person types it: keys, signatures, promotion, rollback."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.release import MANIFEST_NAME
from lineside.training.registry import Registry

Lineside = Callable[..., Any]
PASSPHRASE = "a passphrase of the test"  # noqa: S105


@pytest.fixture
def shop(tmp_path: Path, lineside: Lineside, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with keys and a registry of two releases, the first one signed; the environment names them."""
    monkeypatch.setenv("LINESIDE_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("LINESIDE_TRUST_FILE", str(tmp_path / "keys/trust.json"))
    monkeypatch.setenv("LINESIDE_KEY_PASSPHRASE", PASSPHRASE)
    for role in ("build", "deploy"):
        assert lineside("release", "keys", "create", "--role", role, "--out", tmp_path / "keys").code == 0
    for version in ("1.1.0", "1.2.0"):
        folder = TinyRelease(name="pcb-single", changes={"version": version}).write(tmp_path / version)
        manifest = folder / MANIFEST_NAME
        manifest.write_text(canonical_json(json.loads(manifest.read_text())))
        Registry(str(tmp_path / "registry")).add(folder)
    signed = lineside("release", "sign", "pcb-single", "1.1.0", "--key", tmp_path / "keys/build.pem")
    assert signed.code == 0
    return tmp_path


def test_a_key_is_private_encrypted_and_never_printed(shop: Path, lineside: Lineside) -> None:
    path = shop / "keys/build.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    ran = lineside("release", "keys", "create", "--role", "build", "--out", shop / "keys", "--name", "second", "--json")
    said = json.loads(ran.out)
    assert (said["role"], said["is_encrypted"]) == ("build", True)
    for text in (ran.out, ran.err):
        assert "PRIVATE" not in text
        assert PASSPHRASE not in text
    again = lineside("release", "keys", "create", "--role", "build", "--out", shop / "keys")
    assert again.code == 1
    assert "never written over" in again.err


def test_keys_are_listed_and_revoked(shop: Path, lineside: Lineside) -> None:
    keys = json.loads(lineside("release", "keys", "list", "--json").out)
    assert [(key["role"], key["revoked"]) for key in keys] == [("build", False), ("deploy", False)]
    assert lineside("release", "keys", "revoke", keys[0]["key_id"][:8]).code == 0
    refused = lineside("release", "verify", "pcb-single", "1.1.0")
    assert refused.code == 1
    assert "revoked" in refused.err


def test_a_signed_release_verifies_and_is_listed(shop: Path, lineside: Lineside) -> None:
    assert lineside("release", "verify", "pcb-single", "1.1.0").code == 0
    unsigned = lineside("release", "verify", "pcb-single", "1.2.0")
    assert (unsigned.code, "manifest.sig.json" in unsigned.err) == (1, True)
    listed = json.loads(lineside("release", "list", "--json").out)
    assert [(each["version"], each["key_id"] is not None) for each in listed] == [("1.1.0", True), ("1.2.0", False)]
    shown = lineside("release", "show", "pcb-single", "1.1.0")
    assert shown.out.startswith("# Blob detector")


def test_a_wrong_passphrase_is_one_line_without_it(
    shop: Path, lineside: Lineside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINESIDE_KEY_PASSPHRASE", "not it")
    ran = lineside("release", "sign", "pcb-single", "1.2.0", "--key", shop / "keys/build.pem")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "wrong passphrase" in ran.err
    assert "not it" not in ran.err


def test_promotion_rollback_and_retirement(shop: Path, lineside: Lineside) -> None:
    key = ("--key", shop / "keys/deploy.pem")
    override = ("--override-by", "Kim", "--override-reason", "the first of this line")
    refused = lineside("release", "promote", "pcb-single", "1.1.0", *key)
    assert (refused.code, "no gate report" in refused.err) == (1, True)
    ran = lineside("release", "promote", "pcb-single", "1.1.0", *key, *override, "--lines", "line-1", "--json")
    (deployment,) = json.loads(ran.out)
    assert (deployment["serial"], deployment["lines"], deployment["mode"]) == (1, ["line-1"], "live")
    shadow = lineside("release", "promote", "pcb-single", "1.1.0", *key, "--shadow", "0.2")
    assert (shadow.code, shadow.out) == (0, "2\n")
    back = lineside("release", "rollback", *key)
    assert (back.code, back.out) == (0, "3\n")
    assert "back to pcb-single 1.0.0" in back.err  # the starter
    assert lineside("release", "retire", "pcb-single", "1.1.0", "--by", " ", "--reason", "blind").code == 2
    retired = lineside("release", "retire", "pcb-single", "1.1.0", "--by", "Kim", "--reason", "blind")
    assert retired.code == 0
    again = lineside("release", "promote", "pcb-single", "1.1.0", *key, *override)
    assert (again.code, "retired by Kim: blind" in again.err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--shadow", "0.2", "--canary", "0.2"), id="shadow and canary"),
        pytest.param(("--canary", "1.5"), id="a share beyond all"),
        pytest.param(("--override-by", "Kim"), id="an override without a reason"),
        pytest.param(("--override-by", " ", "--override-reason", "x"), id="an override by nobody"),
    ],
)
def test_a_wrong_call_is_told_from_a_refusal(words: tuple[str, ...], shop: Path, lineside: Lineside) -> None:
    ran = lineside("release", "promote", "pcb-single", "1.1.0", "--key", shop / "keys/deploy.pem", *words)
    assert ran.code == 2
    assert not (shop / "registry/deployments").exists()


def test_a_server_that_is_away_leaves_a_deployment_to_push(
    shop: Path, lineside: Lineside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port 9 of this host answers nobody; the deployment is signed, and the next step is named."""
    monkeypatch.setenv("LINESIDE_API_KEY", "none")
    monkeypatch.setattr("lineside.workflows.deploying.GIVE_UP_AFTER_S", 0.5)
    words = ("--override-by", "Kim", "--override-reason", "first", "--server", "http://127.0.0.1:9")
    ran = lineside("release", "promote", "pcb-single", "1.1.0", "--key", shop / "keys/deploy.pem", *words)
    assert ran.code == 1
    assert "lineside release push 1 --plant plant-1" in ran.err
    assert (shop / "registry/deployments/plant-1/00000001.sig.json").exists()
