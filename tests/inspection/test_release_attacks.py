"""Every attack of the table is refused for its own reason; and each check of the verifier is there for one of them."""

import random
import re
from pathlib import Path

import pytest

from attack_scene import HIGHEST_SERIAL, NOW, Attack, Scene
from deployment_attacks import deployment_attacks
from lineside.inspection.errors import LinesideError, ReleaseError
from lineside.inspection.release import (
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    TrustStore,
    verify_deployment,
    verify_release,
)
from release_attacks import release_attacks
from verifier_mutants import Mutant, Verifier, VerifierLoader, mutants

FLIPS = 2000  # of each of release and deployment
_TRIED_FROM_THE_END = {f"lineside.inspection.release.{name}" for name in ("instants", "trust", "deployment")}
"""Modules whose attacks stand at the table's end: to find them sooner."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("attacks"))


@pytest.fixture(scope="module")
def attacks(scene: Scene) -> list[Attack]:
    return [*release_attacks(scene), *deployment_attacks(scene)]


def outcome(attack: Attack, verifier: Verifier) -> str | None:
    """What went otherwise than the row says; None if nothing did."""
    try:
        attack.run(verifier)
    except (LinesideError, ValueError) as error:
        refused = f"{type(error).__name__}: {error}"
        if not attack.error:
            return f"{attack.label}: refused: {refused}"
        if type(error).__name__ != attack.error or not re.search(attack.match, str(error), re.DOTALL):
            return f"{attack.label}: expected {attack.error} /{attack.match}/, got {refused}"
        return None
    except Exception as error:  # noqa: BLE001  # a mutant may do anything
        return f"{attack.label}: {type(error).__name__}: {error}"
    return None if not attack.error else f"{attack.label}: accepted"


def test_every_attack_is_refused_for_its_own_reason_and_nothing_honest_is(attacks: list[Attack]) -> None:
    verifier = VerifierLoader().load()
    wrong = [found for attack in attacks if (found := outcome(attack, verifier)) is not None]
    assert not wrong, "\n".join(wrong)
    assert len({attack.label for attack in attacks}) > 150


def test_without_any_one_of_its_checks_the_verifier_fails_this_table(attacks: list[Attack]) -> None:
    """Each refusal, condition, constraint and boundary is removed in turn; the table must notice every time."""
    loader = VerifierLoader()
    survivors: list[Mutant] = []
    accepted = tried = 0
    for mutant in mutants():
        tried += 1
        verifier = loader.load(mutant)
        rows = attacks[::-1] if mutant.module in _TRIED_FROM_THE_END else attacks
        found = next((found for attack in rows if (found := outcome(attack, verifier)) is not None), None)
        if found is None:
            survivors.append(mutant)
        accepted += found is not None and found.endswith(": accepted")
    assert not survivors, "no attack needs these checks:\n" + "\n".join(str(mutant) for mutant in survivors)
    assert tried > 130
    assert accepted > 60  # the others are refused further in, or crash


def test_no_single_bit_of_manifest_or_signature_may_differ(scene: Scene) -> None:
    folder = scene.release()
    trust = TrustStore.from_json(scene.trust, source="trust.json")
    verify_release(folder, trust, now=NOW)
    draw = random.Random(1)  # noqa: S311  # a fixed draw
    for name in (MANIFEST_NAME, SIGNATURE_NAME):
        right = (folder / name).read_bytes()
        for bit in draw.sample(range(8 * len(right)), FLIPS // 2):
            flipped = bytearray(right)
            flipped[bit // 8] ^= 1 << bit % 8
            (folder / name).write_bytes(flipped)
            with pytest.raises(ReleaseError):
                verify_release(folder, trust, now=NOW)
        (folder / name).write_bytes(right)
    verify_release(folder, trust, now=NOW)


def test_no_single_bit_of_a_deployment_or_its_signature_may_differ(scene: Scene) -> None:
    trust = TrustStore.from_json(scene.trust, source="trust.json")
    document = scene.deployment()
    signature = scene.keys.deploy.sign(document, schema=DEPLOYMENT_SCHEMA)
    draw = random.Random(2)  # noqa: S311  # a fixed draw
    both = document + signature
    for bit in draw.sample(range(8 * len(both)), FLIPS):
        flipped = bytearray(both)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ReleaseError):
            verify_deployment(
                bytes(flipped[: len(document)]),
                bytes(flipped[len(document) :]),
                trust,
                plant="plant-1",
                now=NOW,
                highest_serial=HIGHEST_SERIAL,
            )


def test_a_file_exchanged_between_verifying_and_loading_has_no_effect(scene: Scene, tmp_path: Path) -> None:
    """The model that was verified is in memory; the folder is not looked at again."""
    folder = scene.release()
    trust = TrustStore.from_json(scene.trust, source="trust.json")
    release = verify_release(folder, trust, now=NOW)
    right = release.served_model
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"exchanged")
    assert release.served_model == right
