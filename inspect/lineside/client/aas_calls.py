"""The client's calls for the digital twin."""

import base64
import json

from lineside.client.calls import Calls, json_object
from lineside.client.errors import NothingThere, ProblemDetail

_LINE = "line"  # the specific asset id by which a shell says what line it is of


class AasCalls(Calls):
    """Asks for Asset Administration Shells."""

    async def twin_file(self, media_type: str, *, line: str | None = None) -> bytes:
        """The digital twin as one file.

        Args:
            media_type: application/json, or application/asset-administration-shell-package+xml for an AASX package.
            line: only the shell of this one, with its submodels; None for all.

        Raises:
            NothingThere: there is no such line.
        """
        asked = {} if line is None else {"aasIds": _base64url(await self._shell_of(line))}
        request = self._http.build_request("GET", "/aas/serialization", params=asked, headers={"Accept": media_type})
        return (await self._sender.send(request, give_up_after_s=self._timeout_s)).content

    async def _shell_of(self, line: str) -> str:
        wanted = json.dumps({"name": _LINE, "value": line})
        found = json_object(await self._get("/aas/shells", {"assetIds": _base64url(wanted), "limit": 1}))["result"]
        if not found:
            raise NothingThere(
                ProblemDetail(
                    404, "about:blank", "Not Found", f"no line {line!r} has a shell; `GET /v1/stations` lists them"
                )
            )
        return str(found[0]["id"])


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
