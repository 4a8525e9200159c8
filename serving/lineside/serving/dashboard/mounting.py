"""Mounting the page onto an app.

NiceGUI keeps one application for the whole process, so the page can be mounted onto one app of a process only; that
is why `create_app` leaves it out and `lineside serve` mounts it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi.responses import RedirectResponse

from lineside.serving.dashboard.feed import LineFeed
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.verify_page import add_verify_page
from lineside.serving.security import SessionGate
from lineside.serving.services import Services

if TYPE_CHECKING:
    from fastapi import FastAPI

PAGE_PATH: Final = "/page"


def mount_dashboard(app: "FastAPI", *, language: Language = Language.EN) -> None:
    """Serve the live page at `/page`, to whoever is logged in; `/` leads there.

    Call it once in a process, before the app starts. All files of the page come from the installed packages.

    Args:
        app: made by `create_app`.
        language: the page's first language; a reader may switch.
    """
    from nicegui import ui

    from lineside.serving.dashboard.page import LinePage

    feeds: list[LineFeed] = []
    inner_lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(inner: "FastAPI") -> AsyncIterator[None]:
        async with inner_lifespan(inner), LineFeed(inner.state.services.ledger).following() as feed:
            feeds.append(feed)
            yield
            feeds.clear()

    app.router.lifespan_context = lifespan

    def services() -> Services:
        found: Services = app.state.services
        return found

    add_verify_page(app, services, language=language, icon=_ICON)
    ui.page("/", title="Lineside", response_timeout=10.0)(LinePage(services, lambda: feeds[0], language).build)
    ui.run_with(app, mount_path=PAGE_PATH, title="Lineside", show_welcome_message=False, tailwind=False, favicon=_ICON)
    app.add_middleware(SessionGate, prefixes=(PAGE_PATH,))

    async def to_page() -> RedirectResponse:
        return RedirectResponse(f"{PAGE_PATH}/")

    app.add_api_route("/", to_page, include_in_schema=False)


_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#12324a"/>'
    '<path d="M5 22h22M9 22v-8h6v8M19 22V9h5v13" stroke="#fff" stroke-width="2.4" fill="none"/></svg>'
)
