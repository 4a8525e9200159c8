"""Who may do what, proven by keys and logins; every route is shut by default."""

from lineside.serving.security.endpoints import SessionOut, router
from lineside.serving.security.gate import SessionGate, logged_in
from lineside.serving.security.guard import allow, check_every_route_is_guarded, public
from lineside.serving.security.headers import SecurityHeaders
from lineside.serving.security.keys import ApiKey, KeyService, NewKey
from lineside.serving.security.limiter import FailureLimiter
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import PERMISSIONS, Action, Role
from lineside.serving.security.secret_files import read_or_create_secret
from lineside.serving.security.sessions import COOKIE_NAME, CSRF_HEADER, SessionSigner

__all__ = [
    "COOKIE_NAME",
    "CSRF_HEADER",
    "PERMISSIONS",
    "Action",
    "ApiKey",
    "FailureLimiter",
    "KeyService",
    "NewKey",
    "Principal",
    "Role",
    "SecurityHeaders",
    "SessionGate",
    "SessionOut",
    "SessionSigner",
    "allow",
    "check_every_route_is_guarded",
    "logged_in",
    "public",
    "read_or_create_secret",
    "router",
]
