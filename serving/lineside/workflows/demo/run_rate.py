"""The defect rate of one demonstration, as the server has it: the truth plays no part in it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside.client import LinesideClient
from lineside.statistics.rates import (
    FlaggedStratum,
    KnownReads,
    PassedStratum,
    RateCounts,
    RateEstimate,
    ReviewerReads,
    estimate_rate,
)
from lineside.workflows.demo.site import STATION

_SETTLED_WITHIN_S = 30.0  # the counts follow the log by moments; longer, and the summary says what is still open
_ASK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class RunRate:
    """The rate of a run's parts.

    Attributes:
        estimate: point, interval and all that belongs to them.
        audited: passed parts that a person looked at.
        escapes_found: defective ones among them.
        recall_prior: what was believed of the recall beforehand, in words.
    """

    estimate: RateEstimate
    audited: int
    escapes_found: int
    recall_prior: str


async def ask_run_rate(
    quality: LinesideClient, *, lots: Sequence[str], since: datetime, judged: int, audit_share: float
) -> RunRate:
    """Ask the server for the counts of a run's lots, once it has counted all of them, and estimate their rate.

    The server's own total is of whole quarters of an hour, in which another run may have passed. So the strata of this
    run's lots are put together, and estimated by the function that the server uses.

    Args:
        quality: a client that may read rates.
        lots: of the run.
        since: when it began.
        judged: how many of its parts are OK or NG; the server is asked again until it has counted them.
        audit_share: of the recipe in force.
    """
    wanted = frozenset(lots)
    give_up_s = asyncio.get_running_loop().time() + _SETTLED_WITHIN_S
    while True:
        answer = await quality.rates(**{"from": since.isoformat()}, station=STATION, by="lot")
        groups = [group for group in answer["groups"] if group["name"] in wanted]
        is_settled = sum(group["inspected"] for group in groups) >= judged and not any(
            group["unconfirmed"] or group["audits_due"] for group in groups
        )
        if is_settled or asyncio.get_running_loop().time() > give_up_s:
            break
        await asyncio.sleep(_ASK_AGAIN_S)
    counts = _counts(groups, audit_share)
    prior = answer["recall_prior"]
    golden = None if prior["hits"] is None else KnownReads(hits=prior["hits"], misses=prior["misses"])
    said = answer["total"]["reviewers"]
    return RunRate(
        estimate=estimate_rate(counts, golden=golden, reviewers=None if said is None else ReviewerReads(**said)),
        audited=counts.audited,
        escapes_found=counts.escapes_found,
        recall_prior=prior["source"],
    )


def _counts(groups: Sequence[Mapping[str, Any]], audit_share: float) -> RateCounts:
    """The strata of some groups: the demonstration's recipe has every flagged part confirmed."""

    def total(name: str) -> int:
        return sum(int(group[name]) for group in groups)

    flagged, unconfirmed, audited = total("flagged"), total("unconfirmed"), total("audited")
    escapes = sum(int(group["escapes"]["found_in_audit"]) for group in groups)
    passed = total("inspected") - flagged
    return RateCounts(
        flagged=(FlaggedStratum(flagged, 1.0, flagged, flagged - unconfirmed, total("confirmed")),),
        passed=(PassedStratum(passed, audit_share, audited + total("audits_due"), audited, escapes),),
        not_inspected=total("not_inspected"),
    )
