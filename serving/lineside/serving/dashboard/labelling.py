"""The page's panel of labelling projects: how far each is, the way to it in Label Studio, and how to connect one."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Final
from urllib.parse import urlsplit

from lineside.serving.dashboard.wording import Wording
from lineside.serving.labelling import projects
from lineside.serving.labelling.project_schemas import LabelProjectOut
from lineside.serving.services import Services

_NOTHING: Final = "-"
_COLUMNS: Final = (
    *("attention_project", "labels_waiting", "labels_pushed", "labels_labelled", "labels_minutes"),
    *("labels_pulled", "labels_connected"),
)


async def shown_labelling(services: Services) -> Sequence[LabelProjectOut]:
    """Ask the server's own ledger, as a request would.

    Raises:
        LinesideError: the ledger cannot be read.
    """
    return await services.ledger.read(
        partial(projects.read_all, plant=services.settings.plant, now=services.clock.now())
    )


def labelling_panel(shown: Sequence[LabelProjectOut], wording: Wording) -> str:
    """The projects as a table; the commands that make and connect one where there is none, or one is not connected."""
    lines = []
    if shown:
        head = "".join(f"<th>{escape(wording(name))}</th>" for name in _COLUMNS)
        rows = "".join(_row(project, wording) for project in shown)
        lines.append(f'<table class="ls-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')
    if not shown:
        lines.append(_how_to(wording("labels_begin"), ("server", "queue", "push", "connect", "pull")))
    elif any(project.webhook is None for project in shown):
        lines.append(_how_to(wording("labels_connect"), ("connect",)))
    return "".join(lines)


def _row(project: LabelProjectOut, wording: Wording) -> str:
    counts = project.counts
    cells = [
        _link(project),
        str(counts.waiting),
        str(counts.pushed),
        str(counts.labelled),
        f"{project.minutes:.0f}",
        _time(project.pulled_at),
        escape(wording("labels_yes" if project.webhook is not None else "labels_no")),
    ]
    if project.hinted_at is not None and (project.pulled_at is None or project.hinted_at > project.pulled_at):
        cells[5] += f' <span class="ls-hint">{escape(wording("labels_hinted", at=_time(project.hinted_at)))}</span>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _link(project: LabelProjectOut) -> str:
    """The project's name, leading to it; an address that is no web page's leads nowhere."""
    name, address = escape(project.name), project.label_studio_url
    if address is None or project.label_studio_project_id is None or urlsplit(address).scheme not in {"http", "https"}:
        return name
    href = f"{address.rstrip('/')}/projects/{project.label_studio_project_id}/data"
    return f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">{name}</a>'


def _how_to(text: str, words: Sequence[str]) -> str:
    commands = "".join(f"<div><code>lineside labels {word}</code></div>" for word in words)
    return f'<div class="ls-hint">{escape(text)}</div>{commands}'


def _time(at: datetime | None) -> str:
    return _NOTHING if at is None else f"{at.astimezone():%m-%d %H:%M}"
