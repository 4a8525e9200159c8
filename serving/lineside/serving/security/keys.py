"""API keys: made once, shown once, stored as an HMAC, checked from memory."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from lineside.serving.clock import Clock
from lineside.serving.errors import KeyRefused, NotAllowed, NotAuthenticated, TooManyFailures, UnknownKey
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.tables import api_keys
from lineside.serving.security.limiter import FailureLimiter
from lineside.serving.security.principal import Principal
from lineside.serving.security.roles import Role
from lineside.serving.security.sessions import SessionSigner

KEY_PREFIX: Final = "lsk_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES = 32
_ENCODED_LENGTH = 43  # base62 digits that 256 bits need
_RECHECK_S = 0.9  # what another process revokes must hold within a second; the read itself takes milliseconds
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed, without its secret.

    Attributes:
        id: UUIDv7, as verdicts and logs name it.
        name: whose it is.
        role: what it is for.
        station: the one station it acts for; None for every role but station.
        created_at: aware UTC instant.
        expires_at: from this instant on it is refused; None sets no end.
        revoked_at: when it was revoked; None while it holds.
    """

    id: str
    name: str
    role: Role
    station: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it may be used at that aware instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who acts with it."""
        return Principal(self.id, self.name, self.role, self.station)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made.

    Attributes:
        key: what is stored of it.
        secret: the whole key, `lsk_...`; this is the only time anybody sees it.
    """

    key: ApiKey
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out: records end up in logs."""
        return f"NewKey(key={self.key!r}, secret=<hidden>)"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """All keys as they stood when they were read."""

    by_hmac: Mapping[str, ApiKey]
    by_id: Mapping[str, ApiKey]
    read_at_s: float


class KeyService:
    """Makes, revokes and checks API keys, and holds what logins need.

    The server checks from memory and reads the table again when its copy is older than a second, so a revocation by
    another process (`lineside keys revoke`) holds within that time. A key costs one HMAC to check.

    Args:
        ledger: where the keys are; for making and revoking, open to write (`Ledger.open_beside` is enough).
        clock: for expiry and for the age of the copy.
        pepper: the server's secret, without which a stolen table of keys proves nothing.
        session_hours: how long a page login lasts.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock, pepper: bytes, session_hours: float = 12.0) -> None:
        self._ledger = ledger
        self._clock = clock
        self._pepper = pepper
        self._snapshot = _Snapshot({}, {}, float("-inf"))
        self._refreshing = asyncio.Lock()
        self.sessions = SessionSigner(
            hmac.new(pepper, b"session cookies", hashlib.sha256).digest(), clock=clock, hours=session_hours
        )
        self.failures = FailureLimiter(clock)

    def create(
        self,
        name: str,
        role: Role,
        *,
        station: str | None = None,
        expires_at: datetime | None = None,
    ) -> NewKey:
        """Make a key. Blocks until it is on disk.

        Raises:
            KeyRefused: a station's key without a station, another with one, an empty name, or an expiry in the past.
        """
        if not 1 <= len(name.strip()) <= _LONGEST_NAME:
            raise KeyRefused(f"a key needs a name of 1 to {_LONGEST_NAME} characters, got {len(name.strip())}")
        if (role is Role.STATION) != (station is not None):
            raise KeyRefused(
                f"role {role.value!r} with station {station!r}: a station's key names its station, others name none"
            )
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise KeyRefused(f"the key would expire at {expires_at.isoformat()}, which is past")
        secret = new_secret()
        key = ApiKey(self._ledger.new_id(), name.strip(), role, station, now, expires_at, None)
        row = {
            "id": key.id,
            "name": key.name,
            "role": role.value,
            "station": station,
            "key_hmac": self._hmac(secret),
            "created_at": now,
            "expires_at": expires_at,
        }

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(insert(api_keys).values(**row))

        self._ledger.write_blocking(write)
        self._forget_snapshot()
        return NewKey(key, secret)

    def revoke(self, key_id: str) -> ApiKey:
        """Void a key and every login made with it. Blocks until it is on disk; harmless when repeated.

        Raises:
            UnknownKey: there is none of that identifier.
        """
        now = self._clock.now()

        def write(transaction: Transaction) -> ApiKey:
            transaction.connection.execute(
                update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
            )
            found = [key for key, _ in _read_keys(transaction.connection) if key.id == key_id]
            if not found:
                raise UnknownKey(f"no key {key_id!r}; `lineside keys list` shows them")
            return found[0]

        revoked = self._ledger.write_blocking(write)
        self._forget_snapshot()
        return revoked

    def list_keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first, revoked and expired ones too. Blocks while it reads."""
        return [key for key, _ in self._ledger.read_blocking(_read_keys)]

    def has_keys(self) -> bool:
        """Whether any key was ever made: the first start makes some."""
        return bool(self.list_keys())

    async def find(self, secret: str, *, address: str) -> Principal | None:
        """Who holds that key; None if nobody does, or if it expired or was revoked.

        Args:
            secret: the key as the client sent it.
            address: where it came from; once it sent many bad ones, unknown keys are no longer looked up for it.

        Raises:
            LedgerUnavailable: the keys cannot be read again.
        """
        key_hmac = self._hmac(secret)
        snapshot = await self._fresh_snapshot()
        key = snapshot.by_hmac.get(key_hmac)
        if key is None and not self.failures.is_blocked(address) and _has_key_form(secret):
            # it may have been made this very second by another process
            snapshot = await self._fresh_snapshot(newer_than_s=self._clock.monotonic())
            key = snapshot.by_hmac.get(key_hmac)
        if key is not None and key.is_valid(self._clock.now()):
            return key.principal
        if key is None:  # whoever holds a key that has ended does not guess
            self.failures.record(address)
        return None

    def refusal(self, secret: str, *, address: str) -> NotAllowed:
        """Why `find` found nobody: an error to raise."""
        ended = self._snapshot.by_hmac.get(self._hmac(secret))
        if ended is not None:
            how = "revoked" if ended.revoked_at is not None else "set to expire"
            at = ended.revoked_at or ended.expires_at
            when = "" if at is None else f" at {at.isoformat()}"
            return NotAuthenticated(f"the key {ended.name!r} was {how}{when}: have a new one made")
        wait_s = self.failures.retry_after_s(address)
        if wait_s > 0:
            return TooManyFailures(
                f"too many bad keys came from {address}: wait {wait_s} s; valid keys are not held back",
                retry_after_s=wait_s,
            )
        return NotAuthenticated("the key is unknown: have one made with `lineside keys create`")

    async def find_session(self, cookie: str) -> Principal | None:
        """Who logged in with that session cookie; None once it or its key has ended."""
        session = self.sessions.read(cookie)
        if session is None:
            return None
        key = (await self._fresh_snapshot()).by_id.get(session.key_id)
        return key.principal if key is not None and key.is_valid(self._clock.now()) else None

    def _hmac(self, secret: str) -> str:
        return hmac.new(self._pepper, secret.encode(), hashlib.sha256).hexdigest()

    def _forget_snapshot(self) -> None:
        self._snapshot = _Snapshot({}, {}, float("-inf"))

    async def _fresh_snapshot(self, *, newer_than_s: float | None = None) -> _Snapshot:
        """The copy if it is young enough, else a new one; requests that come meanwhile share one read."""
        oldest_s = self._clock.monotonic() - _RECHECK_S if newer_than_s is None else newer_than_s
        if self._snapshot.read_at_s >= oldest_s:
            return self._snapshot
        async with self._refreshing:
            if self._snapshot.read_at_s < oldest_s:
                read_at_s = self._clock.monotonic()  # before the read: what changes during it counts as unseen
                rows = await self._ledger.read(_read_keys)
                self._snapshot = _Snapshot(
                    {key_hmac: key for key, key_hmac in rows}, {key.id: key for key, _ in rows}, read_at_s
                )
            return self._snapshot


def new_secret() -> str:
    """A fresh key: `lsk_` and 256 random bits in base62."""
    number = int.from_bytes(secrets.token_bytes(_SECRET_BYTES))
    digits = []
    for _ in range(_ENCODED_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return KEY_PREFIX + "".join(reversed(digits))


def _has_key_form(secret: str) -> bool:
    return secret.startswith(KEY_PREFIX) and len(secret) == len(KEY_PREFIX) + _ENCODED_LENGTH


def _read_keys(connection: Connection) -> list[tuple[ApiKey, str]]:
    rows = connection.execute(select(api_keys).order_by(api_keys.c.id))
    return [
        (
            ApiKey(row.id, row.name, Role(row.role), row.station, row.created_at, row.expires_at, row.revoked_at),
            row.key_hmac,
        )
        for row in rows
    ]
