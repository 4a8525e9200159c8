"""The page itself: built once for each reader, refreshed when the ledger has moved on."""

from collections.abc import Callable
from contextlib import suppress
from html import escape
from importlib import resources
from typing import Final

from nicegui import ui
from nicegui.element import Element
from starlette.requests import Request

from lineside.inspection.errors import LinesideError
from lineside.serving.certificates.schemas import StandingList
from lineside.serving.certificates.standing import standing_now
from lineside.serving.dashboard.chart import rate_options
from lineside.serving.dashboard.control_chart import chart_panel
from lineside.serving.dashboard.decisions import decisions_panel, shown_decisions
from lineside.serving.dashboard.feed import LineFeed
from lineside.serving.dashboard.labelling import labelling_panel, shown_labelling
from lineside.serving.dashboard.line_state import RATE_WINDOW, LineState, ShownPart
from lineside.serving.dashboard.markup import (
    figure_tiles,
    frame_card,
    lane_table,
    standing_chip,
    station_table,
    threshold_badge,
    verdict_strip,
)
from lineside.serving.dashboard.people import ShownWork, shown_work, work_link, work_panel
from lineside.serving.dashboard.rates import ShownRates, rate_tiles, shown_rates
from lineside.serving.dashboard.releases import release_table, shown_releases
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.wording import Wording
from lineside.serving.ledger import LedgerClosed
from lineside.serving.security import COOKIE_NAME
from lineside.serving.services import Services

_STYLE: Final = (resources.files("lineside.serving.dashboard") / "page.css").read_text(encoding="utf-8")
_REFRESH_S: Final = 1.0
_ASK_EVERY_S: Final = 3.0  # what the ledger is asked for
_FRAMES: Final = 6


class LinePage:
    """Builds the page for each reader who opens it.

    Args:
        services: gives the running app's services.
        feed: gives the running app's feed.
        language: first language of the page.
    """

    def __init__(self, services: Callable[[], Services], feed: Callable[[], LineFeed], language: Language) -> None:
        self._services = services
        self._feed = feed
        self._language = language

    async def build(self, request: Request, lang: str | None = None) -> None:
        """Build it for one reader; `?lang=` chooses the language, an unknown one is the first language."""
        language = Language(lang) if lang in set(Language) else self._language
        services, feed = self._services(), self._feed()
        wording = Wording(language, [stored.catalogue for stored in services.catalogues.latest()])
        ui.add_css(_STYLE)
        view = _View(services, feed, wording)
        view.refresh()
        await view.ask()

        async def keep_up() -> None:
            with suppress(LedgerClosed):  # the server is ending
                if await services.keys.find_session(request.cookies.get(COOKIE_NAME, "")) is None:
                    ui.navigate.to("/login?next=/page/")  # the key was revoked or the login is over
                else:
                    view.refresh()
                    await view.ask()

        ui.timer(_REFRESH_S, keep_up)


class _View:
    """One reader's elements."""

    def __init__(self, services: Services, feed: LineFeed, wording: Wording) -> None:
        self._services = services
        self._feed = feed
        self._wording = wording
        self._shown_revision = -1
        self._shown_header = ""
        self._header = ui.html("", sanitize=False).classes("w-full").style("width: 100%")
        self._asked_s: float | None = None
        self._work: ShownWork | None = None
        self._stale = ui.html("", sanitize=False).style("width: 100%")
        with ui.element("main").classes("ls-main"):
            self._rates = ui.html("", sanitize=False).classes("ls-12 ls-rates")
            self._tiles = ui.html("", sanitize=False).classes("ls-12 ls-tiles")
            self._strip = _panel("ls-12")
            with ui.element("section").classes("ls-panel ls-6"):
                hint = wording("rate_chart_hint", window=RATE_WINDOW)
                ui.html(_heading(wording("rate_chart"), hint), sanitize=False)
                self._chart = ui.echart(rate_options([], wording.texts)).classes("ls-chart")
            with ui.element("section").classes("ls-panel ls-6"):
                ui.html(_heading(wording("stations")), sanitize=False)
                self._stations = ui.html("", sanitize=False)
                ui.html(f"<div style='height:14px'></div>{_heading(wording('lane'))}", sanitize=False)
                self._lane = ui.html("", sanitize=False)
            with ui.element("section").classes("ls-panel ls-12 ls-decisions"):
                ui.html(_heading(wording("decisions"), wording("decisions_hint")), sanitize=False)
                self._decisions = ui.html("", sanitize=False)
            with ui.element("section").classes("ls-panel ls-12"):
                ui.html(_heading(wording("control_charts"), wording("control_charts_hint")), sanitize=False)
                self._controls = ui.html("", sanitize=False).classes("ls-controls")
            with ui.element("section").classes("ls-panel ls-12 ls-releases"):
                ui.html(_heading(wording("releases"), wording("releases_hint")), sanitize=False)
                self._releases = ui.html("", sanitize=False)
            with ui.element("section").classes("ls-panel ls-12"):
                ui.html(_heading(wording("work"), wording("work_hint")), sanitize=False)
                self._work_panel = ui.html("", sanitize=False)
            with ui.element("section").classes("ls-panel ls-12 ls-labelling"):
                ui.html(_heading(wording("labelling"), wording("labelling_hint")), sanitize=False)
                self._labelling = ui.html("", sanitize=False)
            with ui.element("section").classes("ls-panel ls-12"):
                ui.html(_heading(wording("last_frames"), wording("last_frames_hint")), sanitize=False)
                self._frames = _FrameRow(services, wording)

    async def ask(self) -> None:
        """Show rates, charts and who judges; every few seconds, because it asks the ledger."""
        now_s = self._services.clock.monotonic()
        if self._asked_s is not None and now_s - self._asked_s < _ASK_EVERY_S:
            return
        self._asked_s = now_s
        services = self._services
        standing = standing_now(
            services.deployments, services.releases, services.certificates.book, now=services.clock.now()
        )
        with suppress(LinesideError):  # as below
            self._work = await shown_work(services)
            self._work_panel.set_content(work_panel(self._work, self._wording))
            self._labelling.set_content(labelling_panel(await shown_labelling(services), self._wording))
        self._show_header(standing)
        with suppress(LinesideError):  # as below
            self._decisions.set_content(decisions_panel(await shown_decisions(services), self._wording))
        with suppress(LinesideError):  # the ledger is away: the page says so, and these figures stand still
            self._show_rates(await shown_rates(services), standing)
            self._releases.set_content(release_table(await shown_releases(services), self._wording))

    def _show_header(self, standing: StandingList) -> None:
        """Say whether the thresholds are certified now; a certificate may have ended meanwhile."""
        header = _header(self._services, self._wording, threshold_badge(standing, self._wording), self._work)
        if header != self._shown_header:
            self._shown_header = header
            self._header.set_content(header)

    def _show_rates(self, shown: ShownRates, standing: StandingList) -> None:
        wording = self._wording
        self._rates.set_content(rate_tiles(shown.window, standing.threshold_status, wording))
        empty = f'<div class="ls-hint">{escape(wording("control_charts_empty"))}</div>'
        self._controls.set_content(empty if shown.charts is None else chart_panel(shown.charts.charts, wording))

    def refresh(self) -> None:
        """Show what changed since the last time."""
        wording, state = self._wording, self._feed.state
        stale = f'<div class="ls-stale">{escape(wording("stale"))}</div>' if self._feed.is_stale else ""
        self._stale.set_content(stale)
        # a hold or an order is an event too, so the revision covers the stations
        if state.revision == self._shown_revision:
            return
        self._shown_revision = state.revision
        self._tiles.set_content(figure_tiles(state, wording))
        self._strip.set_content(verdict_strip(state, wording))
        self._lane.set_content(lane_table(state, wording))
        self._stations.set_content(station_table(self._services.stations.all(), state, wording))
        self._chart.options.clear()
        self._chart.options.update(rate_options(state.rate_over_time(), wording.texts))
        self._chart.update()
        self._frames.show(state)


class _FrameRow:
    """Cards of the last kept images; a card is made once, so that each image is fetched once."""

    def __init__(self, services: Services, wording: Wording) -> None:
        self._services = services
        self._wording = wording
        self._empty = ui.html(f'<div class="ls-hint">{escape(wording("no_frames"))}</div>', sanitize=False)
        self._row = ui.element("div").classes("ls-frames")
        self._cards: dict[str, tuple[Element, ui.html]] = {}

    def show(self, state: LineState) -> None:
        """Drop the cards that are out, add the new ones in front, and say what reviews say."""
        parts = state.latest_with_image(_FRAMES)
        shown = {part.id for part in parts}
        for gone in [part_id for part_id in self._cards if part_id not in shown]:
            self._cards.pop(gone)[0].delete()
        for part in reversed(parts):
            if part.id not in self._cards:
                self._cards[part.id] = self._card(part)
            self._cards[part.id][1].set_content(standing_chip(state.standing(part), self._wording))
        self._empty.set_visibility(not parts)

    def _card(self, part: ShownPart) -> tuple[Element, ui.html]:
        with self._row, ui.element("div") as card:
            ui.html(frame_card(part, self._frame_size(part), self._wording), sanitize=False)
            standing = ui.html("", sanitize=False)
        card.move(target_index=0)
        return card, standing

    def _frame_size(self, part: ShownPart) -> tuple[int, int] | None:
        """Width and height of the shown frame, where the recipe fixes them."""
        if part.recipe is None or part.shown_view is None:
            return None
        recipe = self._services.recipes.get(part.recipe.id, part.recipe.version).recipe
        return recipe.views[part.shown_view].size_wh_px


def _panel(span: str) -> ui.html:
    return ui.html("", sanitize=False).classes(f"ls-panel {span}")


def _heading(title: str, hint: str = "") -> str:
    return f"<h2>{escape(title)}</h2>" + (f'<div class="ls-hint">{escape(hint)}</div>' if hint else "")


def _header(services: Services, wording: Wording, badge: str, work: ShownWork | None) -> str:
    other = wording.language.other
    simulated = (
        f'<span class="ls-badge">{escape(wording("simulated"))}</span>' if services.settings.is_simulated else ""
    )
    return (
        f'<header class="ls-header" lang="{wording.language.value}"><b>Lineside</b>'
        f'<span class="ls-plant">{escape(wording("title"))} · {escape(services.settings.plant)}</span>{simulated}'
        f"{badge}"
        f'<span class="ls-space"></span>{work_link(work, wording)}'
        f'<a href="?lang={other.value}">{escape(wording("other_language"))}</a>'
        f'<form method="post" action="/logout"><button>{escape(wording("log_out"))}</button></form></header>'
    )
