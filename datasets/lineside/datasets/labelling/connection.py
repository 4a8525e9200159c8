"""One request to Label Studio: signed by its SDK, tried again where that is safe, its failure named.

The SDK knows both kinds of token and exchanges the personal one as it expires. Two of its habits are switched off: it
sends any request again after a 5xx, an import too, which would double tasks; and it follows redirects to wherever they
point. Its typed answers are left aside, since they are built unchecked; what is read is checked in `answers`.
It writes no log unless it is given one, and sends nothing anywhere but to the address it is given.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from lineside.datasets.errors import ExtraMissing
from lineside.datasets.labelling.errors import (
    AnswerUnreadable,
    ProjectGone,
    StudioFailed,
    StudioRefused,
    StudioSlow,
    StudioUnreachable,
    TokenRefused,
    TryStudioLater,
)
from lineside.datasets.labelling.tokens import Token

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio as Sdk

UploadFile = tuple[str, bytes, str]
"""A file's name, content and media type."""

_SHOWN_CHARACTERS = 300
_NO_EXPLANATION = "no explanation"
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a request is sent and how long is waited in between.

    Each wait is uniform in [0, ceiling) and the ceiling doubles (Brooker, "Exponential Backoff And Jitter", 2015).

    Attributes:
        count: at most so many in all.
        first_s: ceiling of the first wait.
        longest_s: ceiling that is never passed; a longer `Retry-After` ends the trying.
    """

    count: int = 4
    first_s: float = 0.5
    longest_s: float = 8.0

    def __post_init__(self) -> None:
        """Refuse what is no trying."""
        if self.count < 1 or not 0 <= self.first_s <= self.longest_s:
            raise ValueError(f"{self}: expected at least 1 try and 0 <= first_s <= longest_s")

    def waits_s(self) -> Iterator[float]:
        """Seconds to wait before the second try, the third, and so on to the last."""
        ceiling_s = self.first_s
        for _ in range(self.count - 1):
            yield random.uniform(0.0, ceiling_s)  # noqa: S311 - spreads load, guards nothing
            ceiling_s = min(2 * ceiling_s, self.longest_s)


class Connection:
    """Requests to one Label Studio; may be used by several threads.

    Attributes:
        answered_at: aware UTC instant of the last answer by the server's own clock; None before the first.

    Args:
        url: where it answers, with its path if it lies behind one.
        token: legacy or personal.
        timeout_s: seconds to wait for an answer.
        tries: of requests that may be repeated.
        sleep: waits.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        timeout_s: float = 60.0,
        tries: Tries | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # The slash at the end keeps a path: the SDK joins the refresh address to it as browsers do.
        self.url = url.rstrip("/")
        self.tries = tries or Tries()
        self.sleep = sleep
        self._token = token
        self._timeout_s = timeout_s
        self.answered_at: datetime | None = None
        self._http: httpx.Client | None = None
        self._sdk: Sdk | None = None

    def __enter__(self) -> Self:
        """Make the pool of connections; nothing is sent yet."""
        self._http = httpx.Client(timeout=self._timeout_s, follow_redirects=False)
        # Label Studio answers a token with a session's cookie; kept, it would stand in for the token and outlive it.
        self._http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._http is not None:
            self._http.close()
        self._http = self._sdk = None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read; tried again after any failure that may pass.

        Raises:
            LabellingError: what went wrong.
        """
        return self._json(self._repeated(lambda: self._send("GET", path, params=params)))

    def change(self, method: str, path: str, content: object = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Change something in a way that a repetition does not change again.

        Raises:
            LabellingError: what went wrong.
        """
        return self._json(self._repeated(lambda: self._send(method, path, params=params, json=content)))

    def change_once(
        self, method: str, path: str, content: object = None, *, params: Mapping[str, Any] | None = None
    ) -> Any:
        """Change something that a repetition would change twice: sent once, the caller looks what came of it.

        Raises:
            LabellingError: what went wrong. After `TryStudioLater` it may be done or not.
        """
        return self._json(self._send(method, path, params=params, json=content))

    def upload(self, path: str, files: Sequence[UploadFile], *, params: Mapping[str, Any]) -> Any:
        """Send files; a repetition leaves the first try's files unused.

        Raises:
            LabellingError: what went wrong.
        """
        # A field of its own for each file: of those with one name Label Studio keeps the last.
        fields = {f"file{index}": file for index, file in enumerate(files)}
        return self._json(self._repeated(lambda: self._send("POST", path, params=params, files=fields)))

    def _repeated(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        for wait_s in self.tries.waits_s():
            try:
                return send()
            except StudioSlow:
                raise  # a server that is out of breath does not get the same question four times
            except TryStudioLater as error:
                asked_s = error.retry_after_s
                if asked_s is not None and asked_s > self.tries.longest_s:
                    raise
                self.sleep(wait_s if asked_s is None else asked_s)
        return send()

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            answer = self._signed(method, path, **what)
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                # An access token that a clock running slow took for valid: the SDK made anew asks for another.
                self._sdk = None
                answer = self._signed(method, path, **what)
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise StudioUnreachable(f"{self.url} accepts no connection; does Label Studio run there?") from error
            raise StudioSlow(
                f"{self.url} gave no answer to {method} {path} within {self._timeout_s:g} s; it may still be at work: "
                "look at its load and try again"
            ) from error
        except httpx.TransportError as error:
            raise StudioUnreachable(
                f"{self.url} cannot be reached: {error or type(error).__name__}; does Label Studio run there?"
            ) from error
        except httpx.InvalidURL as error:
            raise StudioRefused(f"{self.url!r} is no address: {error}; expected one like http://host:8080") from error
        self._raise_for(method, path, answer)
        self.answered_at = _date_of(answer) or self.answered_at
        return answer

    def _signed(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Send by the SDK, whose own failures, at exchanging the token, become answers."""
        sdk_module = _sdk_module()
        try:
            # The SDK has no public way to upload files or to see an answer's bytes; its version is pinned.
            answer: httpx.Response = self._client()._client_wrapper.httpx_client.request(path, method=method, **what)
        except sdk_module.core.ApiError as error:
            return httpx.Response(error.status_code or HTTPStatus.UNAUTHORIZED)
        except ValueError as error:  # the answer to the exchange was no JSON: a proxy's page, or another program
            raise StudioFailed(f"{self.url} did not exchange the personal token; is that a Label Studio?") from error
        return answer

    def _client(self) -> "Sdk":
        if self._http is None:
            raise RuntimeError("the connection is not open; use it in a `with` block")
        if self._sdk is None:
            self._sdk = _sdk_module().LabelStudio(
                base_url=f"{self.url}/", api_key=self._token.secret, httpx_client=self._http, max_retries=0
            )
        return self._sdk

    def _raise_for(self, method: str, path: str, answer: httpx.Response) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        what = f"{self.url} answered {status} to {method} {path}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _BUSY:
            raise StudioFailed(f"{what}: {_detail(answer)}; its own log says why", retry_after_s=_retry_after_s(answer))
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise TokenRefused(
                f"{what}: {_detail(answer)}. The token is unknown or has expired, its kind is switched off there, or "
                "its owner may not do that: make a new one on the page 'Account & Settings' of Label Studio"
            )
        if status == HTTPStatus.NOT_FOUND and _detail(answer) == _NO_EXPLANATION:
            raise AnswerUnreadable(f"{what} as no Label Studio does; is that the address of one?")
        if status == HTTPStatus.NOT_FOUND:
            raise ProjectGone(
                f"{what}: {_detail(answer)}. The project was deleted there, or the token's owner is not in its "
                "organisation; name another project, or let a new one be made"
            )
        if answer.is_redirect:
            where = answer.headers.get("location", "")
            raise StudioRefused(f"{what}: it lies at {where} now; give that address, redirects are not followed")
        raise StudioRefused(f"{what}: {_detail(answer)}")

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code == HTTPStatus.NO_CONTENT or not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            kind = answer.headers.get("content-type", "nothing")
            raise AnswerUnreadable(
                f"{self.url} answered {kind} where JSON was expected; is that a Label Studio, and is its address "
                "given without a page's path?"
            ) from error


def _sdk_module() -> ModuleType:
    """The SDK, imported on first use: that takes seconds, and only this extra has it.

    Raises:
        ExtraMissing: it is not installed.
    """
    try:
        import label_studio_sdk
        import label_studio_sdk.core
    except ImportError as error:
        raise ExtraMissing(
            "label-studio-sdk is not installed; it comes with the extra: pip install 'lineside[labelling]'"
        ) from error
    return label_studio_sdk


def _date_of(answer: httpx.Response) -> datetime | None:
    """The `Date` header, to the second; None where it is missing or none."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None


def _retry_after_s(answer: httpx.Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None


def _detail(answer: httpx.Response) -> str:
    """What Label Studio says is wrong, in a line; never a whole body."""
    try:
        content = answer.json()
    except ValueError:
        return _NO_EXPLANATION
    if not isinstance(content, dict):
        return _NO_EXPLANATION
    said = [content.get("detail"), content.get("validation_errors")]
    line = " ".join(json.dumps(each, ensure_ascii=False) for each in said if each)
    return line[:_SHOWN_CHARACTERS] or _NO_EXPLANATION
