"""What waits for people: readings at the review place, and what of the labels needs somebody's attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Final

from sqlalchemy import Connection, func, select

from lineside.serving.dashboard.wording import Wording
from lineside.serving.labelling import attention
from lineside.serving.labelling.schemas import AttentionOut
from lineside.serving.ledger.label_tables import label_attention
from lineside.serving.services import Services
from lineside.serving.verification.schemas import QueueOut
from lineside.serving.verification.waiting import WaitKind

_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class ShownWork:
    """What the page says of people's work.

    Attributes:
        queue: of the review place.
        attention: the oldest entries of the list of what needs attention.
        attention_count: how many there are in all.
    """

    queue: QueueOut
    attention: Sequence[AttentionOut]
    attention_count: int

    @property
    def waiting(self) -> int:
        """Readings due."""
        return sum(self.queue.waiting.values())


async def shown_work(services: Services) -> ShownWork:
    """Ask the server's own services, as a request would.

    Raises:
        LinesideError: the ledger cannot be read.
    """
    entries, count = await services.ledger.read(partial(_attention, plant=services.settings.plant))
    return ShownWork(await services.verification.queue(), entries, count)


def _attention(connection: Connection, *, plant: str) -> tuple[Sequence[AttentionOut], int]:
    entries = attention.read_page(connection, plant, None, is_settled=False, after_id=None, limit=_LISTED)
    count = connection.execute(
        select(func.count())
        .select_from(label_attention)
        .where(label_attention.c.plant == plant, label_attention.c.settled_at.is_(None))
    ).scalar_one()
    return entries, int(count)


def work_link(work: ShownWork | None, wording: Wording) -> str:
    """The way to the review place, with how much waits there."""
    count = "" if work is None or not work.waiting else f' <span class="ls-count">{work.waiting}</span>'
    href = f"/page/verify?lang={wording.language.value}"
    return f'<a class="ls-verify" href="{href}">{escape(wording("verify"))}{count}</a>'


def work_panel(work: ShownWork, wording: Wording) -> str:
    """What waits, by kind, and the list of what needs attention."""
    waiting = work.queue.waiting
    counts = wording(
        "work_counts",
        flagged=waiting[WaitKind.FLAGGED],
        audits=waiting[WaitKind.AUDIT],
        seconds=waiting[WaitKind.SECOND],
        conflicts=waiting[WaitKind.CONFLICT],
    )
    lines = [f'<div class="ls-work">{escape(counts)}</div>']
    if work.queue.without_image:
        gone = wording("work_without_image", gone=work.queue.without_image)
        lines.append(f'<div class="ls-hint">{escape(gone)}</div>')
    if not work.attention_count:
        lines.append(f'<div class="ls-hint">{escape(wording("attention_empty"))}</div>')
        return "".join(lines)
    lines.append(f'<div class="ls-work">{escape(wording("attention_count", count=work.attention_count))}</div>')
    names = (wording("attention_what"), wording("reason"), wording("attention_project"), wording("time"))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(_row(entry) for entry in work.attention)
    lines.append(f'<table class="ls-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')
    return "".join(lines)


def _row(entry: AttentionOut) -> str:
    cells = (entry.code, entry.message, entry.project, f"{entry.raised_at.astimezone():%m-%d %H:%M}")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
