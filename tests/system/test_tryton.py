"""A real ERP learns from us what failed: a line judges, the webhook tells, a plant's adapter files it in Tryton.

Tryton 8.2 runs in an environment and a process of its own, on SQLite, and is spoken to over its JSON-RPC. That a part
failed is what Tryton finds from the tolerances of its own quality control, not what the adapter writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook

from live_server import listening
from mes_line import SECRET, MesLine, mes_line
from plant import bad_board, good_board
from tryton import QualityDesk, Tryton, running_tryton

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Erp:
    """Tryton, the desk that files in it, and where the webhook goes."""

    desk: QualityDesk
    tryton: Tryton
    webhook_url: str


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erp]:
    with running_tryton(tmp_path_factory.mktemp("tryton") / "home") as tryton:
        desk = QualityDesk(tryton)
        with listening(adapter(desk)) as url:
            yield Erp(desk, tryton, f"{url}/lineside")


def adapter(desk: QualityDesk) -> FastAPI:
    """What a plant puts between our webhook and its ERP: prove, read, file."""
    app = FastAPI()
    secret = Webhook(SECRET)

    @app.post("/lineside")
    async def take(request: Request) -> Response:
        body = await request.body()
        secret.verify(body, dict(request.headers))
        event = from_http_event(HTTPMessage(headers=dict(request.headers), body=body))
        data = event.get_data()
        if event.get_type() == "org.lineside.inspection.v1":
            assert isinstance(data, dict)
            desk.file(event.get_source(), data)
        return Response(status_code=204)

    return app


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, erp: Erp) -> Iterator[MesLine]:
    """A line whose three parts Tryton was told of, the failed one twice."""
    with mes_line(tmp_path_factory.mktemp("line")) as line:
        for part_id, body in (("P00006", good_board(6)), ("P00007", bad_board(7)), ("P00008", b"no picture")):
            answer = line.server.post(body, part_id)
            assert answer.status_code == 200, answer.text
        line.tell(erp.webhook_url)
        line.tell(erp.webhook_url, again=True)
        yield line


def test_the_erp_shows_the_failed_part_with_an_alert_that_it_opened_itself(told: MesLine, erp: Erp) -> None:
    (failed,) = erp.desk.shown("failed")
    assert "P00007" in failed["rec_name"]
    assert failed["reference"] == "P00007 #1 /plant-1/line-1/aoi-1"
    assert failed["points"] == {"defect_count": 1, "is_judged": True}
    (alert,) = erp.tryton.call("quality.alert", "read", failed["alerts"], ["state", "origin"])
    assert alert["state"] == "open"
    assert alert["origin"] == f"quality.inspection,{failed['id']}"


def test_a_good_part_passed_and_one_that_nobody_judged_is_neither(told: MesLine, erp: Erp) -> None:
    assert [each["reference"].split()[0] for each in erp.desk.shown("passed")] == ["P00006"]
    assert [each["reference"].split()[0] for each in erp.desk.shown("pending")] == ["P00008"]


def test_a_retest_is_another_inspection_of_the_same_part(told: MesLine, erp: Erp) -> None:
    server, body = told.server, good_board(70)
    answer = server.post(body, "P00007", said={"attempt": 2, "cause": "retest"})
    assert answer.status_code == 200, answer.text
    told.tell(erp.webhook_url)
    assert [each["reference"].split()[:2] for each in erp.desk.shown("passed")] == [["P00006", "#1"], ["P00007", "#2"]]
    assert len(erp.desk.shown("failed")) == 1
