"""The page's door: everything under its prefix, web sockets too, needs a login."""

from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lineside.serving.security.guard import key_service
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import Action
from lineside.serving.security.sessions import COOKIE_NAME

LOGIN_PATH = "/login"
_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


class SessionGate:
    """Sends whoever is not logged in to the login form.

    Pure ASGI: unlike a dependency it also covers what is mounted (NiceGUI's pages, files and web socket).

    Args:
        app: what it wraps.
        prefixes: the paths it stands before.
    """

    def __init__(self, app: ASGIApp, *, prefixes: Sequence[str]) -> None:
        self._app = app
        self._prefixes = tuple(prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed; redirect or close the rest."""
        if scope["type"] not in {"http", "websocket"} or not self._is_gated(scope["path"]):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        principal = await logged_in(connection)
        if principal is not None and principal.may(Action.VIEW_PAGE):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "log in"})
        else:
            query = scope.get("query_string", b"").decode("latin-1")
            wanted = f"{scope['path']}?{query}" if query else scope["path"]
            response = RedirectResponse(f"{LOGIN_PATH}?next={quote(wanted)}", status_code=303)
            await response(scope, receive, send)

    def _is_gated(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self._prefixes)


async def logged_in(connection: HTTPConnection) -> Principal | None:
    """Who is logged in on this connection; None if nobody is."""
    try:
        cookies = SimpleCookie(connection.headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(COOKIE_NAME)
    return None if morsel is None else await key_service(connection).find_session(morsel.value)
