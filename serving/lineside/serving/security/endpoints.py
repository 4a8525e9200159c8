"""The page's login: a form, a cookie, and who one is."""

import html
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from lineside.serving.errors import BodyTooLarge, CrossSiteRefused
from lineside.serving.security.gate import LOGIN_PATH
from lineside.serving.security.guard import address_of, allow, key_service, public
from lineside.serving.security.headers import LOGIN_POLICY
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import Action, Role
from lineside.serving.security.sessions import COOKIE_NAME

router = APIRouter(tags=["session"])

_LONGEST_FORM = 4096
_FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lineside</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font-family:system-ui,sans-serif;max-width:24rem;margin:15vh auto;padding:0 1rem}}
input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.6rem;margin:.3rem 0}}
[role=alert]{{color:#b00020}}</style></head>
<body><h1>Lineside</h1>
<form method="post" action="{path}">
<input type="hidden" name="next" value="{next_path}">
<label for="key">Key / 키</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in / 로그인</button>
{alert}</form></body></html>
"""


class SessionOut(BaseModel):
    """Who makes this request."""

    key_id: str
    name: str
    role: Role
    station: str | None
    csrf_token: str | None


@router.get(LOGIN_PATH, include_in_schema=False, dependencies=[Depends(public())])
async def show_login(next: str = "/") -> HTMLResponse:  # noqa: A002 - the query's usual name
    """The login form."""
    return _form(next, alert=None, status=HTTPStatus.OK)


@router.post(LOGIN_PATH, include_in_schema=False, dependencies=[Depends(public())])
async def log_in(request: Request) -> Response:
    """Exchange a key for a session cookie."""
    _require_same_site(request)
    form = await _read_form(request)
    keys, address = key_service(request), address_of(request)
    next_path = form.get("next", "/")
    principal = await keys.find(form.get("key", "").strip(), address=address)
    wait_s = keys.failures.retry_after_s(address)
    if principal is None and wait_s > 0:
        alert = f"Too many bad keys: wait {wait_s} s. / 잘못된 키가 너무 많습니다. {wait_s}초 기다리세요."
        response = _form(next_path, alert=alert, status=HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(wait_s)
        return response
    if principal is None or not principal.may(Action.VIEW_PAGE):
        alert = "This key opens no page. / 이 키로는 로그인할 수 없습니다."
        return _form(next_path, alert=alert, status=HTTPStatus.UNAUTHORIZED)
    redirect = RedirectResponse(_own_path(next_path), status_code=HTTPStatus.SEE_OTHER)
    redirect.set_cookie(
        COOKIE_NAME,
        keys.sessions.issue(principal.key_id),
        max_age=keys.sessions.lifetime_s,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return redirect


@router.post("/logout", include_in_schema=False, dependencies=[Depends(public())])
async def log_out(request: Request) -> Response:
    """Forget the session cookie."""
    _require_same_site(request)
    redirect = RedirectResponse(LOGIN_PATH, status_code=HTTPStatus.SEE_OTHER)
    redirect.delete_cookie(COOKIE_NAME, httponly=True, samesite="strict")
    return redirect


@router.get("/v1/session")
async def get_session(
    request: Request, principal: Annotated[Principal, Depends(allow(Action.READ_SESSION))]
) -> SessionOut:
    """Who makes this request; for a login also the token that changes need in `Lineside-CSRF`."""
    cookie = request.cookies.get(COOKIE_NAME)
    by_login = cookie is not None and "authorization" not in request.headers
    return SessionOut(
        key_id=principal.key_id,
        name=principal.name,
        role=principal.role,
        station=principal.station,
        csrf_token=key_service(request).sessions.csrf_token(cookie) if cookie is not None and by_login else None,
    )


def _form(next_path: str, *, alert: str | None, status: HTTPStatus) -> HTMLResponse:
    page = _FORM.format(
        path=LOGIN_PATH,
        next_path=html.escape(_own_path(next_path)),
        alert="" if alert is None else f'<p role="alert">{html.escape(alert)}</p>',
    )
    headers = {"Content-Security-Policy": LOGIN_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(page, status_code=status, headers=headers)


def _own_path(path: str) -> str:
    """The path if it leads to this server, else its root: a login must not send anybody elsewhere."""
    parts = urlsplit(path)
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_own and not parts.scheme and not parts.netloc and path.isprintable() else "/"


def _require_same_site(request: Request) -> None:
    """Refuse a form that another site posts: cookies cannot protect the request that sets them."""
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and urlsplit(origin).netloc == request.headers.get("host"):
        return
    if origin is None and request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
        return
    raise CrossSiteRefused(f"the form came from {origin or 'another site'!r}; log in on this server's own page")


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise BodyTooLarge(f"the form has more than {_LONGEST_FORM} bytes")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
