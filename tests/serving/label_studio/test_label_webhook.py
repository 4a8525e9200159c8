"""Label Studio's webhook: believed with its key, a hint and nothing more, and told to nobody."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from label_state import Desk, open_desk
from lineside.serving.security import Role

NUMBER = 41
LEAKED = "a-token-of-the-project"
SENT: dict[str, Any] = {
    "action": "ANNOTATION_CREATED",
    "annotation": {"id": 7, "result": [{"value": {"x": 1}}]},
    "task": {"id": 3, "data": {"vid": "..."}},
    "project": {"id": NUMBER, "title": "boards", "label_config": "<View/>", "token": LEAKED},
}


@pytest.fixture(scope="module")
def desk(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("plant")) as desk:
        yield desk


@pytest.fixture
def number(desk: Desk, request: pytest.FixtureRequest) -> int:
    """A Label Studio project of the test's own, so that nobody has hinted at it yet."""
    desk.project = f"project-{abs(hash(request.node.name))}"
    own = abs(hash(request.node.name)) % 10**9
    desk.put_project(label_studio_project_id=own)
    assert desk.get_project()["hinted_at"] is None
    return own


def post(desk: Desk, headers: dict[str, str], **more: Any) -> httpx.Response:
    return desk.plant.http.post("/label-studio/webhook", headers=headers, **more)


def said_by(number: int) -> dict[str, Any]:
    return {**SENT, "project": {**SENT["project"], "id": number}}


def settle(desk: Desk) -> None:
    desk.plant.http.portal.call(desk.plant.services.label_hints.settle)  # type: ignore[attr-defined]  # TestClient's


def metric(desk: Desk, line: str) -> float:
    text = desk.plant.http.get("/metrics", headers=desk.plant.headers()).text
    return sum(float(each.rsplit(" ", 1)[1]) for each in text.splitlines() if each.startswith(line))


def test_the_right_secret_leaves_a_hint_at_its_project_alone(desk: Desk, number: int) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = post(desk, desk.plant.headers(Role.LABEL_STUDIO), json=said_by(number))
        settle(desk)
    assert (answer.status_code, answer.content) == (204, b"")
    assert desk.get_project()["hinted_at"] is not None
    desk.project = "boards"
    assert desk.get_project()["hinted_at"] is None
    assert logs == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="Label Studio's own webhook of an ML backend: no credentials"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, id="a wrong secret"),
        pytest.param({"Authorization": "Bearer lsk_" + "0" * 43}, 401, id="a wrong key"),
        pytest.param({"Authorization": "Basic d2hvZXZlcjp3cm9uZw=="}, 401, id="a password"),
        pytest.param({"Authorization": "Bearer"}, 401, id="no secret"),
    ],
)
def test_a_stranger_changes_nothing_and_is_counted(
    desk: Desk, number: int, headers: dict[str, str], status: int
) -> None:
    kind = 'lineside_request_problems_total{kind="not-authenticated"}'
    before = metric(desk, kind)
    with structlog.testing.capture_logs() as logs:
        answer = post(desk, headers, json=said_by(number))
    assert answer.status_code == status
    assert desk.get_project()["hinted_at"] is None
    assert metric(desk, kind) == before + 1
    assert LEAKED not in str(logs) + answer.text


def test_a_key_of_another_role_is_refused(desk: Desk, number: int) -> None:
    assert post(desk, desk.plant.headers(Role.VIEWER), json=said_by(number)).status_code == 403
    assert desk.get_project()["hinted_at"] is None


def test_an_unknown_project_is_no_error_and_is_counted(desk: Desk, number: int) -> None:
    answer = post(desk, desk.plant.headers(Role.LABEL_STUDIO), json=said_by(number + 1))
    settle(desk)
    assert answer.status_code == 204
    assert desk.get_project()["hinted_at"] is None
    assert metric(desk, 'lineside_label_hints_total{outcome="unknown_project"}') >= 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"{" + LEAKED.encode(), 422, id="no JSON"),
        pytest.param(b'{"action": "X", "project": {"id": "' + LEAKED.encode() + b'"}}', 422, id="the id is no number"),
        pytest.param(b'{"action": "X", "project": {"id": 1e300}}', 422, id="the id is no integer"),
        pytest.param(b'{"action": "PROJECT_DELETED"}', 204, id="an action without a project"),
        pytest.param(b'{"action": "X", "pad": "' + b" " * (16 * 1024 * 1024) + b'"}', 413, id="more than 16 MiB"),
    ],
)
def test_bodies_that_label_studio_does_not_send(desk: Desk, number: int, content: bytes, status: int) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = post(desk, desk.plant.headers(Role.LABEL_STUDIO), content=content)
        settle(desk)
    assert answer.status_code == status
    assert desk.get_project()["hinted_at"] is None
    assert LEAKED not in answer.text + str(logs)


def test_the_address_says_the_project_where_there_is_no_payload(desk: Desk, number: int) -> None:
    """So that neither labels nor the project's token leave Label Studio."""
    answer = post(
        desk, desk.plant.headers(Role.LABEL_STUDIO), params={"project": number}, json={"action": "ANNOTATION_CREATED"}
    )
    settle(desk)
    assert answer.status_code == 204
    assert desk.get_project()["hinted_at"] is not None


def test_an_address_that_says_no_project_is_refused(desk: Desk, number: int) -> None:
    headers = desk.plant.headers(Role.LABEL_STUDIO)
    for said in ("-1", "boards", "9" * 40):
        assert post(desk, headers, params={"project": said}, json={"action": "X"}).status_code == 422


def test_many_hints_are_written_once_they_can_be(desk: Desk, number: int) -> None:
    for _ in range(30):
        assert post(desk, desk.plant.headers(Role.LABEL_STUDIO), json=said_by(number)).status_code == 204
    settle(desk)
    first = desk.get_project()["hinted_at"]
    assert post(desk, desk.plant.headers(Role.LABEL_STUDIO), json=said_by(number)).status_code == 204
    settle(desk)
    assert desk.get_project()["hinted_at"] > first
