"""Attacks on a release: on its signature, its manifest's spelling, its files, and by a manifest signed in bad faith."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from attack_scene import REMOVED, Attack, Change, Scene, edit
from blob_detector import BLOB_CLASSES, BlobModel
from lineside.inspection.release import MANIFEST_NAME, RELEASE_SCHEMA, SIGNATURE_NAME, Signature
from verifier_mutants import Verifier

ERROR = "ReleaseUnverified"


def release_attacks(scene: Scene) -> Iterator[Attack]:
    """All of them, and the releases that must be accepted."""
    yield from _honest(scene)
    yield from _on_the_signature(scene)
    yield from _on_the_spelling(scene)
    yield from _on_the_files(scene)
    yield from _in_bad_faith(scene)


def _honest(scene: Scene) -> Iterator[Attack]:
    keys = scene.keys
    yield Attack("honest: signed by a build key", "", "", scene.verify(scene.release()))
    yield Attack("honest: signed by another build key", "", "", scene.verify(scene.release(key=keys.build_2)))
    yield Attack("honest: in its key's last second", "", "", scene.verify(scene.release(key=keys.ending)))
    yield Attack("honest: a reference release", "", "", scene.verify(scene.release(base=scene.reference)))
    bare = scene.release(without=["LICENSE", "MODEL_CARD.md"])
    yield Attack("honest: with the files it needs and no others", "", "", scene.verify(bare))
    quantised = scene.release(files={"model.int8.onnx": BlobModel().to_bytes()})
    yield Attack("honest: with a quantised model", "", "", scene.verify(quantised))
    said = [("metrics", {"검사": [0.1, 1e-300, 5e-324, -0.0, 10**20]}), ("parity", {"engines": {}, "note": "none"})]
    yield Attack("honest: with figures of every kind", "", "", scene.verify(scene.release(*said)))
    yield Attack("honest: checkpoint named", "", "", scene.verify(scene.release(("checkpoint_sha256", "0a" * 32))))


def _on_the_signature(scene: Scene) -> Iterator[Attack]:
    keys, genuine = scene.keys, scene.release()
    manifest = (genuine / MANIFEST_NAME).read_bytes()
    right = keys.build.sign(manifest, schema=RELEASE_SCHEMA)
    by_thief = Signature.from_bytes(keys.thief_build.sign(manifest, schema=RELEASE_SCHEMA))
    of_owner = Signature.from_bytes(right)
    text = json.loads(right)

    def row(label: str, match: str, signature: bytes) -> Attack:
        folder = scene.release()
        (folder / SIGNATURE_NAME).write_bytes(signature)
        return Attack(label, ERROR, match, scene.verify(folder))

    def mixed(ed25519: bytes, ml_dsa_65: bytes) -> bytes:
        return Signature(keys.build.public.key_id, keys.build.role, ed25519, ml_dsa_65).to_bytes()

    yield row("signed by a stranger", "trust file does not have", by_thief.to_bytes())
    yield row("Ed25519 key stolen", "ML-DSA-65 signature is not", mixed(of_owner.ed25519, by_thief.ml_dsa_65))
    yield row("ML-DSA-65 key stolen", "Ed25519 signature is not", mixed(by_thief.ed25519, of_owner.ml_dsa_65))
    yield row("stranger under the owner's name", "Ed25519", edit(by_thief.to_bytes(), ("key_id", text["key_id"])))
    yield row("deploy key stolen", "role 'deploy'", keys.deploy.sign(manifest, schema=RELEASE_SCHEMA))
    as_build = edit(keys.deploy.sign(manifest, schema=RELEASE_SCHEMA), ("role", "build"))
    yield row("deploy key in the build role", "of role 'deploy'", as_build)
    yield row("the role field turned", "in the role 'deploy'", edit(right, ("role", "deploy")))
    yield row("revoked key", "is revoked", keys.revoked.sign(manifest, schema=RELEASE_SCHEMA))
    yield row("key out of date", "which ended 2026-03-01T11:59:59Z", keys.ended.sign(manifest, schema=RELEASE_SCHEMA))
    yield row("signed as another document", "Ed25519", keys.build.sign(manifest, schema="lineside.deployment/1"))
    other = scene.release(("version", "0.9.0"))
    yield row("the signature of another release", "Ed25519", (other / SIGNATURE_NAME).read_bytes())
    for half in ("ed25519", "ml_dsa_65"):
        yield row(f"{half} stripped", f"{half}: Field required", edit(right, (half, REMOVED)))
        yield row(f"{half} null", f"{half}: Input should be a valid string", edit(right, (half, None)))
        yield row(f"{half} empty", "signature is not", edit(right, (half, "")))
        cut = base64.b64encode(base64.b64decode(text[half])[:-1]).decode()
        yield row(f"{half} a byte short", "signature is not", edit(right, (half, cut)))
        longer = base64.b64encode(base64.b64decode(text[half]) + b"\0").decode()
        yield row(f"{half} a byte long", "signature is not", edit(right, (half, longer)))
    yield row("Ed25519 twice", "ML-DSA-65", edit(right, ("ml_dsa_65", text["ed25519"])))
    swapped = edit(right, ("ed25519", text["ml_dsa_65"]), ("ml_dsa_65", text["ed25519"]))
    yield row("halves swapped", "Ed25519", swapped)
    yield row("another algorithm named", "rsa: Extra inputs", edit(right, ("rsa", "AAAA")))
    yield row("a later schema", "schema: Input", edit(right, ("schema", "lineside.signature/2")))
    yield row("key id that is no text", "key_id: Input should be a valid string", edit(right, ("key_id", 7)))
    yield row("key id in capitals", "trust file does not have", edit(right, ("key_id", text["key_id"].upper())))
    yield row("unknown role", "role: Input", edit(right, ("role", "admin")))
    yield row("spare bits in base64", "spare bits", edit(right, ("ed25519", _with_spare_bits(text["ed25519"]))))
    yield row("base64 with a line break", "no base64", edit(right, ("ed25519", text["ed25519"][:40] + "\n" * 4)))
    yield row("spaces in the signature file", "cannot be read: it is not canonical", right.replace(b":", b": "))
    yield row("empty signature file", "cannot be read", b"")
    yield row("signature file that is a list", "the whole: Input", b"[]")
    yield row("giant signature file", "longer than the 8192", b" " * 9000)
    missing = scene.release()
    (missing / SIGNATURE_NAME).unlink()
    yield Attack("signature dropped", ERROR, "manifest.sig.json cannot be read", scene.verify(missing))


def _with_spare_bits(text: str) -> str:
    """Another spelling of the same bytes that a lenient decoder accepts."""
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(body[-1]) + 1]
    return body[:-1] + last + "=" * (len(text) - len(body))


def _on_the_spelling(scene: Scene) -> Iterator[Attack]:
    """Signed as they stand, and refused: two readers could see two manifests in them."""

    def row(label: str, match: str, respell: Callable[[str], str | bytes]) -> Attack:
        folder = scene.release(("metrics", {"rate": 0.5, "name": "é"}))
        text = respell((folder / MANIFEST_NAME).read_text())
        scene.sign(folder, text if isinstance(text, bytes) else text.encode())
        return Attack(label, ERROR, f"signed manifest cannot be used: .*{match}", scene.verify(folder))

    def reversed_keys(text: str) -> str:
        return json.dumps(dict(reversed(json.loads(text).items())), separators=(",", ":"), ensure_ascii=False)

    yield row("keys in another order", "not canonical", reversed_keys)
    yield row("spaces", "not canonical", lambda text: text.replace(",", ", "))
    yield row("line break at the end", "not canonical", lambda text: text + "\n")
    yield row("unicode escapes", "not canonical", lambda text: text.replace("é", "\\u00e9"))
    yield row("escaped slash", "not canonical", lambda text: text.replace("canary/01_frame", "canary\\/01_frame", 1))
    yield row("a number as 0.50", "not canonical", lambda text: text.replace('"rate":0.5', '"rate":0.50'))
    yield row("a number as 5e-1", "not canonical", lambda text: text.replace('"rate":0.5', '"rate":5e-1'))
    yield row("a number as 5E-1", "not canonical", lambda text: text.replace('"rate":0.5', '"rate":5E-1'))
    yield row("a number past all floats", "Out of range", lambda text: text.replace('"rate":0.5', '"rate":1e999'))
    yield row("NaN", "Out of range", lambda text: text.replace('"rate":0.5', '"rate":NaN'))
    yield row("a key twice", "twice", lambda text: text.replace('"head":"raw"', '"head":"raw","head":"raw"'))
    yield row("a lone surrogate", "surrogate", lambda text: text.replace("é", "\\ud800"))
    yield row("UTF-16", "codec", lambda text: text.encode("utf-16"))
    yield row("a byte-order mark", "BOM", lambda text: "\ufeff" + text)
    yield row("deeply nested", "nested too deeply", lambda _: "[" * 100_000)
    yield row("half a manifest", "delimiter|Unterminated", lambda text: text[: len(text) // 2])
    bare = scene.release()
    scene.sign(bare, b"[]")
    yield Attack("a manifest that is a list", ERROR, "the manifest: Input", scene.verify(bare))


def _on_the_files(scene: Scene) -> Iterator[Attack]:
    """The signature is right; what lies in the folder is not what was signed."""

    def row(label: str, match: str, damage: Callable[[Path], object]) -> Attack:
        folder = scene.release()
        damage(folder)
        return Attack(label, ERROR, match, scene.verify(folder))

    def flip(folder: Path) -> None:
        model = bytearray((folder / "model.onnx").read_bytes())
        model[-1000] ^= 1
        (folder / "model.onnx").write_bytes(bytes(model))

    def truncate(folder: Path) -> None:
        (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1])

    def extend(folder: Path) -> None:
        with (folder / "model.onnx").open("ab") as file:
            file.truncate(2**28)  # a hole on the disk, not to be read whole

    def link(name: str) -> Callable[[Path], object]:
        def replace(folder: Path) -> None:
            elsewhere = folder.parent / f"{folder.name}-{name.replace('/', '-')}"
            (folder / name).rename(elsewhere)
            (folder / name).symlink_to(elsewhere)

        return replace

    def pipe(folder: Path) -> None:
        (folder / "LICENSE").unlink()
        os.mkfifo(folder / "LICENSE")

    def directory(folder: Path) -> None:
        (folder / SIGNATURE_NAME).unlink()
        (folder / SIGNATURE_NAME).mkdir()

    other = scene.release(files={"model.onnx": BlobModel(levels=BlobModel().levels[::-1]).to_bytes()})

    def borrow(name: str) -> Callable[[Path], object]:
        return lambda folder: (folder / name).write_bytes((other / name).read_bytes())

    yield row("one bit of the model", "the manifest says", flip)
    yield row("a file cut off", "the manifest says", truncate)
    yield row("a file grown to 256 MiB", "longer than the", extend)
    yield row("the model of another signed release", "the manifest says|longer than", borrow("model.onnx"))
    yield row("the manifest of another signed release", "Ed25519", borrow(MANIFEST_NAME))
    yield row("the signature of another release", "Ed25519", borrow(SIGNATURE_NAME))
    yield row("a file missing", r"missing \['LICENSE'\]", lambda folder: (folder / "LICENSE").unlink())
    yield row("a file that nothing names", r"not in the manifest \['x.so'\]", lambda folder: (folder / "x.so").touch())
    yield row("a second signature", "not in the manifest", lambda folder: (folder / "manifest.sig.json.bak").touch())
    yield row("a symbolic link", "'model.onnx' is a symbolic link", link("model.onnx"))
    yield row("a linked folder", "'canary' is a symbolic link", link("canary"))
    yield row("a linked manifest", "manifest.json cannot be read", link(MANIFEST_NAME))
    yield row("a linked signature", "manifest.sig.json cannot be read", link(SIGNATURE_NAME))
    yield row("a named pipe", "LICENSE is no regular file", pipe)
    yield row("a folder for the signature", "manifest.sig.json cannot be read", directory)
    yield row("a giant manifest", "longer than the", lambda folder: os.truncate(folder / MANIFEST_NAME, 2**23))
    yield row("no manifest", "manifest.json cannot be read", lambda folder: (folder / MANIFEST_NAME).unlink())


def _in_bad_faith(scene: Scene) -> Iterator[Attack]:
    """The build key signed it: stolen, or its owner misled. Nothing outside the folder is reached all the same."""
    outside = scene.single.parent / "outside.txt"
    outside.write_bytes(b"secret")

    def row(label: str, match: str, *changes: Change, **how: Any) -> Attack:
        return Attack(label, ERROR, match, scene.verify(scene.release(*changes, **how)))

    def naming(name: str) -> list[Change]:
        files = json.loads((scene.release() / MANIFEST_NAME).read_bytes())["files"]
        return [("files", {**files, name: files["LICENSE"]})]

    paths = {
        "a path with ..": "../outside.txt",
        "an absolute path": "/etc/hostname",
        "a path by a detour": "canary/../LICENSE",
        "a path with a dot": "./LICENSE",
        "a path with an empty part": "canary//01_frame.png",
        "a Windows path": "canary\\01_frame.png",
        "a drive or stream": "LICENSE:stream",
        "a NUL in a path": "LICENSE\0.png",
        "a hidden file": ".profile",
        "no path at all": "",
        "the manifest itself": MANIFEST_NAME,
        "the signature": SIGNATURE_NAME,
    }
    for label, name in paths.items():
        yield row(f"names {label}", "no plain path", *naming(name))
    yield row("names a path of 201 characters", "files.*at most 200", *naming("a" * 201))
    many = {f"f{number}": {"sha256": "0" * 64, "size_bytes": 0} for number in range(1001)}
    manifest = json.loads((scene.single / MANIFEST_NAME).read_bytes())
    yield row("names 1001 more files", "files, more than 1000", ("files", {**manifest["files"], **many}))

    digest = manifest["files"]["LICENSE"]["sha256"]
    for label, path, value, match in (
        ("a digest in capitals", "files/LICENSE/sha256", digest.upper(), "sha256: String should match"),
        ("a digest cut off", "files/LICENSE/sha256", digest[:-2], "sha256: String should match"),
        ("a file's size past its end", "files/LICENSE/size_bytes", 99, "the manifest says"),
        ("a negative size", "files/LICENSE/size_bytes", -1, "greater than or equal to 0"),
        ("a size that is text", "files/LICENSE/size_bytes", "11", "size_bytes: Input should be a valid integer"),
        ("an unknown key", "note", "hello", "note: Extra inputs"),
        ("an unknown schema", "schema", "lineside.release/2", "schema: Input"),
        ("another task", "task", "segment", "task: Input"),
        ("a name that is a path", "name", "../pcb", "name: String should match"),
        ("a version that is a path", "version", "../1.0.0", "version: String should match"),
        ("no classes", "classes", [], "classes: Tuple should have at least 1"),
        ("a class twice", "classes", ["open", "open"], "name one twice"),
        ("a class without a name", "classes/0", "", "classes.0: String should have at least 1"),
        ("a class with an endless name", "classes/0", "x" * 65, "classes.0: String should have at most 64"),
        ("classes in another order", "classes", list(BLOB_CLASSES[::-1]), "manifest's classes"),
        ("another head than the model's", "head", "end_to_end", "manifest's head"),
        ("another size than the model's", "input/size_wh_px", [320, 160], "size_wh_px is"),
        ("an input of no width", "input/size_wh_px/0", 0, "size_wh_px.0: Input should be greater"),
        ("an input of no height", "input/size_wh_px/1", 0, "size_wh_px.1: Input should be greater"),
        ("another kind of input", "input/kind", "reference", "does not fit input kind"),
        ("thresholds missing", "thresholds", {"open": 0.25}, "are not those of the classes"),
        ("a threshold that lets all pass as text", "thresholds/open", "0.25", "thresholds.open: Input"),
        ("a threshold of zero", "thresholds/open", 0.0, "greater than 0"),
        ("a threshold that nothing reaches", "thresholds/open", 1.1, "less than or equal to 1"),
        ("a catalogue before the first", "catalogue/version", 0, "catalogue.version: Input should be greater"),
        ("no canary", "canary", [], "canary: Tuple should have at least 1"),
        ("a canary without a defect", "canary/0/expected", [], "expected: Tuple should have at least 1"),
        ("a canary of an unknown class", "canary/0/expected/0/class", "dent", "expects unknown classes"),
        ("a canary that is not there", "canary/0/frame", "canary/99.png", "files lack"),
        ("a canary left of its frame", "canary/0/expected/0/box_xyxy_px/0", -1, "greater than or equal to 0"),
        ("a canary far outside", "canary/0/expected/0/box_xyxy_px/2", 2_000_000, "less than or equal to 1000000"),
        ("no licence", "licence", "", "licence: String should have at least 1"),
        ("an endless licence", "licence", "x" * 201, "licence: String should have at most 200"),
        ("an engine offered as text", "parity", {"engines": {"e": {"is_offered": "true"}}}, "is_offered: Input"),
        ("parity limits that are a list", "parity", {"limits": []}, "limits: Input"),
        ("a checkpoint's digest cut off", "checkpoint_sha256", "0a", "checkpoint_sha256: String should match"),
    ):
        yield row(label, match, (path, value))
    yield row("a canary that is no picture", "canary picture", files={"canary/01_frame.png": b"no picture"})
    small = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    wrong_size = scene.release(base=scene.reference, files={"canary/01_reference.png": small})
    yield Attack("a canary's reference of another size", ERROR, "differ in size", scene.verify(wrong_size))
    strangers = BlobModel(classes=BLOB_CLASSES[::-1]).to_bytes()
    yield row("a quantised model of other classes", "manifest's classes", files={"model.int8.onnx": strangers})
    unsigned = scene.release()
    text = (unsigned / MANIFEST_NAME).read_text().replace('"open":0.25', '"open":NaN')
    (unsigned / MANIFEST_NAME).write_text(text)
    yield Attack("unsigned, at the desk: NaN", ERROR, "thresholds.open: Input", _read_unsigned(unsigned))
    twice = scene.release()
    (twice / MANIFEST_NAME).write_text((twice / MANIFEST_NAME).read_text().replace('"head"', '"head":"raw","head"', 1))
    yield Attack("unsigned, at the desk: a key twice", ERROR, "stand there twice", _read_unsigned(twice))
    broken = scene.release()
    (broken / MANIFEST_NAME).write_text("{")
    yield Attack("unsigned, at the desk: half a manifest", ERROR, "no JSON manifest", _read_unsigned(broken))
    yield Attack(
        "a starter that does not exist",
        ERROR,
        "no starter release",
        lambda verifier: verifier.reading.starter_release_folder("nothing"),
    )


def _read_unsigned(folder: Path) -> Callable[[Verifier], object]:
    return lambda verifier: verifier.reading.read_release(folder)
