"""Ends a canary that is worse, differs too much or fails: without waiting for anybody, and with a record of it."""

import asyncio
from functools import partial
from typing import Literal

import structlog

from lineside.inspection.release import DeploymentMode
from lineside.serving.deployments.book import DeploymentRecord
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.errors import DeploymentWithdrawn, UnknownDeployment
from lineside.serving.inspections.schemas import ReleaseOut
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics
from lineside.serving.settings import Settings
from lineside.serving.shadowing import store
from lineside.serving.shadowing.schemas import CanaryEnded, ComparisonOut
from lineside.serving.shadowing.store import Counts
from lineside.statistics.comparison import bounded_rate_e_value

EVIDENCE = 20.0
"""The e-value that ends a canary: by Ville's inequality a harmless one is ended with a chance of 1 in 20 at most."""

BY = "canary watch"

_log = structlog.get_logger(__name__)

Cause = Literal["worse", "disagreement", "not_inspected", "engine_failure", "unusable"]


class CanaryWatch:
    """Decides whether a canary goes on.

    Args:
        settings: the shares that are allowed.
        ledger: holds the comparisons.
        deployments: takes a canary back.
        metrics: counts it.
    """

    def __init__(self, *, settings: Settings, ledger: Ledger, deployments: DeploymentService, metrics: Metrics) -> None:
        self._most_disagreement = settings.canary_max_disagreement
        self._most_not_inspected = settings.canary_max_not_inspected
        self._ledger = ledger
        self._deployments = deployments
        self._metrics = metrics
        self._deciding = asyncio.Lock()

    async def consider(self, deployment_id: str, unwritten: Counts) -> None:
        """End a canary if the evidence says so; a shadow judges nothing and may differ as it likes."""
        async with self._deciding:
            record = self._running_canary(deployment_id)
            if record is None:
                return
            comparison = await self._comparison(deployment_id, unwritten)
            found = self._evidence(comparison)
            if found is not None:
                await self._end(record, *found, comparison)

    async def engine_failed(self, record: DeploymentRecord, unwritten: Counts) -> None:
        """End a canary whose model failed: one part is enough."""
        await self.end(record, "engine_failure", "its model failed on a part", unwritten)

    async def end(self, record: DeploymentRecord, cause: Cause, message: str, unwritten: Counts) -> None:
        """End a canary for a reason that needs no evidence."""
        async with self._deciding:
            if self._running_canary(record.id) is not None:
                await self._end(record, cause, message, await self._comparison(record.id, unwritten))

    def _running_canary(self, deployment_id: str) -> DeploymentRecord | None:
        record = self._deployments.book.find(deployment_id)
        if record is None or record.withdrawal is not None:
            return None
        return record if record.deployment.mode is DeploymentMode.CANARY else None

    async def _comparison(self, deployment_id: str, unwritten: Counts) -> ComparisonOut:
        return await self._ledger.read(partial(store.comparison_of, deployment_id=deployment_id, unwritten=unwritten))

    def _evidence(self, comparison: ComparisonOut) -> tuple[Cause, str] | None:
        if comparison.e_value_worse > EVIDENCE:
            return "worse", (
                f"people agree with the live release on {comparison.live_right} of "
                f"{comparison.live_right + comparison.candidate_right} parts (e = {comparison.e_value_worse:.1f})"
            )
        rates: tuple[tuple[Cause, str, int, int, float], ...] = (
            (
                "disagreement",
                "the two differ on",
                comparison.disagreements,
                comparison.compared,
                self._most_disagreement,
            ),
            (
                "not_inspected",
                "it left NOT_INSPECTED",
                comparison.canary_failures,
                comparison.canary_parts,
                self._most_not_inspected,
            ),
        )
        for cause, what, events, trials, limit in rates:
            e_value = bounded_rate_e_value(events, trials, limit)
            if e_value > EVIDENCE:
                return cause, f"{what} {events} of {trials} parts, above {limit:.0%} (e = {e_value:.1f})"
        return None

    async def _end(self, record: DeploymentRecord, cause: Cause, message: str, comparison: ComparisonOut) -> None:
        release = record.deployment.release
        ended = CanaryEnded(
            deployment_id=record.id,
            serial=record.serial,
            release=ReleaseOut(name=release.name, version=release.version, digest=release.digest),
            state="rolled_back",
            cause=cause,
            message=message,
            comparison=comparison,
        )
        try:
            await self._deployments.withdraw(
                record.id, by=BY, reason=message, also=partial(store.add_canary_end, ended=ended)
            )
        except (DeploymentWithdrawn, UnknownDeployment):
            return  # somebody was faster
        self._metrics.canary_rolled_back(cause)
        _log.error("canary_rolled_back", serial=record.serial, release=release.name, cause=cause, reason=message)
