"""Every route is shut by default and opened to named roles; an app with a forgotten route does not start."""

from collections.abc import Collection, Iterator

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import HTTPConnection

from lineside.serving.errors import (
    CrossSiteRefused,
    NotAuthenticated,
    RoleRefused,
    UnguardedRoute,
)
from lineside.serving.security.keys import KeyService
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import Action
from lineside.serving.security.sessions import COOKIE_NAME, CSRF_HEADER

_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Allow:
    """A dependency that lets through the roles whose row in the table has an action; make it with `allow`."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request) -> Principal:
        """Who makes the request.

        Raises:
            NotAuthenticated: no valid key or login.
            TooManyFailures: the same, once too often from one address.
            RoleRefused: the role may not do that.
            CrossSiteRefused: a change by login without its CSRF token.
        """
        return self.permitted(await authenticate(request))

    def permitted(self, principal: Principal) -> Principal:
        """The principal, if its role has the action.

        Raises:
            RoleRefused: it has not.
        """
        if not principal.may(self.action):
            raise RoleRefused(
                f"the role {principal.role.value!r} of key {principal.name!r} may not {self.action.value}: "
                "use a key of a role that may, or have one made"
            )
        return principal


class Public:
    """A dependency that marks a route as open to everybody; make it with `public`."""

    async def __call__(self) -> None:
        """Let everybody through."""


def allow(action: Action) -> Allow:
    """Open a route to the roles that have an action: `Depends(allow(Action.X))` gives the `Principal`."""
    return Allow(action)


def public() -> Public:
    """Open a route to everybody: `Depends(public())`; for probes and the login alone."""
    return Public()


async def authenticate(request: Request) -> Principal:
    """Who makes a request, by its key or its login.

    Raises:
        NotAuthenticated, TooManyFailures, CrossSiteRefused: as `Allow`.
    """
    keys = key_service(request)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return await _by_authorization(request, authorization)
    cookie = request.cookies.get(COOKIE_NAME)
    principal = None if cookie is None else await keys.find_session(cookie)
    if cookie is None or principal is None:
        raise NotAuthenticated("the request has no valid key: send `Authorization: Bearer lsk_...`, or log in")
    if request.method not in _SAFE_METHODS:
        token = request.headers.get(CSRF_HEADER, "")
        if not keys.sessions.is_csrf_token(cookie, token):
            raise CrossSiteRefused(
                f"a change by login needs its token in the header {CSRF_HEADER}: GET /v1/session gives it"
            )
    return principal


async def _by_authorization(request: Request, authorization: str) -> Principal:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotAuthenticated("the Authorization header is not of the form `Bearer lsk_...`")
    return await principal_of_key(request, secret.strip())


async def principal_of_key(request: Request, secret: str) -> Principal:
    """Who holds a key that came with a request.

    Raises:
        NotAuthenticated, TooManyFailures: nobody does.
    """
    keys, address = key_service(request), address_of(request)
    principal = await keys.find(secret, address=address)
    if principal is None:
        raise keys.refusal(secret, address=address)
    return principal


def key_service(connection: HTTPConnection) -> KeyService:
    """The keys of the app that serves this connection."""
    keys: KeyService = connection.app.state.services.keys
    return keys


def address_of(connection: HTTPConnection) -> str:
    """The peer's address. X-Forwarded-For is not looked at: anybody can write anything there."""
    return "unknown" if connection.client is None else connection.client.host


def check_every_route_is_guarded(app: FastAPI, *, gated_prefixes: Collection[str] = ()) -> None:
    """Refuse an app with a route that nobody decided about.

    Args:
        app: the app, all its routers included.
        gated_prefixes: paths that a `SessionGate` stands before (the page).

    Raises:
        UnguardedRoute: naming the routes.
    """
    unguarded = []
    for context in iter_route_contexts(app.routes):
        path = context.path or "/"
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in gated_prefixes):
            continue
        is_api = isinstance(context.original_route, APIRoute)
        marks = [call for call in _calls(context.dependant) if isinstance(call, Allow | Public)] if is_api else []
        if len(marks) != 1:
            methods = ",".join(sorted(context.methods or ())) or type(context.original_route).__name__
            unguarded.append(f"{methods} {path} ({len(marks)} guards)")
    if unguarded:
        raise UnguardedRoute(
            f"each route needs exactly one of Depends(allow(...)) and Depends(public()): {'; '.join(unguarded)}"
        )


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)
