"""Attacks on a deployment and on the trust file that it is verified against."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attack_scene import HIGHEST_SERIAL, NOW, REMOVED, Attack, Change, Scene, a_deployment_json, changed, edit
from lineside.inspection.release import DEPLOYMENT_SCHEMA, MANIFEST_NAME, RELEASE_SCHEMA, SIGNATURE_NAME, Signature
from lineside.inspection.release.instants import write_instant
from verifier_mutants import Verifier

ERROR = "DeploymentRefused"


def deployment_attacks(scene: Scene) -> Iterator[Attack]:
    """All of them, and the deployments that must be accepted."""
    yield from _honest(scene)
    yield from _on_the_signature(scene)
    yield from _on_time_and_place(scene)
    yield from _in_bad_faith(scene)
    yield from _on_the_trust_file(scene)


def _honest(scene: Scene) -> Iterator[Attack]:
    def row(label: str, *changes: Change) -> Attack:
        return Attack(f"honest: {label}", "", "", scene.follow(scene.deployment(*changes)))

    override = {"report_sha256": None, "override": {"name": "Kim", "reason": "first model\nof this line"}}
    latest = write_instant(NOW + timedelta(minutes=5))
    yield row("a promotion")
    yield row("a promotion by an override", ("gate", override))
    yield row("a rollback without a gate", ("cause", "rollback"), ("gate", None))
    yield row("a shadow without a gate", ("cause", "shadow"), ("mode", "shadow"), ("share", 0.2), ("gate", None))
    yield row("a canary", ("cause", "canary"), ("mode", "canary"), ("share", 0.1), ("unit", "lot"))
    yield row("a canary of every part", ("cause", "canary"), ("mode", "canary"), ("share", 1.0), ("unit", "part"))
    yield row("everywhere", ("lines", ["*"]), ("products", ["*"]))
    yield row("the plant's first", ("previous_serial", None))
    yield row("issued by a clock that runs ahead", ("issued_at", latest))
    yield row("in its last second", ("expires_at", write_instant(NOW + timedelta(seconds=1))))
    yield row("with the greatest serial", ("serial", 2**53 - 1))

    def scopes(verifier: Verifier) -> None:
        here = scene.follow(scene.deployment())(verifier)
        everywhere = scene.follow(scene.deployment(("lines", ["*"]), ("products", ["*"])))(verifier)
        line_only = scene.follow(scene.deployment(("products", ["*"])))(verifier)
        product_only = scene.follow(scene.deployment(("lines", ["*"])))(verifier)
        found = [
            [
                deployment.covers(line=line, product=product)
                for line, product in (("line-1", "BRD"), ("line-9", "BRD"), ("line-1", "OTHER"), ("line-9", None))
            ]
            for deployment in (here, everywhere, line_only, product_only)
        ]
        if found != [
            [True, False, False, False],
            [True, True, True, True],
            [True, False, True, False],
            [True, True, False, False],
        ]:
            raise AssertionError(f"deployments reach {found}")

    yield Attack("honest: it reaches its lines and products and no others", "", "", scopes)


def _on_the_signature(scene: Scene) -> Iterator[Attack]:
    keys, document = scene.keys, scene.deployment()
    right = keys.deploy.sign(document, schema=DEPLOYMENT_SCHEMA)

    def row(label: str, match: str, signature: bytes) -> Attack:
        return Attack(label, ERROR, f"not signed as it must be: .*{match}", scene.follow(document, signature=signature))

    owner = Signature.from_bytes(right)
    thief = Signature.from_bytes(keys.thief_deploy.sign(document, schema=DEPLOYMENT_SCHEMA))
    key_id, role = owner.key_id, owner.role
    yield row("signed by a stranger", "trust file does not have", thief.to_bytes())
    half = Signature(key_id, role, owner.ed25519, thief.ml_dsa_65).to_bytes()
    yield row("Ed25519 key stolen", "ML-DSA-65 signature is not", half)
    half = Signature(key_id, role, thief.ed25519, owner.ml_dsa_65).to_bytes()
    yield row("ML-DSA-65 key stolen", "Ed25519 signature is not", half)
    yield row("build key stolen", "role 'build'", keys.build.sign(document, schema=DEPLOYMENT_SCHEMA))
    as_deploy = edit(keys.build.sign(document, schema=DEPLOYMENT_SCHEMA), ("role", "deploy"))
    yield row("build key in the deploy role", "of role 'build'", as_deploy)
    yield row("signed as a release", "Ed25519", keys.deploy.sign(document, schema=RELEASE_SCHEMA))
    earlier = keys.deploy.sign(scene.deployment(("serial", 9)), schema=DEPLOYMENT_SCHEMA)
    yield row("the signature of another deployment", "Ed25519", earlier)
    yield row("signature too long", "a signature of 9000 bytes", b" " * 9000)
    release = scene.release()
    manifest, signature = ((release / name).read_bytes() for name in (MANIFEST_NAME, SIGNATURE_NAME))
    yield Attack("a signed release", ERROR, "role 'build'", scene.follow(manifest, signature=signature))
    widened = scene.deployment(("lines", ["*"]))
    yield Attack("lines widened after signing", ERROR, "Ed25519", scene.follow(widened, signature=right))


def _on_time_and_place(scene: Scene) -> Iterator[Attack]:
    def row(label: str, match: str, *changes: Change) -> Attack:
        return Attack(label, ERROR, match, scene.follow(scene.deployment(*changes)))

    ahead = write_instant(NOW + timedelta(minutes=5, seconds=1))
    before = [("previous_serial", None)]
    yield row("another plant", "is for plant 'plant-2'", ("plant", "plant-2"))
    yield row("the same again", "does not come after 7", ("serial", HIGHEST_SERIAL), *before)
    yield row("an earlier one again", "does not come after 7", ("serial", 1), *before)
    yield row("expired", "expired at", ("expires_at", write_instant(NOW)))
    yield row("from the future", "still to come", ("issued_at", ahead))

    def other_release(verifier: Verifier) -> None:
        deployment = scene.follow(scene.deployment())(verifier)
        reference = verifier.deployment.ReleaseReference
        right: Any = deployment.release
        deployment.check_release(reference(right.name, right.version, right.digest))
        deployment.check_release(reference(right.name, right.version, "0" * 64))

    yield Attack("another release than it names", ERROR, "not of blobs", other_release)


def _in_bad_faith(scene: Scene) -> Iterator[Attack]:
    """Signed by the deploy key, and no document that can be followed."""

    def row(label: str, match: str, *changes: Change) -> Attack:
        return Attack(label, ERROR, match, scene.follow(scene.deployment(*changes)))

    def spelt(label: str, match: str, document: bytes) -> Attack:
        return Attack(label, ERROR, match, scene.follow(document))

    right = scene.deployment()
    yield spelt("spaces", "not canonical", right.replace(b",", b", "))
    yield spelt("a key twice", "stand there twice", right.replace(b'"plant"', b'"plant":"plant-1","plant"', 1))
    yield spelt("no JSON", "cannot be read", b"deploy it")
    yield spelt("a list", "the whole: Input", b"[]")
    yield spelt("a giant", "a deployment of 400003 bytes", b"[" + b"0," * 200_000 + b"0]")
    for label, path, value, match in (
        ("an unknown key", "force", True, "force: Extra inputs"),
        ("an unknown key within", "release/force", True, "release.force: Extra inputs"),
        ("an unknown schema", "schema", "lineside.deployment/2", "schema: Input"),
        ("a key missing", "plant", REMOVED, "plant: Field required"),
        ("a serial of text", "serial", "8", "serial: Input should be a valid integer"),
        ("a serial of zero", "serial", 0, "serial: Input should be greater"),
        ("a serial past counting", "serial", 2**53, "serial: Input should be less"),
        ("a serial not after the previous", "previous_serial", HIGHEST_SERIAL + 1, "is not below serial"),
        ("an unknown mode", "mode", "everything", "mode: Input"),
        ("no lines", "lines", [], "no lines"),
        ("no products", "products", [], "no products"),
        ("a line twice", "lines", ["line-1", "line-1"], "name one twice"),
        ("all lines and one", "lines", ["*", "line-1"], "stands for all and alone"),
        ("a line without a name", "lines", [""], "lines.0: String should have at least 1"),
        ("an endless line", "lines", ["x" * 129], "lines.0: String should have at most 128"),
        ("a line that breaks a log line", "lines", ["line-1\nline-2"], "lines.0: String should match"),
        ("a digest in capitals", "release/digest", "AB" * 32, "release.digest: String should match"),
        ("live for a share", "share", 0.5, "with mode 'live', expected 1"),
        ("live with a unit", "unit", "part", "unit part with mode 'live'"),
        ("live as a shadow's cause", "cause", "shadow", "mode 'live' for cause 'shadow'"),
        ("a promotion without a gate", "gate", None, "a promotion needs the gate"),
        ("evidence of nothing", "gate", {"report_sha256": None, "override": None}, "neither a gate report"),
        ("a report without a digest", "gate/report_sha256", "yes", "report_sha256: String should match"),
        ("an override by nobody", "gate/override", {"name": "", "reason": "x"}, "name: String should have at least"),
        ("an override without reason", "gate/override", {"name": "Kim", "reason": ""}, "reason: String should have at"),
        ("an endless reason", "gate/override", {"name": "Kim", "reason": "x" * 2001}, "reason: String should have at"),
        ("over before it begins", "expires_at", a_deployment_json(scene.single)["issued_at"], "is not after issued_at"),
        ("an instant without a zone", "expires_at", "2026-09-01T00:00:00", "cannot be read"),
        ("an instant of another zone", "expires_at", "2026-09-01T00:00:00+09:00", "cannot be read"),
        ("an instant spelt otherwise", "expires_at", "2026-9-1T0:0:0Z", "expected an instant spelt"),
    ):
        yield row(label, match, (path, value))
    shadow = [("cause", "shadow"), ("mode", "shadow")]
    yield row("a shadow of nothing", "share 0.0, expected above 0", *shadow, ("share", 0.0))
    yield row("a shadow of more than all", "share 1.01, expected above 0", *shadow, ("share", 1.01))
    canary = [("cause", "canary"), ("mode", "canary"), ("share", 0.1)]
    yield row("a canary of no unit", "unit None with mode 'canary'", *canary)
    yield row("a canary without a gate", "a canary needs the gate", *canary, ("unit", "part"), ("gate", None))
    yield row("live with a canary's cause", "for cause 'canary'", ("cause", "canary"))
    for label, instant in (
        ("naive", datetime(2026, 1, 1)),  # noqa: DTZ001  # the attack
        ("between two seconds", datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)),
    ):
        yield Attack(f"an instant that is {label}", "ValueError", "whole seconds", _spell(instant))

    def surrogate(verifier: Verifier) -> object:
        return verifier.canonical_json.canonical_json("\ud800")

    yield Attack("text that is no Unicode", "UnicodeEncodeError", "surrogates", surrogate)


def _spell(instant: datetime) -> Callable[[Verifier], object]:
    return lambda verifier: verifier.instants.write_instant(instant)


def _on_the_trust_file(scene: Scene) -> Iterator[Attack]:
    trust = scene.keys.trust()
    build, other, deploy = (trust["keys"][at] for at in range(3))

    def load(text: bytes) -> Callable[[Verifier], object]:
        return lambda verifier: verifier.trust.TrustStore.from_json(text, source="trust.json")

    def row(label: str, match: str, *changes: Change) -> Attack:
        return Attack(f"trust: {label}", "TrustRefused", match, load(json.dumps(changed(trust, changes)).encode()))

    def from_file(path: Path) -> Callable[[Verifier], object]:
        return lambda verifier: verifier.trust.TrustStore.load(path)

    yield Attack("honest: trust, spelt for people", "", "", load(json.dumps(trust, indent=4).encode()))
    both_roles = {**build, "role": "deploy"}
    yield row("one key in two roles", "one key twice", ("keys", [build, both_roles]))
    yield row("unknown role", "role: Input", ("keys/0/role", "admin"))
    yield row("unknown schema", "schema: Input", ("schema", "lineside.trust/2"))
    yield row("unknown key", "Extra inputs", ("keys/0/may_all", True))
    yield row("revoked as text", "revoked: Input", ("keys/0/revoked", "false"))
    yield row("the key id of another", "its two halves do not match", ("keys/0/key_id", other["key_id"]))
    yield row("a half exchanged", "its two halves do not match", ("keys/0/ed25519", deploy["ed25519"]))
    short = hashlib.sha256(bytes(3) + base64.b64decode(build["ml_dsa_65"])).hexdigest()[:32]
    too_short = {**build, "key_id": short, "ed25519": "AAAA"}
    yield row("a key of another length", r"public keys of \(3, 1952\) bytes", ("keys/0", too_short))
    yield row("a key that is no base64", "no base64", ("keys/0/ed25519", "%%%"))
    yield row("an end spelt otherwise", "is no trust file", ("keys/0/not_after", "2026-01-01"))
    shared = scene.keys.thief_build.public
    mixed = hashlib.sha256(base64.b64decode(build["ed25519"]) + shared.ml_dsa_65).hexdigest()[:32]
    sharing = {**build, "key_id": mixed, "ml_dsa_65": base64.b64encode(shared.ml_dsa_65).decode(), "role": "deploy"}
    yield row("two roles share half a key", "one key twice", ("keys", [build, sharing]))
    text = json.dumps(trust).encode()
    repeated = text.replace(b'"revoked": false', b'"revoked": true, "revoked": false', 1)
    yield Attack("trust: revoked twice", "TrustRefused", "stand there twice", load(repeated))
    yield Attack("trust: half a file", "TrustRefused", "is no trust file", load(text[:100]))
    folder = scene.single.parent
    (folder / "trust.json").write_bytes(text)
    yield Attack("honest: trust from a file", "", "", from_file(folder / "trust.json"))
    yield Attack("trust: no file", "TrustRefused", "cannot be read", from_file(folder / "nowhere.json"))
    giant = folder / "giant.json"
    giant.touch()
    os.truncate(giant, 2**23)
    yield Attack("trust: a giant file", "TrustRefused", "longer than a trust file", from_file(giant))
