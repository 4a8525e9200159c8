"""A second release looks at the same parts: what it says is compared and recorded, and never a verdict."""

from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from blob_detector import Blob
from lineside.inspection.release import DeploymentMode
from lineside.serving.events import event_json_schemas
from lineside.serving.releases import Purpose, ReleaseRef
from odd_engines import take_over
from odd_releases import Workshop, version, without_short
from plant import TWO_VIEWS, Plant, bad_board, board_png, good_board, open_plant
from signing import TestKeys

pytestmark = pytest.mark.usefixtures("either_database")


def in_shadow(plant: Plant, folder: Path, keys: TestKeys, **fields: Any) -> str:
    """Upload a release and have it look on; gives the deployment's identifier."""
    plant.upload(folder).raise_for_status()
    answer = plant.deploy(keys.deploy_release(folder, mode=DeploymentMode.SHADOW, **fields))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["deployment"]["id"])


def say(plant: Plant, inspection_id: str, kind: str) -> httpx.Response:
    """Review an inspection as an operator."""
    box = [{"class_name": "short", "box_xyxy_px": [64, 48, 80, 64]}] if kind == "escape" else []
    return plant.http.post(
        f"/v1/inspections/{inspection_id}/reviews",
        json={"kind": kind, "source": "operator", "reviewer": "Kim", "at": "2026-01-01T00:00:00Z", "boxes": box},
        headers=plant.headers(),
    )


def test_releases_that_agree_are_counted_and_nothing_else(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    deployment_id = in_shadow(plant, workshop.write(version("2.0.0")), keys)
    for number in range(4):
        plant.post(bad_board(number) if number % 2 else good_board(number), part_id=f"P-{number}")
        plant.settle()
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["compared"], comparison["agreements"], comparison["disagreements"]) == (4, 4, 0)
    assert (comparison["e_value"], comparison["dropped"]) == (1.0, 0)
    assert plant.events("shadow_disagreement.v1") == []


def test_a_disagreement_is_recorded_with_both_findings_and_its_image(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    """The live release misses what its shadow sees: an OK part, of which otherwise no image would be left."""
    live, shadow = workshop.write(without_short("2.0.0")), workshop.write(version("3.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        plant.upload(live)
        plant.deploy(keys.deploy_release(live, serial=1))
        deployment_id = in_shadow(plant, shadow, keys, serial=2)
        answer = plant.post(bad_board(1), part_id="missed").json()
        assert (answer["verdict"], answer["release"]["version"]) == ("OK", "2.0.0")
        plant.settle()
        (event,) = plant.events("shadow_disagreement.v1")
        assert (event["inspection_id"], event["verdict_differs"], event["candidate_judged"]) == (
            answer["id"],
            True,
            False,
        )
        assert (event["live"]["verdict"], event["candidate"]["verdict"]) == ("OK", "NG")
        assert event["candidate"]["defects"][0]["class_name"] == "short"
        schema = event_json_schemas()["shadow_disagreement.v1"]
        jsonschema.validate(event, {**schema["properties"]["data"], "$defs": schema["$defs"]})
        image = plant.http.get(f"/v1/inspections/{answer['id']}/image", headers=plant.headers())
        assert image.content == bad_board(1)
        listed = plant.http.get(f"/v1/deployments/{deployment_id}/disagreements", headers=plant.headers()).json()
        assert listed["items"] == [event]


def test_other_defects_under_the_same_verdict_are_a_disagreement_too(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    deployment_id = in_shadow(plant, workshop.write(without_short("2.0.0")), keys)
    answer = plant.post(board_png(Blob(1, 64, 48), Blob(0, 24, 96)), part_id="two").json()
    assert len(answer["defects"]) == 2
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["disagreements"], comparison["verdict_differences"]) == (1, 0)


def test_reviews_of_disputed_parts_are_the_evidence(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    deployment_id = in_shadow(plant, workshop.write(without_short("2.0.0")), keys)
    for number in range(9):
        answer = plant.post(bad_board(number), part_id=f"P-{number}").json()
        plant.settle()
        if number < 8:
            assert say(plant, answer["id"], "confirmed").status_code == 200
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["disagreements"], comparison["reviewed"]) == (9, 8)
    assert (comparison["live_right"], comparison["candidate_right"]) == (8, 0)
    assert comparison["e_value"] == pytest.approx(2**8 / 9)
    assert comparison["e_value_worse"] == pytest.approx((2**9 - 1) / 9)
    say(plant, answer["id"], "false_call")
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["live_right"], comparison["candidate_right"]) == (8, 1)
    shadow = plant.http.get(f"/v1/deployments/{deployment_id}", headers=plant.headers()).json()
    assert shadow["standing"] == "in_force", "a shadow judges nothing and may be as wrong as it likes"


def test_another_attempt_of_a_part_is_no_further_evidence(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    deployment_id = in_shadow(plant, workshop.write(without_short("2.0.0")), keys)
    first = plant.post(bad_board(1), part_id="P").json()
    again = plant.post(bad_board(2), part_id="P", attempt=2, cause="retest").json()
    plant.settle()
    for answer in (first, again):
        assert say(plant, answer["id"], "confirmed").status_code == 200
    comparison = plant.deployment(deployment_id)["comparison"]
    assert (comparison["disagreements"], comparison["reviewed"], comparison["live_right"]) == (2, 2, 1)


def test_all_views_of_a_part_are_compared_together(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    with open_plant(tmp_path, signing=keys, recipe=TWO_VIEWS) as plant:
        deployment_id = in_shadow(plant, workshop.write(version("2.0.0")), keys)
        plant.post(good_board(1), part_id="P", view="top")
        plant.post(bad_board(2), part_id="P", view="bottom")
        comparison = plant.deployment(deployment_id)["comparison"]
        assert (comparison["compared"], comparison["agreements"]) == (1, 1)


def test_only_its_share_of_the_parts_is_compared_and_always_the_same_parts(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    deployment_id = in_shadow(plant, workshop.write(version("2.0.0")), keys, share=0.3)
    for number in range(40):
        plant.post(good_board(number), part_id=f"P-{number}")
        plant.settle()
    compared = plant.deployment(deployment_id)["comparison"]["compared"]
    assert 3 <= compared <= 25, compared  # binomial(40, 0.3): outside with a chance below 1 in 10,000


def test_a_shadow_that_hangs_holds_up_no_verdict_and_what_does_not_fit_is_dropped(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys, shadow_queue_bound=2) as plant:
        deployment_id = in_shadow(plant, folder, keys)
        ref = next(ref for ref, purpose in plant.services.releases.all_loaded() if purpose is Purpose.OBSERVE)
        loaded = plant.services.releases.loaded(ref, Purpose.OBSERVE)
        assert loaded is not None
        engine = take_over(loaded.detector)
        engine.may_go_on.clear()
        verdicts = [plant.post(good_board(number), part_id=f"P-{number}").json()["verdict"] for number in range(8)]
        assert verdicts == ["OK"] * 8
        engine.may_go_on.set()
        comparison = plant.deployment(deployment_id)["comparison"]
        assert comparison["dropped"] >= 5
        assert comparison["compared"] + comparison["dropped"] == 8


def test_a_shadow_whose_engine_fails_disagrees_and_that_is_all(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    deployment_id = in_shadow(plant, workshop.write(version("2.0.0")), keys)
    (ref,) = (ref for ref, purpose in plant.services.releases.all_loaded() if purpose is Purpose.OBSERVE)
    loaded = plant.services.releases.loaded(ref, Purpose.OBSERVE)
    assert loaded is not None
    take_over(loaded.detector).failure = RuntimeError("the shadow's engine broke")
    assert plant.post(good_board(1), part_id="P").json()["verdict"] == "OK"
    view = plant.deployment(deployment_id)
    assert view["comparison"]["disagreements"] == 1
    assert view["standing"] == "in_force"


def test_counts_outlive_a_restart(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    with open_plant(tmp_path, signing=keys) as plant:
        deployment_id = in_shadow(plant, workshop.write(version("2.0.0")), keys)
        plant.post(good_board(1), part_id="A")
        plant.settle()
    with open_plant(tmp_path, signing=keys) as plant:
        assert (ReleaseRef("blobs"), Purpose.JUDGE) in plant.services.releases.all_loaded()
        plant.post(good_board(2), part_id="B")
        assert plant.deployment(deployment_id)["comparison"]["compared"] == 2


def test_a_promoted_or_withdrawn_shadow_looks_no_more_and_is_freed(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    shadow_id = in_shadow(plant, folder, keys)
    live = plant.deploy(keys.deploy_release(folder, serial=2)).json()["deployment"]
    assert plant.deployment(shadow_id)["standing"] == "superseded"
    plant.post(good_board(1), part_id="P")
    assert plant.deployment(shadow_id)["comparison"]["compared"] == 0
    plant.withdraw(live["id"])
    plant.post(good_board(2), part_id="Q")
    assert plant.deployment(shadow_id)["comparison"]["compared"] == 0, "it does not come back with the rollback"
    assert set(plant.services.releases.all_loaded()) == {(ReleaseRef("blobs"), Purpose.JUDGE)}
