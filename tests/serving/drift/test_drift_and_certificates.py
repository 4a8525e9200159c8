"""A drift alarm ends the guarantees of its line and release, and of no other."""

import base64
from pathlib import Path

import pytest

from blob_detector import BLOB_CLASSES
from drifting_line import SHORT_PERIODS, START, DriftingPlant, Line
from lineside.inspection.release import read_release
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
            certificate = a_certificate(release, class_name=name, threshold=0.25, issued_at=START)
            document, signature = (base64.b64encode(content).decode() for content in keys.sign_certificate(certificate))
            plant.http.post(
                "/v1/certificates",
                json={"document": document, "signature": signature},
                headers=plant.headers(Role.MLOPS),
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


def _status(plant: Plant, part_id: str) -> str:
    return str(plant.post(bad_board(), part_id=part_id).json()["threshold_status"])
