"""The clock as far as it does not step back, also over a restart: what has expired stays expired.

A station may run for weeks without its server. Its clock is then all that ends a deployment, and a clock that is set
back, or starts anew after a power cut, would bring an expired one back.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from lineside.client.clock import Clock
from lineside.client.durable_files import write_durably
from lineside.station.own_engine.errors import KitStoreFailed, NoKit

_WRITE_EVERY: Final = timedelta(minutes=10)
"""A restart may lose as much of the time; an expiry that was seen is written at once."""
_log = structlog.get_logger("lineside.station")


class SteadyClock:
    """Tells the time, never earlier than it told before.

    Args:
        path: where the latest time is kept; made with the first kit.
        clock: the station's.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._kept: datetime | None = None
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """The latest time that was seen; aware.

        Raises:
            NoKit: the file is damaged: nobody can say what has expired.
        """
        now = self._clock.now()
        if self._latest is None:
            self._kept = self._load()
            self._latest = self._kept or now
            if self._latest > now + _WRITE_EVERY:
                _log.warning("clock_behind", now=now.isoformat(), was=self._latest.isoformat(), file=str(self._path))
        self._latest = max(now, self._latest)
        return self._latest

    def keep(self, *, expires_at: datetime | None = None) -> None:
        """Remember the time on disk; blocks.

        Args:
            expires_at: of the deployment that counts: until then, it is written every few minutes only.

        Raises:
            NoKit: the file is damaged.
            KitStoreFailed: the disk does not take it.
        """
        now = self.now()
        if expires_at is not None and self._kept is not None:
            has_expired = self._kept < expires_at <= now
            if now < self._kept + _WRITE_EVERY and not has_expired:
                return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            body = json.dumps({"latest": now.isoformat()}).encode()
            write_durably(self._path.with_name(f".{secrets.token_hex(8)}"), self._path, body)
        except OSError as error:
            raise KitStoreFailed(f"{self._path} cannot be written: {error}") from error
        self._kept = now

    def _load(self) -> datetime | None:
        try:
            return datetime.fromisoformat(json.loads(self._path.read_bytes())["latest"]).astimezone(UTC)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NoKit(
                f"{self._path}, which says what time it was here at the latest, cannot be read ({error}): set the "
                "clock right, then remove the file"
            ) from error
