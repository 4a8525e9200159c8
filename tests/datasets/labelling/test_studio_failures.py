"""Label Studio down, slow, failing midway or gone: nothing is lost or doubled, and the error says who must act."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import uuid4

import jwt
import pytest

from label_studio import LabelStudioServer
from label_tasks import CLASSES, label_task
from lineside.datasets.labelling import (
    AnswerUnreadable,
    LabelStudio,
    ProjectGone,
    StudioFailed,
    StudioNeedsPerson,
    StudioProject,
    StudioRefused,
    StudioSlow,
    StudioUnreachable,
    Token,
    TokenRefused,
    Tries,
    TryStudioLater,
)
from studio_proxy import Asked, Fault, How, StudioProxy, anything, importing, studio_proxy, uploading

AT_ONCE = Tries(count=3, first_s=0.0)


@pytest.fixture
def proxy(label_studio: LabelStudioServer) -> Iterator[StudioProxy]:
    with studio_proxy(label_studio.url) as running:
        yield running


@pytest.fixture
def through(proxy: StudioProxy, label_studio: LabelStudioServer) -> Iterator[LabelStudio]:
    """The adapter, through the proxy."""
    with LabelStudio(proxy.url, Token(label_studio.token), tries=AT_ONCE) as opened:
        yield opened


def opened(url: str, token: str, *, timeout_s: float = 60.0) -> AbstractContextManager[LabelStudio]:
    return LabelStudio(url, Token(token), timeout_s=timeout_s, tries=AT_ONCE)


def reading(asked: Asked) -> bool:
    return asked.method == "GET"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(importing), id="500 before the import is done"),
        pytest.param(Fault(importing, How.DONE_BUT_ANSWERED), id="500 after the import is done"),
        pytest.param(Fault(importing, How.DONE_BUT_ANSWERED, status=502), id="502 of a gateway, after it"),
        pytest.param(Fault(importing, How.DONE_BUT_CUT), id="the connection breaks after it"),
        pytest.param(Fault(importing, times=2), id="500 twice"),
        pytest.param(Fault(uploading), id="500 to the upload"),
        pytest.param(Fault(uploading, How.DONE_BUT_CUT), id="the connection breaks after the upload"),
        pytest.param(Fault(reading, times=2), id="500 to reading"),
        pytest.param(Fault(anything, status=429), id="no time"),
    ],
)
def test_a_push_that_fails_midway_goes_on_and_makes_each_task_once(
    through: LabelStudio, studio: LabelStudio, proxy: StudioProxy, project: StudioProject, fault: Fault
) -> None:
    tasks = [label_task(look=look) for look in range(3)]
    proxy.faults.append(fault)

    made = through.push(project.id, tasks)

    assert studio.tasks_of(project.id, [task.uuid for task in tasks]) == {uuid: (id_,) for uuid, id_ in made.items()}
    assert len(made) == 3
    assert studio.task_count(project.id) == 3


def test_a_push_killed_between_import_and_its_answer_is_taken_up_by_the_next(
    proxy: StudioProxy, project: StudioProject, label_studio: LabelStudioServer, studio: LabelStudio
) -> None:
    """The first push gives up waiting, not knowing; over there, everything was done."""
    tasks = [label_task(look=look) for look in range(3)]
    proxy.faults.append(Fault(importing, How.DONE_BUT_SILENT))
    with (
        opened(proxy.url, label_studio.token, timeout_s=2.0) as hasty,
        pytest.raises(StudioSlow, match="within 2 s; it may still be at work"),
    ):
        hasty.push(project.id, tasks)

    made = studio.push(project.id, tasks)

    assert studio.task_count(project.id) == 3
    assert studio.all_tasks(project.id) == {uuid: (id_,) for uuid, id_ in made.items()}


def test_a_server_that_goes_on_failing_is_asked_so_often_and_then_named(
    through: LabelStudio, proxy: StudioProxy
) -> None:
    proxy.faults.append(Fault(anything, times=100))

    with pytest.raises(StudioFailed, match=r"answered 500 to GET api/current-user/whoami"):
        through.version()

    assert len(proxy.asked) == AT_ONCE.count


def test_an_import_is_never_sent_again_without_looking(
    through: LabelStudio, proxy: StudioProxy, project: StudioProject
) -> None:
    proxy.faults.append(Fault(importing, times=100))

    with pytest.raises(StudioFailed):
        through.push(project.id, [label_task()])

    steps = [each for each in proxy.asked if importing(each) or each.path.startswith("/api/tasks?")]
    assert [importing(each) for each in steps] == [False, True] * AT_ONCE.count


def test_a_server_that_says_when_to_come_back_is_obeyed(label_studio: LabelStudioServer, proxy: StudioProxy) -> None:
    waits: list[float] = []
    proxy.faults += [
        Fault(anything, status=503, headers={"Retry-After": "2"}),
        Fault(anything, status=503, headers={"Retry-After": "3600"}, times=0),
    ]
    with LabelStudio(proxy.url, Token(label_studio.token), tries=AT_ONCE, sleep=waits.append) as studio:
        studio.version()
        proxy.faults[1].times = 1
        with pytest.raises(StudioFailed) as refused:
            studio.version()

    assert waits == [2.0]
    assert refused.value.retry_after_s == 3600.0


def test_a_server_that_is_down_can_be_asked_again(label_studio: LabelStudioServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with opened(f"http://127.0.0.1:{port}", label_studio.token) as studio, pytest.raises(StudioUnreachable) as error:
        studio.version()

    assert isinstance(error.value, TryStudioLater)
    assert f"http://127.0.0.1:{port} cannot be reached" in str(error.value)


def test_a_redirect_is_not_followed_and_the_token_stays_here(
    through: LabelStudio, proxy: StudioProxy, label_studio: LabelStudioServer
) -> None:
    with studio_proxy(label_studio.url) as elsewhere:
        proxy.faults.append(Fault(anything, status=302, headers={"Location": f"{elsewhere.url}/api/projects/"}))

        with pytest.raises(StudioRefused, match=f"it lies at {elsewhere.url}/api/projects/ now"):
            through.find_project("any")

        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(anything, status=200, body=b"<html>welcome</html>"), id="a page"),
        pytest.param(Fault(anything, status=404, body=b"<html>gone</html>"), id="no such page"),
        pytest.param(Fault(anything, status=200, body=b'{"hello": 1}'), id="JSON of another program"),
    ],
)
def test_another_program_is_not_taken_for_label_studio(
    through: LabelStudio, proxy: StudioProxy, project: StudioProject, fault: Fault
) -> None:
    proxy.faults.append(fault)

    with pytest.raises(AnswerUnreadable):
        through.project(project.id)


def test_a_deleted_project_needs_a_person(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    label_studio.http.delete(f"/api/projects/{project.id}/").raise_for_status()

    calls: list[Callable[[], object]] = [
        lambda: studio.project(project.id),
        lambda: studio.push(project.id, [label_task()]),
        lambda: list(studio.updated_since(project.id, None)),
        lambda: studio.all_tasks(project.id),
        lambda: studio.set_model_version(project.id, "m"),
        lambda: studio.delete_tasks(project.id, [1]),
        lambda: studio.ensure_project("any", CLASSES, has_reference=False, project_id=project.id),
    ]
    for call in calls:
        with pytest.raises(ProjectGone, match="was deleted there"):
            call()


def test_both_kinds_of_token_work(label_studio: LabelStudioServer) -> None:
    for token in (label_studio.token, label_studio.personal_token):
        with opened(label_studio.url, token) as studio:
            assert studio.version() == "1.23.2"


def _personal_token_that_ended(secret: str = "x" * 32) -> str:
    return jwt.encode({"token_type": "refresh", "exp": 1_500_000_000}, secret, algorithm="HS256")


def _personal_token_of_nobody(secret: str = "x" * 32) -> str:
    return jwt.encode({"token_type": "refresh", "exp": 4_000_000_000}, secret, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("0" * 40, id="a legacy token that nobody has"),
        pytest.param(_personal_token_that_ended(), id="a personal token past its end"),
        pytest.param(_personal_token_of_nobody(), id="a personal token that the server did not make"),
    ],
)
def test_a_token_that_is_not_accepted_needs_a_person_and_is_not_shown(
    label_studio: LabelStudioServer, token: str
) -> None:
    with opened(label_studio.url, token) as studio, pytest.raises(TokenRefused) as refused:
        studio.version()

    assert isinstance(refused.value, StudioNeedsPerson)
    assert "Account & Settings" in str(refused.value)
    assert token not in str(refused.value)
    assert token not in repr(refused.value.__cause__)


def test_an_access_token_that_has_ended_is_exchanged_anew(label_studio: LabelStudioServer, proxy: StudioProxy) -> None:
    """As when this machine's clock is slow: the SDK takes the old one for valid and the server does not."""
    with opened(proxy.url, label_studio.personal_token) as studio:
        studio.version()
        proxy.faults.append(Fault(reading, status=401))
        studio.version()

    assert sum("token/refresh" in each.path for each in proxy.asked) == 2


def test_a_gateway_that_answers_the_exchange_with_a_page_can_be_asked_again(
    label_studio: LabelStudioServer, proxy: StudioProxy
) -> None:
    proxy.faults.append(
        Fault(lambda asked: "token/refresh" in asked.path, status=502, body=b"<html>bad gateway</html>")
    )
    with opened(proxy.url, label_studio.personal_token) as studio:
        assert studio.version() == "1.23.2"


def test_neither_tokens_nor_pictures_nor_answers_are_logged(
    label_studio: LabelStudioServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for token in (label_studio.token, label_studio.personal_token):
        with opened(label_studio.url, token) as studio:
            project = studio.ensure_project(f"log {uuid4().hex[:8]}", CLASSES, has_reference=False)
            task = label_task(data={"part": "PART-IN-NO-LOG"})
            studio.push(project.id, [task])
            list(studio.updated_since(project.id, None))

    written = caplog.text
    assert "api/projects" in written, "nothing was logged at all: this test sees nothing"
    assert label_studio.token not in written
    assert label_studio.personal_token not in written
    assert "PART-IN-NO-LOG" not in written
    assert "Bearer" not in written


def test_a_call_outside_its_with_block_is_a_mistake(label_studio: LabelStudioServer) -> None:
    studio = LabelStudio(label_studio.url, Token(label_studio.token))

    with pytest.raises(RuntimeError, match="in a `with` block"):
        studio.version()


def test_a_slow_answer_within_the_limit_is_waited_for(
    label_studio: LabelStudioServer, project: StudioProject, proxy: StudioProxy
) -> None:
    def slowly(asked: Asked) -> bool:
        time.sleep(1.0)
        return False

    proxy.faults.append(Fault(slowly))
    with opened(proxy.url, label_studio.token, timeout_s=30.0) as studio:
        assert studio.task_count(project.id) == 0


def test_no_session_outlives_the_token(label_studio: LabelStudioServer, proxy: StudioProxy) -> None:
    """Label Studio answers a token with a session's cookie; sent back, it would stand in for the token."""
    with opened(proxy.url, label_studio.token) as studio:
        studio.version()
        studio.find_project("any")

    assert [asked.has_cookie for asked in proxy.asked] == [False] * len(proxy.asked)
