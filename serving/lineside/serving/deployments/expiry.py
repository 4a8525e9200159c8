"""Says in time that a deployment is about to expire: from then on its parts are NOT_INSPECTED."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from lineside.serving.clock import Clock
from lineside.serving.deployments.book import DeploymentRecord, Standing
from lineside.serving.deployments.service import DeploymentService

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 60.0


class ExpiryWatch:
    """Logs once when a deployment in force comes near its end, and once when it has ended.

    Args:
        deployments: what is in force.
        clock: tells how near.
        warn_before: how long before the end.
    """

    def __init__(self, deployments: DeploymentService, *, clock: Clock, warn_before: timedelta) -> None:
        self._deployments = deployments
        self._clock = clock
        self._warn_before = warn_before
        self._said: dict[str, Standing] = {}
        self._stopping = asyncio.Event()

    def look(self) -> None:
        """Say what is to be said now."""
        now = self._clock.now()
        for record in self._deployments.book.records:
            standing = self._deployments.book.standing(record, now)
            left = record.deployment.expires_at - now
            facts = {
                "serial": record.serial,
                "release": record.deployment.release.name,
                "mode": record.deployment.mode.value,
                "expires_at": record.deployment.expires_at.isoformat(),
            }
            if standing is Standing.EXPIRED and self._said.get(record.id) is not Standing.EXPIRED:
                self._said[record.id] = Standing.EXPIRED
                _log.error("deployment_expired", **facts)
            elif standing is Standing.IN_FORCE and left <= self._warn_before and record.id not in self._said:
                self._said[record.id] = Standing.IN_FORCE
                _log.warning("deployment_expires_soon", hours_left=round(left.total_seconds() / 3600.0, 1), **facts)

    def seconds_left(self) -> Mapping[DeploymentRecord, float]:
        """Time to the end of each deployment in force, negative where it has ended."""
        now = self._clock.now()
        return {
            record: (record.deployment.expires_at - now).total_seconds()
            for record in self._deployments.book.records
            if self._deployments.book.standing(record, now) in {Standing.IN_FORCE, Standing.EXPIRED}
        }

    async def run_forever(self) -> None:
        """Look every minute until `stop`."""
        while not self._stopping.is_set():
            self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_EVERY_S)

    def stop(self) -> None:
        """End `run_forever`."""
        self._stopping.set()
