"""A candidate judges a share of the parts; the server takes it back by itself when it is worse, differs or fails."""

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types

from lineside.inspection.release import CanaryUnit, DeploymentMode
from lineside.serving.events import event_json_schemas
from lineside.serving.releases import Purpose, ReleaseRef
from odd_engines import take_over
from odd_releases import Workshop, version, without_short
from plant import Plant, bad_board, good_board, open_plant
from signing import TestKeys


def as_canary(plant: Plant, folder: Path, keys: TestKeys, **fields: Any) -> str:
    """Upload a release and have it judge a share; gives the deployment's identifier."""
    plant.upload(folder).raise_for_status()
    answer = plant.deploy(keys.deploy_release(folder, mode=DeploymentMode.CANARY, **fields))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["deployment"]["id"])


def version_that_judged(plant: Plant, part_id: str, **said: Any) -> str:
    # A picture of its own for each part: the last frame again would be NOT_INSPECTED, and compared with nothing.
    board = good_board(int.from_bytes(part_id.encode()))
    return str(plant.post(board, part_id=part_id, **said).json()["release"]["version"])


def why_rolled_back(plant: Plant) -> str:
    (event,) = plant.events("canary.v1")
    schema = event_json_schemas()["canary.v1"]
    jsonschema.validate(event, {**schema["properties"]["data"], "$defs": schema["$defs"]})
    return str(event["cause"])


def test_a_canary_judges_its_share_and_the_live_one_looks_at_those_parts(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    deployment_id = as_canary(plant, workshop.write(version("2.0.0")), keys, share=0.5)
    judges = []
    for number in range(40):
        judges.append(version_that_judged(plant, f"P-{number}"))
        plant.settle()
    of_canary = judges.count("2.0.0")
    assert 8 <= of_canary <= 32  # binomial(40, 1/2): outside with a chance below 1 in 10,000
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["canary_parts"], comparison["compared"], comparison["agreements"]) == (of_canary,) * 3


def test_a_part_that_is_inspected_again_gets_the_same_judge(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    as_canary(plant, workshop.write(version("2.0.0")), keys, share=0.5)
    for number in range(10):
        first = version_that_judged(plant, f"P-{number}")
        again = plant.post(good_board(500 + number), part_id=f"P-{number}", attempt=2, cause="retest").json()
        assert again["release"]["version"] == first


def test_a_canary_by_lots_judges_whole_lots(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    as_canary(plant, workshop.write(version("2.0.0")), keys, share=0.5, unit=CanaryUnit.LOT)
    judges = {
        lot: {version_that_judged(plant, f"{lot}-{number}", lot=lot) for number in range(3)}
        for lot in (f"L{number}" for number in range(16))
    }
    assert all(len(versions) == 1 for versions in judges.values())
    assert {next(iter(versions)) for versions in judges.values()} == {"1.0.0", "2.0.0"}


def test_a_canary_that_differs_too_often_is_taken_back(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    deployment_id = as_canary(plant, workshop.write(without_short("2.0.0")), keys)
    for number in range(12):
        plant.post(bad_board(number), part_id=f"P-{number}")
        plant.settle()
    view = plant.deployment(deployment_id)
    assert view["standing"] == "withdrawn"
    assert view["deployment"]["withdrawal"]["by"] == "canary watch"
    assert why_rolled_back(plant) == "disagreement"
    assert [event["state"] for event in plant.events("deployment.v1")] == ["accepted", "withdrawn"]
    answer = plant.post(bad_board(99), part_id="after").json()
    assert (answer["verdict"], answer["release"]["version"]) == ("NG", "1.0.0")
    metrics = plant.http.get("/metrics", headers=plant.headers()).text
    assert 'lineside_canary_rollbacks_total{cause="disagreement"} 1.0' in metrics


def test_a_canary_that_people_find_worse_is_taken_back(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(without_short("2.0.0"))
    with open_plant(tmp_path, signing=keys, canary_max_disagreement=0.99) as plant:
        deployment_id = as_canary(plant, folder, keys)
        for number in range(7):
            answer = plant.post(bad_board(number), part_id=f"P-{number}").json()
            assert (answer["verdict"], answer["release"]["version"]) == ("OK", "2.0.0"), number
            plant.settle()
            escape = {
                "kind": "escape",
                "source": "audit",
                "reviewer": "Kim",
                "at": "2026-01-01T00:00:00Z",
                "boxes": [{"class_name": "short", "box_xyxy_px": [64, 48, 80, 64]}],
            }
            said = plant.http.post(f"/v1/inspections/{answer['id']}/reviews", json=escape, headers=plant.headers())
            assert said.status_code == 200, said.text
            if plant.deployment(deployment_id)["standing"] == "withdrawn":
                break
        assert number == 6, "(2**8 - 1) / 8 > 20: the seventh part is enough, the sixth is not"
        assert why_rolled_back(plant) == "worse"


def test_one_failure_of_its_engine_ends_a_canary_and_no_part_passes(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    as_canary(plant, workshop.write(version("2.0.0")), keys)
    ref = next(
        ref
        for ref, purpose in plant.services.releases.all_loaded()
        if ref != ReleaseRef("blobs") and purpose is Purpose.JUDGE
    )
    loaded = plant.services.releases.loaded(ref)
    assert loaded is not None
    take_over(loaded.detector).failure = RuntimeError("the canary's engine broke")
    answer = plant.post(good_board(1), part_id="P").json()
    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("NOT_INSPECTED", "engine_failure")
    plant.settle()
    assert why_rolled_back(plant) == "engine_failure"
    again = plant.post(good_board(2), part_id="P", attempt=2, cause="retest").json()
    assert (again["verdict"], again["release"]["version"]) == ("OK", "1.0.0")


def test_a_canary_whose_package_is_gone_after_a_restart_has_no_share_and_is_ended(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    with open_plant(tmp_path, signing=keys) as plant:
        deployment_id = as_canary(plant, workshop.write(version("2.0.0")), keys)
        digest = plant.deployment(deployment_id)["deployment"]["release"]["digest"]
    (tmp_path / "data" / "releases" / digest / "model.onnx").unlink()
    with open_plant(tmp_path, signing=keys) as plant:
        assert version_that_judged(plant, "P") == "1.0.0"
        assert plant.deployment(deployment_id)["standing"] == "withdrawn"
        assert why_rolled_back(plant) == "unusable"
