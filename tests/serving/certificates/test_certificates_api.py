"""Certificates against a real app: what is certified says so everywhere, and nothing brings an ended one back."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from blob_detector import BLOB_CLASSES
from lineside.inspection.release import (
    CERTIFICATE_SCHEMA,
    Certificate,
    Release,
    Role,
    SigningKey,
    read_release,
)
from lineside.serving.certificates import EndCause
from lineside.serving.certificates.schemas import CertificateChanged
from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import certificates
from lineside.serving.security import Role as KeyRole
from lineside.statistics.thresholds import ThresholdMethod
from plant import RECIPE, Plant, bad_board, good_board, open_plant
from signing import TestKeys, a_certificate

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def plant(tmp_path: Path, keys: TestKeys, clock: ManualClock) -> Iterator[Plant]:
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        yield plant


@pytest.fixture
def release(plant: Plant, tmp_path: Path) -> Release:
    return read_release(tmp_path / "releases/blobs")


def put(plant: Plant, signed: tuple[bytes, bytes], *, role: KeyRole = KeyRole.MLOPS) -> httpx.Response:
    document, signature = (base64.b64encode(content).decode() for content in signed)
    return plant.http.post(
        "/v1/certificates", json={"document": document, "signature": signature}, headers=plant.headers(role)
    )


def certify_all(plant: Plant, keys: TestKeys, release: Release, **fields: Any) -> list[dict[str, Any]]:
    """Certificates of every class, at the release's own thresholds."""
    answers = []
    for name in BLOB_CLASSES:
        given: dict[str, Any] = {"threshold": release.thresholds[name], "issued_at": NOW, **fields}
        answer = put(plant, keys.sign_certificate(a_certificate(release, class_name=name, **given)))
        assert answer.status_code == 200, answer.text
        assert answer.json()["is_valid"], answer.text
        answers.append(answer.json()["certificate"])
    return answers


def judged(plant: Plant, part_id: str) -> str:
    """The threshold status of a new part."""
    answer = plant.post(bad_board(len(part_id)), part_id=part_id)
    assert answer.status_code == 200, answer.text
    assert answer.json()["verdict"] == "NG"
    return str(answer.json()["threshold_status"])


def standing(plant: Plant) -> dict[str, Any]:
    found: dict[str, Any] = plant.http.get("/v1/certificates/standing", headers=plant.headers()).json()
    return found


def ended(plant: Plant) -> list[str]:
    """Causes of the ends in the ledger, each event of the shape that is documented."""
    changes = [CertificateChanged.model_validate(event) for event in plant.events("certificate.v1")]
    return [change.certificate.end.cause.value for change in changes if change.certificate.end is not None]


@pytest.mark.usefixtures("either_database")
def test_verdicts_are_certified_once_every_class_is_and_say_so_in_the_history(
    plant: Plant, keys: TestKeys, release: Release
) -> None:
    assert judged(plant, "a") == "uncertified"
    for name in BLOB_CLASSES[:-1]:
        put(plant, keys.sign_certificate(a_certificate(release, class_name=name, threshold=0.9, issued_at=NOW)))
    assert judged(plant, "bb") == "uncertified", "one class lacks its certificate"
    row = standing(plant)["items"][0]
    assert row["why_not"] == f"nothing is guaranteed of {BLOB_CLASSES[-1]}"
    certify_all(plant, keys, release, issued_at=NOW + timedelta(seconds=1))
    assert judged(plant, "ccc") == "certified"
    rows = {
        item["part_id"]: item["threshold_status"]
        for item in plant.http.get("/v1/inspections", headers=plant.headers()).json()["items"]
    }
    assert rows == {"a": "uncertified", "bb": "uncertified", "ccc": "certified"}
    found = plant.inspections()[-1]
    assert found["threshold_status"] == "certified"
    stored = plant.http.get(f"/v1/inspections/{found['id']}", headers=plant.headers()).json()
    assert stored["threshold_status"] == "certified"
    for params, expected in (
        ({}, "certified"),
        ({"station": "aoi-1"}, "certified"),
        ({"line": "line-9"}, "uncertified"),
    ):
        rates = plant.http.get("/v1/rates", params=params, headers=plant.headers()).json()
        assert rates["threshold_status"] == expected
    whole = standing(plant)
    assert whole["threshold_status"] == "certified"
    assert [each["miss_rate"] for each in whole["items"][0]["classes"]] == [0.05] * len(BLOB_CLASSES)
    assert whole["items"][0]["part"]["why_not"] is not None, "nobody certified whole parts"


def test_a_laxer_recipe_is_uncertified_and_a_stricter_one_is_not(
    plant: Plant, keys: TestKeys, release: Release
) -> None:
    certify_all(plant, keys, release)
    for version, confidence, expected in ((2, 0.2, "certified"), (3, 0.26, "uncertified")):
        text = RECIPE.replace("version: 1\nproduct", f"version: {version}\nproduct")
        text += f"limits: {{short: {{confidence: {confidence}}}}}\n"
        answer = plant.http.put(
            "/v1/recipes/board",
            content=text,
            params={"override_name": "Kim", "override_reason": "a test"},
            headers={**plant.headers(), "Content-Type": "application/yaml"},
        )
        assert answer.status_code < 300, answer.text
        bound = {"name": "AOI 1", "recipe": {"id": "board", "version": version}}
        assert plant.http.put("/v1/stations/aoi-1", json=bound, headers=plant.headers()).status_code < 300
        body = plant.post(good_board(version), part_id=f"v{version}").json()
        assert (body["recipe"]["version"], body["threshold_status"]) == (version, expected)
    assert "laxer than the certified" in str(standing(plant))


def test_an_average_certifies_nothing(plant: Plant, keys: TestKeys, release: Release) -> None:
    answers = certify_all(plant, keys, release, method=ThresholdMethod.CONFORMAL_AVERAGE)
    assert {(answer["method"], answer["is_guarantee"]) for answer in answers} == {("conformal-average", False)}
    assert judged(plant, "a") == "uncertified"
    assert "on average only" in str(standing(plant))


@pytest.mark.usefixtures("either_database")
def test_a_withdrawn_certificate_never_comes_back(
    plant: Plant, keys: TestKeys, release: Release, clock: ManualClock
) -> None:
    answers = certify_all(plant, keys, release)
    certificate = a_certificate(release, class_name="open", threshold=release.thresholds["open"], issued_at=NOW)
    signed = keys.sign_certificate(certificate)
    assert put(plant, signed).json()["certificate"]["id"] == answers[0]["id"], "the very same one again changes nothing"
    clock.advance(60.0)
    gone = plant.http.delete(
        f"/v1/certificates/{answers[0]['id']}", params={"reason": "labels were wrong"}, headers=plant.headers()
    )
    assert (gone.json()["certificate"]["end"]["cause"], gone.json()["is_valid"]) == ("withdrawn", False)
    assert judged(plant, "a") == "uncertified"
    replayed = put(plant, signed)
    assert (replayed.status_code, replayed.json()["type"]) == (409, "/problems/certificate-ended")
    for issued_at, what in ((NOW + timedelta(seconds=30), "issued before certificate"), (NOW, "not before this one")):
        older = replace(certificate, issued_at=issued_at, expires_at=NOW + timedelta(days=9))
        refused = put(plant, keys.sign_certificate(older))
        assert (refused.status_code, what in refused.json()["detail"]) == (409, True), refused.text
    again = plant.http.delete(
        f"/v1/certificates/{answers[0]['id']}", params={"reason": "once more"}, headers=plant.headers()
    )
    assert again.json()["certificate"]["end"]["reason"] == "labels were wrong"
    clock.advance(60.0)
    newer = a_certificate(release, class_name="open", threshold=0.9, issued_at=clock.now())
    assert put(plant, keys.sign_certificate(newer)).status_code == 200
    assert judged(plant, "bb") == "certified"
    assert ended(plant) == ["withdrawn"]


@pytest.mark.usefixtures("either_database")
def test_a_newer_certificate_takes_the_place_of_the_older(plant: Plant, keys: TestKeys, release: Release) -> None:
    certify_all(plant, keys, release)
    stricter = a_certificate(release, class_name="short", threshold=0.1, issued_at=NOW + timedelta(seconds=1))
    assert put(plant, keys.sign_certificate(stricter)).status_code == 200
    assert judged(plant, "a") == "uncertified", "the threshold in force is laxer than the new one"
    assert ended(plant) == ["superseded"]
    listed = plant.http.get("/v1/certificates", params={"in_force": True}, headers=plant.headers()).json()["items"]
    assert len(listed) == len(BLOB_CLASSES)


def test_time_ends_it_at_once_and_the_ledger_says_so_soon(
    plant: Plant, keys: TestKeys, release: Release, clock: ManualClock
) -> None:
    certify_all(plant, keys, release, expires_at=NOW + timedelta(days=1))
    assert judged(plant, "a") == "certified"
    clock.advance(86400.0)
    assert judged(plant, "bb") == "uncertified"
    look(plant)
    assert ended(plant) == ["expired"] * len(BLOB_CLASSES)
    look(plant)
    assert len(ended(plant)) == len(BLOB_CLASSES)


def look(plant: Plant) -> None:
    """What the watch does twice a minute."""
    plant.http.portal.call(plant.services.certificates.look)  # type: ignore[attr-defined]  # TestClient's loop


def test_drift_ends_the_line_and_older_data_does_not_bring_it_back(
    plant: Plant, keys: TestKeys, release: Release, clock: ManualClock
) -> None:
    certify_all(plant, keys, release)

    async def drift(line: str) -> int:
        found = await plant.services.certificates.end_for(
            line=line, release_digest=release.digest, reason="scores fell"
        )
        return len(found)

    clock.advance(60.0)
    portal = plant.http.portal  # type: ignore[attr-defined]  # TestClient's loop
    assert portal.call(drift, "line-2") == 0
    assert judged(plant, "a") == "certified"
    assert portal.call(drift, "line-1") == len(BLOB_CLASSES)
    assert judged(plant, "bb") == "uncertified"
    assert ended(plant) == [EndCause.DRIFT.value] * len(BLOB_CLASSES)
    before = a_certificate(release, class_name=None, threshold=0.5, issued_at=NOW + timedelta(seconds=30))
    assert "calibrate on parts made since" in put(plant, keys.sign_certificate(before)).json()["detail"]
    clock.advance(60.0)
    certify_all(plant, keys, release, issued_at=clock.now())
    assert judged(plant, "ccc") == "certified"


def test_what_is_not_of_this_plant_is_refused(plant: Plant, keys: TestKeys, release: Release) -> None:
    cases = {
        "plant": (a_certificate(release, plant="plant-2", issued_at=NOW), "certificate-refused"),
        "line": (a_certificate(release, line="line-9", issued_at=NOW), "certificate-unfit"),
        "engine": (a_certificate(release, engine="openvino-int8", issued_at=NOW), "certificate-unfit"),
        "to come": (a_certificate(release, issued_at=NOW + timedelta(hours=1)), "certificate-refused"),
        "expired": (
            a_certificate(release, issued_at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=1)),
            "certificate-refused",
        ),
    }
    for what, (certificate, problem) in cases.items():
        answer = put(plant, keys.sign_certificate(certificate))
        assert (answer.status_code, answer.json()["type"]) == (409, f"/problems/{problem}"), what
    assert plant.events("certificate.v1") == []


def test_forged_and_altered_ones_are_refused(plant: Plant, keys: TestKeys, release: Release) -> None:
    certificate: Certificate = a_certificate(release, threshold=0.5, issued_at=NOW)
    document, signature = keys.sign_certificate(certificate)
    stranger = SigningKey.generate(Role.DEPLOY)
    for forged in (
        (document.replace(b'"threshold":0.5', b'"threshold":0.9'), signature),
        (document, stranger.sign(document, schema=CERTIFICATE_SCHEMA)),
        (document, keys.build.sign(document, schema=CERTIFICATE_SCHEMA)),
        (document, keys.deploy.sign(document, schema="lineside.deployment/1")),
        (b"{}", keys.deploy.sign(b"{}", schema=CERTIFICATE_SCHEMA)),
    ):
        answer = put(plant, forged)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/certificate-refused"), answer.text
    for role in (KeyRole.STATION, KeyRole.VIEWER, KeyRole.QUALITY, KeyRole.MES):
        assert put(plant, (document, signature), role=role).status_code == 403
    assert plant.http.get("/v1/certificates/none", headers=plant.headers()).status_code == 404


def test_a_restart_keeps_what_is_in_force_and_believes_no_revoked_key(
    tmp_path: Path, keys: TestKeys, clock: ManualClock
) -> None:
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        certify_all(plant, keys, read_release(tmp_path / "releases/blobs"))
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        assert judged(plant, "a") == "certified"
    revoked = TestKeys(build=keys.build)
    with open_plant(tmp_path, signing=revoked, clock=clock) as plant:
        assert judged(plant, "bb") == "uncertified", "signed by a key that nobody trusts any more"


def test_a_certificate_that_cannot_be_read_any_more_keeps_no_server_from_judging(
    tmp_path: Path, keys: TestKeys, clock: ManualClock
) -> None:
    """A ledger that an older version wrote, say: what it claims is not believed, and the line goes on."""
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        first, *_ = certify_all(plant, keys, read_release(tmp_path / "releases/blobs"))

        def spoil(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(certificates).where(certificates.c.id == first["id"]).values(document='{"schema":"another"}')
            )

        plant.services.ledger.write_blocking(spoil)
        assert judged(plant, "a") == "certified"
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        assert judged(plant, "bb") == "uncertified"
        listed = plant.http.get("/v1/certificates", headers=plant.headers()).json()["items"]
        assert len(listed) == len(BLOB_CLASSES) - 1


def test_a_key_revoked_while_the_server_runs_is_soon_believed_no_more(
    plant: Plant, keys: TestKeys, release: Release, tmp_path: Path
) -> None:
    certify_all(plant, keys, release)
    stored = (tmp_path / "trust.json").read_bytes()
    TestKeys(build=keys.build).write_trust(tmp_path / "trust.json")
    look(plant)
    assert judged(plant, "a") == "uncertified"
    listed = plant.http.get("/v1/certificates", headers=plant.headers()).json()["items"]
    assert all("which the trust file does not have" in view["unusable"] for view in listed)
    assert ended(plant) == [], "who trusts the key again, believes it again"
    (tmp_path / "trust.json").write_bytes(stored)
    look(plant)
    assert judged(plant, "bb") == "certified"


def test_another_engine_on_the_host_ends_what_was_certified_on_the_old_one(
    tmp_path: Path, keys: TestKeys, clock: ManualClock
) -> None:
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        certify_all(plant, keys, read_release(tmp_path / "releases/blobs"))
        assert judged(plant, "a") == "certified"
    with open_plant(tmp_path, signing=keys, clock=clock, engine="openvino-fp32") as plant:
        assert judged(plant, "bb") == "uncertified"
        look(plant)
        assert ended(plant) == ["engine_change"] * len(BLOB_CLASSES)
