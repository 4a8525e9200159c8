"""A drift alarm ends the guarantees of its line and release, and of no other."""

import base64
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from blob_detector import BLOB_CLASSES
from drifting_line import SHORT_PERIODS, START, DriftingPlant, Line
from lineside.inspection.release import Certificate, read_release
from lineside.serving.certificates import EndCause
from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from plant import Plant, bad_board, open_plant
from signing import TestKeys, a_certificate

pytestmark = pytest.mark.usefixtures("either_database")


def test_an_alarm_ends_the_certificates_of_its_line_and_release(tmp_path: Path) -> None:
    keys, clock = TestKeys(), ManualClock(START)
    with open_plant(tmp_path, signing=keys, clock=clock, **SHORT_PERIODS) as plant:
        release = read_release(tmp_path / "releases/blobs")
        for name in BLOB_CLASSES:
            _put(
                plant, keys, a_certificate(release, class_name=name, threshold=0.25, issued_at=START)
            ).raise_for_status()
        drifting = DriftingPlant(plant, clock)
        drifting.run(600, Line(release=release.digest))
        assert _status(plant, "before") == "certified"
        drifting.run(200, Line(release=release.digest, light=112.0))
        assert drifting.state()["state"] == "alarm"
        assert _status(plant, "after") == "uncertified"
        ended = [event for event in plant.events("certificate.v1") if event["state"] == "ended"]
        assert {event["certificate"]["end"]["cause"] for event in ended} == {EndCause.DRIFT.value}
        assert len(ended) == len(BLOB_CLASSES)
        assert "default/mean fell from 120" in ended[0]["certificate"]["end"]["reason"]


def test_nothing_is_certified_under_an_open_alarm_nor_on_data_from_before_it(tmp_path: Path) -> None:
    """Also where there was no certificate yet that the alarm could have ended."""
    keys, clock = TestKeys(), ManualClock(START)
    with open_plant(tmp_path, signing=keys, clock=clock, **SHORT_PERIODS) as plant:
        release = read_release(tmp_path / "releases/blobs")
        drifting = DriftingPlant(plant, clock)
        drifting.run(600, Line(release=release.digest))
        drifting.run(200, Line(release=release.digest, light=112.0))
        alarm = drifting.state()["alarm"]
        older, newer = (
            a_certificate(release, class_name="short", threshold=0.25, issued_at=at.replace(microsecond=0))
            for at in (START, clock.now() + timedelta(seconds=2))
        )
        for certificate in (older, newer):
            refused = _put(plant, keys, certificate)
            assert refused.status_code == 409
            assert f"drift alarm {alarm['id']}" in refused.json()["detail"]
            assert "is open" in refused.json()["detail"]
        plant.http.post(
            f"/v1/drift/alarms/{alarm['id']}/acknowledgement",
            json={"reason": "lamp changed"},
            headers=plant.headers(Role.QUALITY),
        ).raise_for_status()
        refused = _put(plant, keys, older)
        assert refused.status_code == 409
        assert "issued before drift alarm" in refused.json()["detail"]
        assert _put(plant, keys, newer).status_code == 200


def _put(plant: Plant, keys: TestKeys, certificate: Certificate) -> httpx.Response:
    document, signature = (base64.b64encode(content).decode() for content in keys.sign_certificate(certificate))
    return plant.http.post(
        "/v1/certificates",
        json={"document": document, "signature": signature},
        headers=plant.headers(Role.MLOPS),
    )


def _status(plant: Plant, part_id: str) -> str:
    return str(plant.post(bad_board(), part_id=part_id).json()["threshold_status"])
