"""The other way: orders and holds from the receiver to the Lineside server, over its public API."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.client import ClientError, LinesideClient, RequestRefused
from lineside.serving.fields import Name, Prose
from lineside.workflows.mes_receiver.errors import LineUnreachable


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderForm(_Form):
    """An order as the page sends it."""

    station: Name
    order_id: Name
    product: Name
    lot: Name | None = None
    quantity: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    from_part_id: Name | None = None
    from_encoder: Annotated[int, Field(ge=0, lt=2**63)] | None = None

    @model_validator(mode="after")
    def _begins_at_one_place(self) -> Self:
        if self.from_part_id is not None and self.from_encoder is not None:
            raise ValueError("an order begins at a part or at an encoder count, not at both")
        return self


class HoldForm(_Form):
    """A hold as the page sends it: of a station's parts or of a lot's."""

    station: Name | None = None
    lot: Name | None = None
    reason: Prose


class ReleaseForm(_Form):
    """Why held parts may go on."""

    reason: Prose


class Line:
    """What a Lineside server is asked to do.

    Args:
        client: of the server, with a key of the role `mes`; None where no server is configured.
    """

    def __init__(self, client: LinesideClient | None) -> None:
        self._client = client

    @property
    def is_connected(self) -> bool:
        """Whether a server is configured."""
        return self._client is not None

    async def stations(self) -> Sequence[Mapping[str, Any]]:
        """Each station's identifier, line, and what runs there; none where no server is configured.

        Raises:
            LineUnreachable: the server does not say.
        """
        if self._client is None:
            return ()
        async with self._asked() as client:
            found = await client.stations()
        return [
            {"id": each["id"], "line": each["line"], **{name: each["context"][name] for name in ("product", "lot")}}
            for each in found
        ]

    async def order(self, form: OrderForm) -> None:
        """Give a station an order.

        Raises:
            LineUnreachable: the server refuses it, or is not there.
        """
        async with self._asked() as client:
            await client.put_order(
                form.station,
                order_id=form.order_id,
                product=form.product,
                lot=form.lot,
                quantity=form.quantity,
                from_part_id=form.from_part_id,
                from_encoder=form.from_encoder,
            )

    async def hold(self, form: HoldForm) -> None:
        """Hold back parts.

        Raises:
            LineUnreachable: the server refuses it, or is not there.
        """
        async with self._asked() as client:
            await client.hold(station=form.station, lot=form.lot, reason=form.reason)

    async def release(self, hold_id: str, form: ReleaseForm) -> None:
        """Let held parts go on.

        Raises:
            LineUnreachable: the server refuses it, or is not there.
        """
        async with self._asked() as client:
            await client.release_hold(hold_id, reason=form.reason)

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[LinesideClient]:
        if self._client is None:
            raise LineUnreachable("no Lineside server is configured: start the receiver with --server and a key")
        try:
            yield self._client
        except RequestRefused as error:
            raise LineUnreachable(f"the Lineside server refuses: {error}", is_refused=True) from error
        except ClientError as error:
            raise LineUnreachable(f"the Lineside server does not answer: {error}") from error
