"""Headers that tell browsers to trust nothing of an API response but its bytes."""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: under that, browsers send `Origin: null` with our own login form, and the login refuses it
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The login form has one inline style sheet, no script, and posts to itself.
LOGIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


class SecurityHeaders:
    """Adds security headers to every response, and a policy that allows nothing to those of the API.

    Pure ASGI, so streamed responses stay streams. A response that brings a policy of its own keeps it.

    Args:
        app: what it wraps.
        strict_prefixes: paths whose responses no browser should render: all but the page.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        strict_prefixes: Sequence[str] = ("/v1", "/metrics", "/healthz", "/readyz", "/openapi.json"),
    ) -> None:
        self._app = app
        self._strict_prefixes = tuple(strict_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add headers to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_strict = scope["path"].startswith(self._strict_prefixes)

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if is_strict:
                    headers.setdefault("Content-Security-Policy", _STRICT_POLICY)
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, add_headers)
