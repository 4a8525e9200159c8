from collections.abc import Iterator

import pytest

from lineside.serving.security import Role
from plant import Plant, open_plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=None) as plant:
        yield plant


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/v1/stations", 200, id="an answer"),
        pytest.param("/v1/stations/nothing", 404, id="a problem"),
        pytest.param("/v1/nothing", 404, id="no route"),
        pytest.param("/healthz", 200, id="a probe"),
    ],
)
def test_no_browser_renders_or_keeps_what_the_api_says(plant: Plant, path: str, status: int) -> None:
    answer = plant.http.get(path, headers=plant.headers(Role.VIEWER))
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_login_form_keeps_its_own_policy(plant: Plant) -> None:
    policy = plant.http.get("/login").headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "script-src" not in policy
