"""Who may look at the page and send orders from it: whoever has its address with the token, as of a notebook server.

The token comes once, in the address that the command prints; a cookie that no other site can use takes its place. A
page of another origin in the same browser, or a name that was pointed at this machine, has no such cookie.
"""

import hmac
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse

from lineside.serving.security import read_or_create_secret

COOKIE_NAME: Final = "lineside_mes"
TOKEN_PARAMETER: Final = "token"  # noqa: S105 - the parameter's name
_MONTH_S: Final = 30 * 24 * 3600


class PageAccess:
    """Tells who has the token.

    Args:
        folder: the receiver's; its file `page-secret` is made at the first start.

    Raises:
        ValueError: the file is damaged.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        secret = read_or_create_secret(folder / "page-secret")
        self.token: Final = hmac.new(secret, b"lineside mes receiver: page", "sha256").hexdigest()

    def entry(self, request: Request) -> RedirectResponse | None:
        """The way in for who comes with the token in the address; None for everybody else."""
        given = request.query_params.get(TOKEN_PARAMETER)
        if given is None or not self._is_token(given):
            return None
        answer = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            COOKIE_NAME,
            given,
            max_age=_MONTH_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def require(self, request: Request) -> None:
        """Refuse a request without the cookie.

        Raises:
            HTTPException: 401.
        """
        if not self._is_token(request.cookies.get(COOKIE_NAME, "")):
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED, "open the address that `lineside mes receiver` printed: it has a token"
            )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())
