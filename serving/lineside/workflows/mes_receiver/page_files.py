"""The page and its files, all from the installed packages: nothing is fetched from anywhere else."""

import json
from collections.abc import Callable
from html import escape
from importlib import resources
from string import Template
from typing import Final

from fastapi.responses import HTMLResponse, Response

from lineside.serving.languages import Language
from lineside.workflows.mes_receiver.texts import TEXTS

_FILES: Final = resources.files("lineside.workflows.mes_receiver") / "page"
_DASHBOARD: Final = resources.files("lineside.serving") / "dashboard"  # the package itself is the whole server
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#3a2f55"/>'
    '<path d="M7 9h18v12H15l-5 4v-4H7z" stroke="#fff" stroke-width="2.4" fill="none"/></svg>'
)
_KINDS: Final = {
    "receiver.js": "text/javascript",
    "receiver.css": "text/css",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
}


class PageFiles:
    """What a browser is given.

    Args:
        language: the page's first; a reader may switch with `?lang=`.
        is_connected: whether orders and holds can be sent.
        delivery: the delivery file that a Lineside server needs, by the address of this receiver.
    """

    def __init__(self, language: Language, *, is_connected: bool, delivery: Callable[[str], str]) -> None:
        self._language = language
        self._is_connected = is_connected
        self._delivery = delivery
        self._template = Template((_FILES / "page.html").read_text(encoding="utf-8"))
        self._files = {name: _content(name) for name in _KINDS}

    def page(self, lang: str | None, *, base_url: str) -> HTMLResponse:
        """The page, in the asked or the first language, as it is reached at that address."""
        language = Language(lang) if lang in set(Language) else self._language
        texts = TEXTS[language]
        data = {"language": language.value, "texts": dict(texts), "connected": self._is_connected}
        content = self._template.substitute(
            {name: escape(text, quote=True) for name, text in texts.items()},
            # Within a script element only "</" could end it; JSON may write it as "<\/".
            page=json.dumps(data, ensure_ascii=False).replace("</", "<\\/"),
            language=language.value,
            other=language.other.value,
            delivery=escape(self._delivery(base_url)),
        )
        return HTMLResponse(content, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})

    def file(self, name: str) -> Response:
        """One of the page's files; 404 for any other name."""
        if name not in self._files:
            return Response(status_code=404)
        return Response(self._files[name], media_type=_KINDS[name], headers={"Cache-Control": "no-cache"})


def _content(name: str) -> str:
    if name == "icon.svg":
        return _ICON
    folder = _DASHBOARD if name == "page.css" else _FILES
    return (folder / name).read_text(encoding="utf-8")
