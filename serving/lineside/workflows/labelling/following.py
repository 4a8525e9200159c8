"""Pull again and again: soon after a webhook said that something changed, and every few minutes anyway."""

import asyncio
import time
from collections.abc import Callable

from lineside.client import TryAgainLater
from lineside.datasets.labelling import LabelStudio, TryStudioLater
from lineside.workflows.errors import LabelsBusy
from lineside.workflows.labelling.pulling import PullOptions, PullReport, pull_labels
from lineside.workflows.labelling.site import LabelSite

EVERY_S = 180.0
"""Between pulls that nobody asked for: a webhook is sent once and may be lost."""

LOOK_EVERY_S = 3.0
"""Between looks for a hint at our own server."""


async def follow_labels(
    site: LabelSite,
    studio: LabelStudio,
    options: PullOptions,
    *,
    on_report: Callable[[PullReport], None],
    every_s: float = EVERY_S,
    look_every_s: float = LOOK_EVERY_S,
) -> None:
    """Pull until somebody stops it.

    What passes by itself (a server that is away, another pull at work) is told once and waited for.

    Args:
        site: where.
        studio: Label Studio, open.
        options: of each pull.
        on_report: called after each.
        every_s: at most so long between two pulls.
        look_every_s: between looks for a hint.

    Raises:
        StudioNeedsPerson, LabelProjectUnfit, RequestRefused: what a person must mend.
    """
    told: str | None = None
    while True:
        hinted_at = None
        try:
            hinted_at = (await site.read()).hinted_at
            report = await pull_labels(site, studio, options)
        except (TryStudioLater, TryAgainLater, LabelsBusy) as error:
            if told != type(error).__name__:
                site.say(f"{error}; trying again")
                told = type(error).__name__
        else:
            if told is not None:
                site.say("pulling again")
                told = None
            on_report(report)
        ends_at_s = time.monotonic() + every_s
        while time.monotonic() < ends_at_s:
            await asyncio.sleep(look_every_s)
            try:
                if (await site.read()).hinted_at != hinted_at:
                    break
            except TryAgainLater:
                continue
