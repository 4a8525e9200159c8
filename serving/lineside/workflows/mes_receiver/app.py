"""The receiver's HTTP side: messages in, its page, and what the page sends to the line."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Request
from fastapi.responses import JSONResponse, Response

from lineside.serving.bodies import read_bounded
from lineside.serving.clock import Clock
from lineside.serving.errors import BodyTooLarge, BodyTooSlow
from lineside.serving.security import SecurityHeaders
from lineside.workflows.mes_receiver.access import PageAccess
from lineside.workflows.mes_receiver.board import board
from lineside.workflows.mes_receiver.errors import (
    LineUnreachable,
    MailboxUnusable,
    MessageUnreadable,
    ReceiverError,
    SignatureRefused,
)
from lineside.workflows.mes_receiver.line import HoldForm, Line, OrderForm, ReleaseForm
from lineside.workflows.mes_receiver.mailbox import Mailbox
from lineside.workflows.mes_receiver.messages import MEDIA_TYPE, MessageReader
from lineside.workflows.mes_receiver.page_files import PageFiles

WEBHOOK_PATH: Final = "/webhook"
LONGEST_MESSAGE_BYTES: Final = 1024 * 1024
_RETRY_AFTER_S: Final = 5

_STATUS: Final[Mapping[type[Exception], HTTPStatus]] = {
    SignatureRefused: HTTPStatus.UNAUTHORIZED,
    MessageUnreadable: HTTPStatus.BAD_REQUEST,
    MailboxUnusable: HTTPStatus.SERVICE_UNAVAILABLE,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
}


def create_receiver(
    mailbox: Mailbox, reader: MessageReader, line: Line, *, access: PageAccess, page: PageFiles, clock: Clock
) -> FastAPI:
    """The receiver as an app; opening and closing what it is given is the caller's."""
    app = FastAPI(title="Lineside MES receiver", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders, strict_prefixes=("/api", WEBHOOK_PATH))
    for kind in (ReceiverError, BodyTooLarge, BodyTooSlow):
        app.add_exception_handler(kind, _refused)
    app.include_router(_webhook(mailbox, reader, clock))
    app.include_router(_page(page, access))
    app.include_router(_api(mailbox, line), dependencies=[Depends(access.require)])
    return app


def _webhook(mailbox: Mailbox, reader: MessageReader, clock: Clock) -> APIRouter:
    router = APIRouter()

    @router.post(WEBHOOK_PATH)
    async def take(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != MEDIA_TYPE:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"content type {kind!r}; expected {MEDIA_TYPE}")
        body = await read_bounded(request, LONGEST_MESSAGE_BYTES)
        message = reader.read(request.headers, body)
        is_new = await asyncio.to_thread(mailbox.store, message, received_at=clock.now())
        return JSONResponse({"state": "stored" if is_new else "known"})

    @router.options(WEBHOOK_PATH)
    async def ask() -> Response:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": "POST, OPTIONS"})

    return router


def _page(page: PageFiles, access: PageAccess) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def show(request: Request, lang: str | None = None) -> Response:
        entry = access.entry(request)
        if entry is not None:
            return entry
        access.require(request)
        return page.page(lang, base_url=str(request.base_url).rstrip("/"))

    @router.get("/static/{name}")
    async def file(name: Annotated[str, Path()]) -> Response:
        return page.file(name)

    return router


def _api(mailbox: Mailbox, line: Line) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/board")
    async def show() -> Mapping[str, Any]:
        return await asyncio.to_thread(board, mailbox)

    @router.get("/stations")
    async def stations() -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"items": await line.stations()}

    @router.post("/orders")
    async def order(form: OrderForm) -> Mapping[str, str]:
        await line.order(form)
        return {"state": "sent"}

    @router.post("/holds")
    async def hold(form: HoldForm) -> Mapping[str, str]:
        await line.hold(form)
        return {"state": "sent"}

    @router.post("/holds/{hold_id}/release")
    async def release(hold_id: str, form: ReleaseForm) -> Mapping[str, str]:
        await line.release(hold_id, form)
        return {"state": "sent"}

    return router


async def _refused(_request: Request, error: Exception) -> Response:
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if isinstance(error, MailboxUnusable) else None
    if isinstance(error, LineUnreachable):
        status = HTTPStatus.CONFLICT if error.is_refused else HTTPStatus.BAD_GATEWAY
    else:
        status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    return JSONResponse({"detail": str(error)}, status_code=status, headers=headers)
