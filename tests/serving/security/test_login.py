from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from lineside.serving.security import COOKIE_NAME, CSRF_HEADER, Role, SecurityHeaders, SessionGate
from plant import Plant, open_plant


@pytest.fixture
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=None) as plant:
        yield plant


def log_in(plant: Plant, role: Role, **form: str) -> int:
    answer = plant.http.post("/login", data={"key": plant.keys[role], "next": "/page", **form}, follow_redirects=False)
    return answer.status_code


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_cannot_use(plant: Plant) -> None:
    answer = plant.http.post("/login", data={"key": plant.keys[Role.QUALITY], "next": "/page"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/page")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE_NAME}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert plant.keys[Role.QUALITY].lower() not in cookie
    assert plant.http.get("/v1/session").json()["role"] == "quality"


@pytest.mark.parametrize("role", [Role.STATION, Role.MES])
def test_a_programs_key_opens_no_page(plant: Plant, role: Role) -> None:
    assert log_in(plant, role) == 401
    assert plant.http.get("/v1/session").status_code == 401


def test_a_change_by_login_needs_its_token(plant: Plant) -> None:
    assert log_in(plant, Role.ADMIN) == 303
    settings = {"name": "AOI 2"}
    without = plant.http.put("/v1/stations/aoi-2", json=settings)
    assert (without.status_code, without.json()["type"]) == (403, "/problems/cross-site-refused")
    wrong = plant.http.put("/v1/stations/aoi-2", json=settings, headers={CSRF_HEADER: "guess"})
    assert wrong.status_code == 403
    token = plant.http.get("/v1/session").json()["csrf_token"]
    right = plant.http.put("/v1/stations/aoi-2", json=settings, headers={CSRF_HEADER: token})
    assert right.status_code == 200


def test_logging_out_forgets_the_login(plant: Plant) -> None:
    assert log_in(plant, Role.VIEWER) == 303
    plant.http.post("/logout", follow_redirects=False)
    assert plant.http.get("/v1/session").status_code == 401


def test_a_login_never_leads_to_another_site(plant: Plant) -> None:
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\r\nSet-Cookie: x=y"):
        answer = plant.http.post(
            "/login", data={"key": plant.keys[Role.VIEWER], "next": target}, follow_redirects=False
        )
        assert answer.headers["location"] == "/", target


def test_another_sites_form_is_refused(plant: Plant) -> None:
    form = {"key": plant.keys[Role.VIEWER]}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert plant.http.post("/login", data=form, headers=headers).status_code == 403
    own = plant.http.post("/login", data=form, headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert own.status_code == 303


def test_guessing_is_slowed_down_and_told_how_long(plant: Plant) -> None:
    answers = [plant.http.post("/login", data={"key": "guess"}) for _ in range(21)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_the_form_escapes_what_it_is_given_and_runs_no_script(plant: Plant) -> None:
    page = plant.http.get("/login", params={"next": '/"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_form_of_megabytes_is_not_read(plant: Plant) -> None:
    assert plant.http.post("/login", data={"key": "x" * 1_000_000}).status_code == 413


def gated(plant: Plant) -> FastAPI:
    """An app with a page and a web socket behind the gate, on the plant's keys."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = plant.services

    @app.get("/page/live")
    async def page() -> str:
        return "frames"

    @app.websocket("/page/ws")
    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_text("frames")
        await connection.close()

    app.add_middleware(SessionGate, prefixes=("/page",))
    app.add_middleware(SecurityHeaders)
    return app


def test_the_gate_lets_in_who_is_logged_in_and_sends_others_to_the_form(plant: Plant) -> None:
    with TestClient(gated(plant)) as browser:
        away = browser.get("/page/live", follow_redirects=False)
        assert (away.status_code, away.headers["location"]) == (303, "/login?next=/page/live")
        assert away.headers["x-frame-options"] == "DENY"
        asking = browser.get("/page/live?station=aoi-1&lang=ko", follow_redirects=False)
        assert asking.headers["location"] == "/login?next=/page/live%3Fstation%3Daoi-1%26lang%3Dko"
        with pytest.raises(WebSocketDisconnect) as closed, browser.websocket_connect("/page/ws"):
            pass
        assert closed.value.code == 1008
        cookie = plant.services.keys.sessions.issue(plant.services.keys.list_keys()[0].id)
        holder = plant.services.keys.list_keys()[0]
        assert holder.role is Role.STATION  # the first of the enum: may not view the page
        browser.cookies.set(COOKIE_NAME, cookie)
        assert browser.get("/page/live", follow_redirects=False).status_code == 303
        admin = next(key for key in plant.services.keys.list_keys() if key.role is Role.ADMIN)
        browser.cookies.set(COOKIE_NAME, plant.services.keys.sessions.issue(admin.id))
        assert browser.get("/page/live").json() == "frames"
        with browser.websocket_connect("/page/ws") as connection:
            assert connection.receive_text() == "frames"
