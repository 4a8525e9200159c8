"""HTTP basic authentication with an API key as the password: the only credentials that Label Studio can send.

Only its own routes take them. No answer of ours asks a browser for a password, so none keeps one and sends it along.
"""

import base64

from fastapi import Request

from lineside.serving.errors import NotAuthenticated
from lineside.serving.security.guard import Allow, principal_of_key
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import Action


class AllowPassword(Allow):
    """As `Allow`, also by basic authentication; the user's name says nothing, the password is a key."""

    async def __call__(self, request: Request) -> Principal:
        """Who makes the request; raises as `Allow`."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return await super().__call__(request)
        return self.permitted(await principal_of_key(request, _password(encoded)))


def allow_password(action: Action) -> AllowPassword:
    """Open a route to the roles that have an action, by key or with the key as a password."""
    return AllowPassword(action)


def _password(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError as error:
        raise NotAuthenticated("the Authorization header is not of the form `Basic` and base64 of user:key") from error
    return text.partition(":")[2]
