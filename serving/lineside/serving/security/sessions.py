"""Page logins: a signed cookie that names a key, and nothing else kept anywhere."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta

from lineside.serving.clock import Clock

COOKIE_NAME = "lineside_session"
CSRF_HEADER = "Lineside-CSRF"
_LONGEST_COOKIE = 512


@dataclass(frozen=True, slots=True)
class Session:
    """A login that has not expired.

    Attributes:
        key_id: the key it was made with; the login ends with it.
        expires_unix_s: when it ends by itself.
    """

    key_id: str
    expires_unix_s: int


class SessionSigner:
    """Makes and reads session cookies: `base64(JSON).base64(HMAC-SHA256)`.

    Args:
        secret: what cookies are signed with.
        clock: for their expiry.
        hours: how long a login lasts.
    """

    def __init__(self, secret: bytes, *, clock: Clock, hours: float) -> None:
        self._secret = secret
        self._clock = clock
        self._lifetime = timedelta(hours=hours)

    @property
    def lifetime_s(self) -> int:
        """How long a login lasts, in seconds."""
        return int(self._lifetime.total_seconds())

    def issue(self, key_id: str) -> str:
        """A cookie value for a login with that key."""
        expires = int((self._clock.now() + self._lifetime).timestamp())
        payload = _encode(json.dumps({"exp": expires, "key": key_id}, sort_keys=True).encode())
        return f"{payload}.{self._sign(b'session', payload)}"

    def read(self, cookie: str) -> Session | None:
        """The login that a cookie stands for; None if it was not signed here or has ended."""
        if len(cookie) > _LONGEST_COOKIE:
            return None
        payload, _, signature = cookie.partition(".")
        if not hmac.compare_digest(self._sign(b"session", payload).encode(), signature.encode()):
            return None
        try:
            fields = json.loads(_decode(payload))
            session = Session(str(fields["key"]), int(fields["exp"]))
        except (binascii.Error, ValueError, KeyError, TypeError):
            return None  # signed by an earlier version with other fields
        return session if self._clock.now().timestamp() < session.expires_unix_s else None

    def csrf_token(self, cookie: str) -> str:
        """What a request that changes something must send in `Lineside-CSRF` beside that cookie."""
        return self._sign(b"csrf", cookie)

    def is_csrf_token(self, cookie: str, token: str) -> bool:
        """Whether the token belongs to the cookie."""
        return hmac.compare_digest(self.csrf_token(cookie).encode(), token.encode())

    def _sign(self, purpose: bytes, text: str) -> str:
        return _encode(hmac.new(self._secret, purpose + b"\0" + text.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
