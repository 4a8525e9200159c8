"""The page and what it asks for: four addresses, none of which changes anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lineside.workflows.camera_view.looking import Looking

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = files("lineside.workflows.camera_view") / "page"


def create_camera_view(looking: Looking) -> FastAPI:
    """The app; it looks through the camera as long as it runs.

    Only requests that name this machine are answered: a page elsewhere cannot have a browser read the pictures.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(looking.run(), name=f"look through camera {looking.name}")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse((_PAGE / "view.html").read_text(encoding="utf-8"), headers=_HEADERS)

    @app.get("/view.js")
    async def script() -> Response:
        return Response((_PAGE / "view.js").read_bytes(), media_type="text/javascript", headers=_HEADERS)

    @app.get("/frame.jpg")
    async def frame() -> Response:
        content = await looking.jpeg()
        if content is None:
            return Response(status_code=503, headers=_HEADERS | {"Retry-After": "1"})
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    @app.get("/health")
    async def health(response: Response) -> dict[str, Any]:
        response.headers.update(_HEADERS)
        return looking.state()

    return app
