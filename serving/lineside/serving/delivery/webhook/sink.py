"""The sink: one POST for each event, and what its answer proves."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

import httpx

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import PersonNeeded, Poison, SinkMisconfigured, Trouble, TryAgain
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof
from lineside.serving.delivery.webhook.answers import Meaning, meaning_of, retry_after_s, what_to_do
from lineside.serving.delivery.webhook.cloud_events import structured_json
from lineside.serving.delivery.webhook.credentials import Credentials, read_credentials
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.ledger import Event

MOST_ANSWER_BYTES: Final = 16 * 1024
"""More of an answer is not read: its status has said everything, and a person reads a line of it."""

_SHOWN_CHARACTERS: Final = 200
_CLOSE_S: Final = 5.0
_NOT_THE_TLS: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""The connection ended, or was waited for: errors of ssl by their type only."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    location: str | None
    said: str


class WebhookSink:
    """Delivers each event as one signed request; what it proves is that the receiver answered with success.

    Redirects are never followed and no proxy of the environment is used: a signed message goes where the file says, or
    nowhere. An answer counts once it is whole (or longer than anybody reads), so that a receiver that dies while it
    answers gets the message again.

    Args:
        settings: the receiver.
        context: what every sink is given.
        credentials: as they are at the start; they are read again whenever the sink is opened, and before the next try
            after an answer that asks for a person, who may have changed a secret.
    """

    def __init__(self, settings: WebhookSettings, context: SinkContext, credentials: Credentials) -> None:
        self._settings = settings
        self._context = context
        self._credentials = credentials
        self._http: httpx.AsyncClient | None = None
        self._under_way = 0
        self._is_in_doubt = False

    @property
    def proof(self) -> Proof:
        """The receiver says that it has it."""
        return Proof.ACKNOWLEDGED

    @property
    def lanes(self) -> int:
        """As configured."""
        return self._settings.lanes

    async def open(self) -> None:
        """Read secrets and certificates; connections are made with the first message."""
        await self.close()
        self._credentials = self._read_again()
        self._http = self._client()
        self._is_in_doubt = False

    async def deliver(self, event: Event) -> None:
        """Send one event, and wait for its answer."""
        is_to_open = self._http is None or (self._is_in_doubt and self._under_way == 0)
        self._under_way += 1  # before anything is waited for: of several lanes one opens
        try:
            if is_to_open:
                await self.open()
            await self._send(event)
        except PersonNeeded:
            self._is_in_doubt = True
            raise
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_S):
                await http.aclose()
        except (TimeoutError, httpx.HTTPError, OSError):
            return  # the peer is gone already

    async def check(self) -> None:
        """Ask the receiver with OPTIONS, which delivers nothing: is it there, with a certificate that counts?"""
        self._credentials = self._read_again()
        async with self._client() as http:
            answer = await self._exchange(http, "OPTIONS", b"", {})
        absent = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
        if answer.status >= 500 or answer.status in absent or 300 <= answer.status < 400:
            self._judge(answer)

    async def _send(self, event: Event) -> None:
        if self._http is None:
            raise TryAgain("closed meanwhile")
        body = structured_json(event, line=self._context.lines.line_of(event.station))
        now = self._context.clock.now()
        headers = {
            "Content-Type": "application/cloudevents+json; charset=UTF-8",
            **self._credentials.signer.headers(event.id, body, at=now),
        }
        answer = await self._exchange(self._http, "POST", body, headers)
        self._judge(answer)

    def _read_again(self) -> Credentials:
        try:
            return read_credentials(self._settings, self._context.folder)
        except SinkMisconfigured as error:
            raise PersonNeeded(str(error), "put the secret or certificate where the delivery file points") from error

    def _client(self) -> httpx.AsyncClient:
        credentials = self._credentials
        headers = {"User-Agent": f"lineside/{version('lineside')}", "Accept-Encoding": "identity"}
        if credentials.bearer is not None:
            headers["Authorization"] = f"Bearer {credentials.bearer}"
        return httpx.AsyncClient(
            verify=False if credentials.trust is None else credentials.trust,  # without TLS there is nothing to verify
            headers=headers,
            # One limit over the whole exchange is in _exchange; a connection has its own, a little shorter, because
            # httpcore closes the socket of a handshake that it gives up itself, and not of one that is cancelled.
            timeout=httpx.Timeout(None, connect=0.9 * self._settings.timeout_s),
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=self._settings.lanes, keepalive_expiry=30.0),
        )

    async def _exchange(self, http: httpx.AsyncClient, method: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """One request and its answer, within the time.

        Raises:
            Trouble: there is no whole answer.
        """
        where = self._settings.url.partition("?")[0]
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                http.stream(method, self._settings.url, content=body, headers=headers) as response,
            ):
                said = await _beginning(response)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TryAgain(f"{where}: no whole answer within {self._settings.timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unanswered(error, where) from error
        named = response.headers
        return _Answer(response.status_code, named.get("retry-after"), named.get("location"), said)

    def _judge(self, answer: _Answer) -> None:
        """Raise what an answer means, unless it is success."""
        found = f"the receiver answered {answer.status}{_phrase(answer.status)}{answer.said and f': {answer.said}'}"
        match meaning_of(answer.status, conflict=self._settings.conflict):
            case Meaning.TRY_AGAIN:
                raise TryAgain(found, retry_after_s(answer.retry_after, now=self._context.clock.now()))
            case Meaning.PERSON_NEEDED:
                raise PersonNeeded(found, what_to_do(answer.status, location=answer.location))
            case Meaning.POISON:
                raise Poison(found)
            case Meaning.DELIVERED:
                return


def build(settings: SinkSettings, context: SinkContext) -> WebhookSink:
    """Make the sink of a delivery file's settings; nothing connects yet.

    Raises:
        SinkMisconfigured: a secret or certificate is missing, or is none.
        TypeError: the settings are of another kind.
    """
    if not isinstance(settings, WebhookSettings):
        raise TypeError(f"settings of kind {settings.kind!r}; expected those of a webhook")
    return WebhookSink(settings, context, read_credentials(settings, context.folder))


async def _beginning(response: httpx.Response) -> str:
    """What a person may read of an answer: at most a line, whatever the receiver sends."""
    read = b""
    async for chunk in response.aiter_raw():  # as sent: nothing is unpacked, so a small answer stays small
        read += chunk[: MOST_ANSWER_BYTES - len(read)]
        if len(read) >= MOST_ANSWER_BYTES:
            break
    text = " ".join(read.decode("utf-8", errors="replace").split())
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}..."


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _unanswered(error: Exception, where: str) -> Trouble:
    """What it means that there is no answer at all."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PersonNeeded(
                f"{where}: the receiver's certificate does not count: {cause.verify_message}",
                "name the authority that signed it in `ca_file`, or have the receiver show the right certificate",
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _NOT_THE_TLS):
            return PersonNeeded(
                f"{where}: no TLS with the receiver: {cause.reason or cause}",
                "check that the address speaks TLS at that port, and which certificates it wants to see",
            )
    return TryAgain(f"{where}: {str(error) or type(error).__name__}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
