"""Signed deployments against a real app: what is accepted judges, what is refused changes nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from blob_detector import BLOB_CLASSES, Blob, BlobModel, TinyRelease
from lineside.inspection.release import DeploymentMode, Release, TrustStore, read_release, starter_release_folder
from lineside.serving import Settings
from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from odd_releases import LEVELS, Workshop, blind, class_swapped, not_a_number, version
from plant import RECIPE, TWO_VIEWS, Plant, bad_board, good_board, open_plant
from signing import TestKeys, a_deployment


def judged_by(plant: Plant, part_id: str, *, seed: int = 1) -> str | None:
    """The version that judged a new part."""
    release = plant.post(good_board(seed), part_id=part_id).json()["release"]
    return None if release is None else str(release["version"])


def test_a_deployed_release_judges_the_next_part_and_says_so(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    assert judged_by(plant, "before") == "1.0.0"
    assert plant.upload(folder).status_code == 200
    assert judged_by(plant, "uploaded") == "1.0.0", "an upload alone changes nothing"
    answer = plant.deploy(keys.deploy_release(folder))
    assert answer.status_code == 200, answer.text
    assert answer.json()["standing"] == "in_force"
    after = plant.post(bad_board(2), part_id="after").json()
    assert (after["verdict"], after["release"]["version"]) == ("NG", "2.0.0")
    assert after["release"]["digest"] == answer.json()["deployment"]["release"]["digest"]


def test_one_call_rolls_back_to_what_was_live_below(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    ids = []
    for serial, number in enumerate(("2.0.0", "3.0.0"), start=1):
        folder = workshop.write(version(number))
        plant.upload(folder)
        ids.append(plant.deploy(keys.deploy_release(folder, serial=serial)).json()["deployment"]["id"])
    assert judged_by(plant, "a") == "3.0.0"
    withdrawn = plant.withdraw(ids[1], reason="too many false calls").json()
    assert withdrawn["standing"] == "withdrawn"
    assert withdrawn["deployment"]["withdrawal"]["reason"] == "too many false calls"
    assert judged_by(plant, "b") == "2.0.0"
    plant.withdraw(ids[0])
    assert judged_by(plant, "c") == "1.0.0", "below the first one is what the server came with"


def test_withdrawing_twice_is_harmless_and_written_down_once(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    deployment_id = plant.deploy(keys.deploy_release(folder)).json()["deployment"]["id"]
    first, again = plant.withdraw(deployment_id, reason="one"), plant.withdraw(deployment_id, reason="two")
    assert first.json() == again.json()
    assert [event["state"] for event in plant.events("deployment.v1")] == ["accepted", "withdrawn"]


def test_the_same_deployment_again_is_the_same_one(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    signed = keys.deploy_release(folder)
    first, again = plant.deploy(signed), plant.deploy(signed)
    assert first.json() == again.json()
    assert len(plant.events("deployment.v1")) == 1


def test_a_withdrawn_deployment_does_not_come_back_by_itself(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    signed = keys.deploy_release(folder)
    plant.withdraw(plant.deploy(signed).json()["deployment"]["id"])
    again = plant.deploy(signed)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/deployment-withdrawn")
    assert judged_by(plant, "a") == "1.0.0"


def test_a_model_whose_weights_are_no_numbers_is_not_even_stored(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(not_a_number("9.0.0"))
    answer = plant.upload(folder)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/release-unusable")
    assert plant.deploy(keys.deploy_release(a_release_of(folder))).status_code == 404


def a_release_of(folder: Path) -> Release:
    """Another release under the digest of a folder that cannot be read as one."""
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    return replace(read_release(starter_release_folder("pcb-single")), name="blobs", version="9.0.0", digest=digest)


@pytest.mark.parametrize("odd", [blind, class_swapped])
def test_a_model_that_misses_its_known_defects_never_goes_live(
    plant: Plant, workshop: Workshop, keys: TestKeys, odd: Callable[[str], TinyRelease]
) -> None:
    folder = workshop.write(odd("9.0.0"))
    assert plant.upload(folder).status_code == 200, "the package is whole and signed"
    answer = plant.deploy(keys.deploy_release(folder))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/deployment-unfit")
    assert plant.events("deployment.v1") == []
    assert judged_by(plant, "a") == "1.0.0"
    assert len(plant.services.releases.all_loaded()) == 1, "what was refused is not kept in memory"


def test_a_release_that_lacks_a_class_of_a_recipe_is_refused(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:

    fewer = TinyRelease(
        model=BlobModel(classes=BLOB_CLASSES[:5], levels=LEVELS[:5]),
        canary_blobs=tuple(Blob(index, 8 + 24 * index, 64) for index in range(5)),
    )
    folder = workshop.write(version("2.0.0", fewer))
    with open_plant(tmp_path, signing=keys, recipe=RECIPE + "limits: {pin-hole: {max_count: 1}}\n") as plant:
        plant.upload(folder)
        answer = plant.deploy(keys.deploy_release(folder))
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/deployment-unfit")
        assert "recipe 'board' version 1" in answer.json()["detail"]
        assert judged_by(plant, "a") == "1.0.0"


def test_a_deployment_for_another_line_or_product_changes_nothing_here(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    assert plant.deploy(keys.deploy_release(folder, serial=1, lines=["line-2"])).status_code == 200
    assert plant.deploy(keys.deploy_release(folder, serial=2, products=["OTHER"])).status_code == 200
    assert judged_by(plant, "a") == "1.0.0"
    assert plant.deploy(keys.deploy_release(folder, serial=3, lines=["line-1"], products=["BRD"])).status_code == 200
    assert judged_by(plant, "b") == "2.0.0"


def test_a_station_that_moves_to_another_line_is_judged_as_that_line_is(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    plant.deploy(keys.deploy_release(folder, lines=["line-2"]))
    station = {"name": "AOI 1", "line": "line-2", "recipe": {"id": "board", "version": 1}}
    moved = plant.http.put("/v1/stations/aoi-1", json=station, headers=plant.headers())
    assert moved.json()["line"] == "line-2"
    assert judged_by(plant, "a") == "2.0.0"


def test_a_part_of_several_views_keeps_the_release_that_it_began_with(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys, recipe=TWO_VIEWS) as plant:
        plant.upload(folder)
        assert plant.post(good_board(1), part_id="P", view="top").status_code == 202
        assert plant.deploy(keys.deploy_release(folder)).status_code == 200
        refs = {str(ref.digest) for ref, _ in plant.services.releases.all_loaded()}
        assert len(refs) == 2, "the old release is still needed"
        assert plant.post(good_board(2), part_id="P", view="bottom").json()["release"]["version"] == "1.0.0"
        assert plant.post(good_board(3), part_id="Q", view="top").status_code == 202
        assert plant.post(good_board(4), part_id="Q", view="bottom").json()["release"]["version"] == "2.0.0"
        assert len(plant.services.releases.all_loaded()) == 1, "the old release is freed with its last part"


@pytest.mark.parametrize("role", [Role.QUALITY, Role.STATION, Role.VIEWER, Role.MES])
def test_only_mlops_and_admin_may_deploy(plant: Plant, workshop: Workshop, keys: TestKeys, role: Role) -> None:
    folder = workshop.write(version("2.0.0"))
    assert plant.upload(folder, role=role).status_code == 403
    assert plant.deploy(keys.deploy_release(folder), role=role).status_code == 403
    assert plant.withdraw("x", role=role).status_code == 403


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"plant": "plant-2"}, "plant-2", id="another plant"),
        pytest.param(
            {
                "issued_at": datetime(2020, 1, 1, tzinfo=UTC),
                "expires_at": datetime(2020, 2, 1, tzinfo=UTC),
            },
            "expired",
            id="expired",
        ),
        pytest.param(
            {
                "issued_at": datetime(2099, 1, 1, tzinfo=UTC),
                "expires_at": datetime(2099, 2, 1, tzinfo=UTC),
            },
            "still to come",
            id="from the future",
        ),
    ],
)
def test_a_deployment_that_may_not_be_followed_is_refused(
    plant: Plant, workshop: Workshop, keys: TestKeys, change: dict[str, object], says: str
) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    answer = plant.deploy(keys.sign_deployment(a_deployment(folder, **change)))  # type: ignore[arg-type]  # a table
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert judged_by(plant, "a") == "1.0.0"


def test_a_serial_that_was_passed_is_refused_also_after_a_withdrawal_and_a_restart(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        plant.upload(folder)
        plant.withdraw(plant.deploy(keys.deploy_release(folder, serial=7)).json()["deployment"]["id"])
        assert plant.deploy(keys.deploy_release(folder, serial=6)).status_code == 409
    with open_plant(tmp_path, signing=keys) as plant:
        assert plant.deploy(keys.deploy_release(folder, serial=7)).status_code == 409
        assert plant.deploy(keys.deploy_release(folder, serial=8)).status_code == 200


def test_a_stranger_s_signature_or_a_changed_document_is_refused(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    document, signature = keys.deploy_release(folder)
    _, strangers = TestKeys().deploy_release(folder)
    for forged in ((document, strangers), (document.replace(b'"serial":1', b'"serial":2'), signature)):
        answer = plant.deploy(forged)
        assert answer.status_code == 409
        assert "not signed as it must be" in answer.json()["detail"]
    assert judged_by(plant, "a") == "1.0.0"


def test_a_deployment_of_a_release_that_is_not_there_says_to_upload_it(
    plant: Plant, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    answer = plant.deploy(keys.deploy_release(folder))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-release")
    assert "PUT /v1/releases/" in answer.json()["detail"]
    plant.upload(folder)
    assert plant.deploy(keys.deploy_release(folder)).status_code == 200, "the refused serial was not used up"


def test_a_server_without_a_trust_file_deploys_nothing(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path) as plant:
        for answer in (plant.upload(folder), plant.deploy(keys.deploy_release(folder))):
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-trust-file")
        assert judged_by(plant, "a") == "1.0.0"


def test_with_a_trust_file_an_unsigned_folder_of_the_operator_s_judges_nothing(tmp_path: Path, keys: TestKeys) -> None:
    TinyRelease().write(tmp_path / "releases" / "blobs")
    trust = keys.write_trust(tmp_path / "trust.json")
    with open_plant(tmp_path, recipe=None, trust_file=trust) as plant:
        put = plant.http.put(
            "/v1/recipes/board", content=RECIPE, headers={**plant.headers(), "Content-Type": "application/yaml"}
        )
        assert put.status_code == 409
        assert "manifest.sig.json" in put.json()["detail"]


def test_without_a_trust_file_a_folder_of_the_operator_s_judges_nothing_unless_that_is_said(tmp_path: Path) -> None:
    TinyRelease().write(tmp_path / "releases" / "blobs")
    with open_plant(tmp_path, recipe=None, unsigned_releases=False) as plant:
        headers = {**plant.headers(), "Content-Type": "application/yaml"}
        put = plant.http.put("/v1/recipes/board", content=RECIPE, headers=headers)
        assert (put.status_code, put.json()["type"]) == (409, "/problems/no-trust-file")
        assert "--trust" in put.json()["detail"]
        assert plant.http.get("/readyz").json()["warnings"] == []
    with open_plant(tmp_path / "commissioning") as plant:
        assert judged_by(plant, "a") == "1.0.0"
        assert plant.http.get("/readyz").json()["warnings"] == ["unsigned_releases"]
    with open_plant(tmp_path / "commissioning", unsigned_releases=False) as plant:
        answer = plant.post(good_board(2), part_id="b").json()
        assert (answer["verdict"], answer["reasons"][0]["code"]) == ("NOT_INSPECTED", "no_release")
        assert plant.http.get("/readyz").status_code == 503


def test_a_trust_file_and_the_permission_to_go_without_signatures_contradict_each_other(
    tmp_path: Path, keys: TestKeys
) -> None:
    trust = keys.write_trust(tmp_path / "trust.json")
    with pytest.raises(ValidationError, match="a trust file ends commissioning"):
        Settings(data_dir=tmp_path / "data", trust_file=trust, unsigned_releases=True)


def test_an_expired_deployment_leaves_its_parts_not_inspected(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    clock = ManualClock(datetime.now(UTC))
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys, clock=clock) as plant:
        plant.upload(folder)
        document = a_deployment(folder, expires_at=clock.now().replace(microsecond=0) + timedelta(hours=1))
        deployment = plant.deploy(keys.sign_deployment(document)).json()["deployment"]
        assert judged_by(plant, "a") == "2.0.0"
        metrics = plant.http.get("/metrics", headers=plant.headers()).text
        assert 'lineside_deployment_expires_in_seconds{mode="live",release="blobs",serial="1"} 3' in metrics
        clock.advance(3601)
        answer = plant.post(good_board(2), part_id="b").json()
        assert (answer["verdict"], answer["release"]) == ("NOT_INSPECTED", None)
        assert [reason["code"] for reason in answer["reasons"]] == ["deployment_expired"]
        assert plant.http.get("/readyz").status_code == 503
        assert plant.deployment(deployment["id"])["standing"] == "expired"
        plant.withdraw(deployment["id"])
        assert judged_by(plant, "c") == "1.0.0", "somebody decided to return to what was live before"


def test_what_was_in_force_is_in_force_after_a_restart(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        plant.upload(folder)
        plant.deploy(keys.deploy_release(folder))
    with open_plant(tmp_path, signing=keys) as plant:
        assert judged_by(plant, "a") == "2.0.0"
        (in_force,) = plant.http.get("/v1/deployments/in-force", headers=plant.headers()).json()["items"]
        assert (in_force["line"], in_force["product"], in_force["state"]) == ("line-1", "BRD", "ready")
        assert in_force["live"]["version"] == "2.0.0"


def test_after_a_restart_a_revoked_key_s_deployment_judges_nothing(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        plant.upload(folder)
        plant.deploy(keys.deploy_release(folder))
    revoked = TrustStore([keys.build.public, replace(keys.deploy.public, is_revoked=True)])
    trust = tmp_path / "revoked.json"
    trust.write_bytes(revoked.to_json())
    with open_plant(tmp_path, trust_file=trust) as plant:
        answer = plant.post(good_board(1), part_id="a").json()
        assert answer["verdict"] == "NOT_INSPECTED"
        assert answer["reasons"][0]["code"] == "no_release"
        assert "revoked" in answer["reasons"][0]["message"]
        (item,) = plant.http.get("/v1/deployments", headers=plant.headers()).json()["items"]
        assert "revoked" in item["unusable"]


def test_after_a_restart_without_its_trust_file_a_deployment_judges_nothing(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        plant.upload(folder)
        plant.deploy(keys.deploy_release(folder))
    for trust_file in (None, tmp_path / "nowhere.json"):
        with open_plant(tmp_path, trust_file=trust_file) as plant:
            answer = plant.post(good_board(1), part_id=f"with {trust_file}").json()
            assert (answer["verdict"], answer["reasons"][0]["code"]) == ("NOT_INSPECTED", "no_release")


def test_a_package_that_was_damaged_on_disk_judges_nothing_until_it_is_uploaded_again(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    folder = workshop.write(version("2.0.0"))
    with open_plant(tmp_path, signing=keys) as plant:
        digest = plant.upload(folder).json()["digest"]
        plant.deploy(keys.deploy_release(folder))
    model = tmp_path / "data" / "releases" / digest / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\x00\x00")
    with open_plant(tmp_path, signing=keys) as plant:
        answer = plant.post(good_board(1), part_id="a").json()
        assert (answer["verdict"], answer["reasons"][0]["code"]) == ("NOT_INSPECTED", "no_release")
        (bad,) = plant.http.get("/v1/releases", headers=plant.headers()).json()["unusable"]
        assert bad["digest"] == digest
        assert plant.upload(folder).status_code == 200, "an upload mends it"
    with open_plant(tmp_path, signing=keys) as plant:
        assert judged_by(plant, "b") == "2.0.0"


def test_a_shadow_judges_nothing_whatever_its_share(plant: Plant, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))
    plant.upload(folder)
    shadow = plant.deploy(keys.deploy_release(folder, mode=DeploymentMode.SHADOW))
    assert shadow.status_code == 200, shadow.text
    assert judged_by(plant, "a") == "1.0.0"
