"""The review place's page: plain files of this package, which call the API as the reader who is logged in.

Nothing of it is built on the server for one reader: each key answers at once, and what was said but not yet handed in
outlives a reload and a server that is away.
"""

import json
from collections.abc import Callable
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Path
from fastapi.responses import HTMLResponse, Response

from lineside.serving.dashboard.texts import TEXTS, Language
from lineside.serving.dashboard.verify_texts import VERIFY_TEXTS
from lineside.serving.services import Services

if TYPE_CHECKING:
    from fastapi import FastAPI

VERIFY_PATH: Final = "/page/verify"

_FILES: Final = resources.files("lineside.serving.dashboard")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_SCRIPTS: Final = ("verify.js", "boxes.js", "calls.js", "keys.js", "panel.js", "picture.js", "reading.js")
_KINDS: Final = {
    **dict.fromkeys(_SCRIPTS, "text/javascript"),
    "verify.css": "text/css",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
}


def add_verify_page(app: "FastAPI", services: Callable[[], Services], *, language: Language, icon: str) -> None:
    """Serve the review place below `/page/verify`; a `SessionGate` must stand before it.

    Args:
        app: whose routes it joins, before anything is mounted over `/page`.
        services: gives the running app's services.
        language: the page's first language; a reader may switch with `?lang=`.
        icon: an SVG.
    """
    template = Template((_FILES / "verify" / "page.html").read_text(encoding="utf-8"))
    files = {name: _content(name, icon) for name in _KINDS}

    async def page(lang: str | None = None) -> HTMLResponse:
        chosen = Language(lang) if lang in set(Language) else language
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_page(template, services(), chosen), headers=headers)

    async def file(name: Annotated[str, Path()]) -> Response:
        if name not in files:
            return Response(status_code=404)
        return Response(files[name], media_type=_KINDS[name], headers={"Cache-Control": "no-cache"})

    app.add_api_route(VERIFY_PATH, page, include_in_schema=False)
    app.add_api_route(f"{VERIFY_PATH}/{{name}}", file, include_in_schema=False)


def _content(name: str, icon: str) -> str:
    if name == "icon.svg":
        return icon
    folder = _FILES if name == "page.css" else _FILES / "verify"
    return (folder / name).read_text(encoding="utf-8")


def _page(template: Template, services: Services, language: Language) -> str:
    texts = VERIFY_TEXTS[language]
    simulated = f'<span class="ls-badge">{escape(TEXTS[language]["simulated"])}</span>'
    # Within a script element only "</" could end it; JSON may write it as "<\/".
    data = json.dumps({"language": language.value, "texts": dict(texts)}, ensure_ascii=False).replace("</", "<\\/")
    return template.substitute(
        {name: escape(text, quote=True) for name, text in texts.items()},
        page=data,
        language=language.value,
        other=language.other.value,
        plant=escape(services.settings.plant),
        simulated=simulated if services.settings.is_simulated else "",
    )
