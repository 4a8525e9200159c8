"""The station's side of a gateway that answers two JSON resources, for PLCs that speak nothing else that we do.

Slower and less even than a fieldbus: for lines whose deadline has room for it.
"""

import json
import ssl
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import httpcore  # noqa: F401 - httpx imports it with its first client, in the middle of a scan
import httpx

from lineside.client.secret_sources import read_secret
from lineside.station.rig.confirmations import ConfirmationReader, ConfirmationRing
from lineside.station.rig.encoder_count import UnwrappedCount
from lineside.station.rig.errors import RigLost, RigMisconfigured, RigUnreadable
from lineside.station.rig.json_blocks import inputs_from_json, outputs_to_json
from lineside.station.rig.link import Link
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import Inputs, Outputs
from lineside.station.rig.settings import HttpSettings, RigContext, RigSettings

_LARGEST_ANSWER_BYTES: Final = 64 * 1024


class HttpRig:
    """A gateway's `inputs` and `outputs`.

    Args:
        settings: where they are.
        context: clock, and folder of the token's file.

    Raises:
        RigMisconfigured: no token where the settings say it is.
    """

    def __init__(self, settings: HttpSettings, context: RigContext) -> None:
        self._url = settings.url.rstrip("/")
        self._headers = _headers(settings, context)
        # Made once: reading the authorities takes longer than a scan. Without TLS there is nothing to verify.
        self._verify = ssl.create_default_context() if self._url.startswith("https:") else False
        self._encoder = UnwrappedCount()
        self._confirmations = ConfirmationReader()
        self.link: Link[httpx.AsyncClient] = Link(
            f"the gateway {self._url}",
            connect=self._connect,
            close=_close,
            broken=(httpx.HTTPError, OSError),
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            backoff=settings.backoff,
            clock=context.clock,
        )

    async def __aenter__(self) -> Self:
        """Get ready; the first `read` connects."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.link.close()

    async def read(self) -> Inputs:
        """What the PLC says now.

        Raises:
            RigLost: not within the bound, or nothing that can be trusted.
        """
        inputs, ring = await self.link.use(self._get_inputs, may_connect=True)
        return replace(inputs, encoder=self._encoder.follow(inputs.encoder), confirmed=self._confirmations.fresh(ring))

    async def write(self, outputs: Outputs) -> None:
        """Tell the PLC.

        Raises:
            RigLost: not within the bound; whether it arrived is not known.
        """
        body = json.dumps(outputs_to_json(outputs)).encode()

        async def put(client: httpx.AsyncClient) -> None:
            answer = await client.put("/outputs", content=body, headers={"content-type": "application/json"})
            if not answer.is_success:
                raise RigLost(f"PUT outputs was answered with status {answer.status_code}")

        await self.link.use(put, may_connect=False)

    async def _connect(self) -> httpx.AsyncClient:
        # No proxy of the environment's: the gateway stands on the machine's own network.
        return httpx.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=None,  # noqa: S113 - the link bounds every use
            trust_env=False,
            verify=self._verify,
            limits=httpx.Limits(max_connections=1),
        )

    async def _get_inputs(self, client: httpx.AsyncClient) -> tuple[Inputs, ConfirmationRing]:
        async with client.stream("GET", "/inputs") as answer:
            if not answer.is_success:
                raise RigLost(f"GET inputs was answered with status {answer.status_code}")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER_BYTES:
                    raise RigUnreadable(f"the gateway's answer has more than {_LARGEST_ANSWER_BYTES} bytes")
        return inputs_from_json(bytes(body))


def _headers(settings: HttpSettings, context: RigContext) -> dict[str, str]:
    if settings.token_file is None and settings.token_env is None:
        return {}
    token = read_secret(
        file=settings.token_file,
        env=settings.token_env,
        folder=context.folder,
        what="the gateway's token",
        error=RigMisconfigured,
        starter="the station",
    )
    return {"authorization": f"Bearer {token}"}


async def _close(client: httpx.AsyncClient) -> None:
    await client.aclose()


def build(settings: RigSettings, context: RigContext) -> Rig:
    """Make the rig; nothing connects yet.

    Raises:
        RigMisconfigured: settings of another kind, or no token where they say it is.
    """
    if not isinstance(settings, HttpSettings):
        raise RigMisconfigured(f"settings of a {settings.kind!r} rig; expected http")
    return HttpRig(settings, context)
