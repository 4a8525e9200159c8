"""Every role against every route of the complete app: what the table does not allow is refused."""

from collections.abc import Iterator

import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from lineside.serving.errors import UnguardedRoute
from lineside.serving.security import PERMISSIONS, Action, Role, allow, check_every_route_is_guarded, public
from lineside.serving.security.guard import Allow, Public
from plant import Plant, open_plant

PUBLIC_PATHS = {"/healthz", "/readyz", "/login", "/logout"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=None) as plant:
        yield plant


def guarded_routes(app: FastAPI) -> list[tuple[str, str, Action | None]]:
    """Method, path and action (None: public) of every route."""
    found: list[tuple[str, str, Action | None]] = []
    for context in iter_route_contexts(app.routes):
        assert isinstance(context.original_route, APIRoute)
        marks = [
            dependency.call
            for dependency in context.dependant.dependencies
            if isinstance(dependency.call, Allow | Public)
        ]
        assert len(marks) == 1, context.path
        action = marks[0].action if isinstance(marks[0], Allow) else None
        found += [(method, str(context.path), action) for method in sorted(context.methods or ())]
    return found


def call(plant: Plant, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of a call whose identifiers exist nowhere; streams are not read."""
    concrete = path.replace("{digest}", "0" * 64)
    for name in (
        "inspection_id",
        "part_id",
        "station_id",
        "recipe_id",
        "catalogue_id",
        "deployment_id",
        "note_id",
        "exclusion_id",
        "baseline_id",
        "kind",
        "subject",
        "study_id",
        "certificate_id",
        "alarm_id",
        "project",
        "attention_id",
        "pick_id",
        "claim_id",
        "order_id",
        "hold_id",
        "proposal_id",
        "job_id",
        "sink",
        "scenario_id",
        "lot",
        "report_id",
        "layer",
        "shell_id",
        "submodel_id",
        "id_short_path",
    ):
        concrete = concrete.replace(f"{{{name}}}", "nothing-of-that-name")
        concrete = concrete.replace(f"{{{name}:path}}", "nothing-of-that-name")
    assert "{" not in concrete, f"give the path parameter of {path} a value here"
    return plant.http.request(method, concrete, headers=headers, json={}).status_code


def test_only_the_probes_and_the_login_are_public(plant: Plant) -> None:
    public_paths = {path for _, path, action in guarded_routes(plant.app) if action is None}
    assert public_paths == PUBLIC_PATHS


def test_the_matrix_covers_the_whole_interface(plant: Plant) -> None:
    paths = {path for _, path, _ in guarded_routes(plant.app)}
    assert {"/v1/inspections", "/v1/events", "/metrics", "/openapi.json", "/v1/stations/{station_id}/order"} <= paths


def test_nothing_answers_without_a_key_or_with_a_bad_one(plant: Plant) -> None:
    for method, path, action in guarded_routes(plant.app):
        if action is None:
            continue
        assert call(plant, method, path, {}) == 401, (method, path)
        bad = call(plant, method, path, {"Authorization": "Bearer lsk_" + "0" * 43})
        assert bad in {401, 429}, (method, path)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_the_table_says_and_nothing_else(plant: Plant, role: Role) -> None:
    for method, path, action in guarded_routes(plant.app):
        if action is None or (path == "/v1/events" and action in PERMISSIONS[role]):
            continue  # an allowed event stream never ends; tests/serving/events follows one
        status = call(plant, method, path, plant.headers(role))
        if action in PERMISSIONS[role]:
            assert status not in {401, 429}, (role, method, path)
            # 403 may still come from the object: a station's key asking for another station
            assert status != 403 or role is Role.STATION, (role, method, path)
            assert status < 500, (role, method, path)
        else:
            assert status == 403, (role, method, path)


def test_a_stations_key_reads_and_writes_its_own_station_only(plant: Plant) -> None:
    own = plant.http.get("/v1/stations/aoi-1", headers=plant.headers(Role.STATION))
    other = plant.http.get("/v1/stations/aoi-2", headers=plant.headers(Role.STATION))
    events = plant.http.get("/v1/events?station=aoi-2", headers=plant.headers(Role.STATION))
    assert (own.status_code, other.status_code, events.status_code) == (200, 403, 403)
    assert other.json()["type"] == "/problems/station-refused"


def test_a_revoked_key_opens_nothing(plant: Plant) -> None:
    made = plant.services.keys.create("short lived", Role.ADMIN)
    headers = {"Authorization": f"Bearer {made.secret}"}
    assert plant.http.get("/v1/session", headers=headers).status_code == 200
    plant.services.keys.revoke(made.key.id)
    refused = plant.http.get("/v1/session", headers=headers)
    assert refused.status_code == 401  # also where many bad keys came from
    assert "short lived" in refused.json()["detail"]
    assert refused.headers["www-authenticate"] == 'Bearer realm="lineside"'


def test_an_app_with_an_unguarded_route_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/guarded", dependencies=[Depends(allow(Action.READ_RATES))])
    async def guarded() -> None: ...

    @app.get("/open", dependencies=[Depends(public())])
    async def opened() -> None: ...

    check_every_route_is_guarded(app)

    @app.post("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(UnguardedRoute, match="POST /forgotten"):
        check_every_route_is_guarded(app)


def test_a_mounted_app_counts_as_unguarded_unless_a_gate_stands_before_it() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.mount("/page", FastAPI())
    with pytest.raises(UnguardedRoute, match="/page"):
        check_every_route_is_guarded(app)
    check_every_route_is_guarded(app, gated_prefixes=("/page",))


def test_every_action_belongs_to_somebody_and_the_admin_has_all() -> None:
    assert PERMISSIONS[Role.ADMIN] == frozenset(Action)
    assert set(PERMISSIONS) == set(Role)
    assert Action.POST_INSPECTION not in PERMISSIONS[Role.VIEWER] | PERMISSIONS[Role.QUALITY] | PERMISSIONS[Role.MES]
