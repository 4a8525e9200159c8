"""The desk as the delivery process has it: the server's API."""

from typing import Any

from pydantic import ValidationError

from lineside.client import AnswerUnreadable, LinesideClient
from lineside.serving.delivery.desk import Orders, SinkDescription, SinkReport
from lineside.serving.delivery.schemas import OrdersOut, ReportIn, SinkIn


class HttpDesk:
    """A `Desk` on the other side of the server's API.

    Args:
        client: with a key of the role `delivery`.
    """

    def __init__(self, client: LinesideClient) -> None:
        self._client = client

    async def enrol(self, sink: SinkDescription) -> Orders:
        """Where a sink goes on, or begins."""
        described = SinkIn.of(sink).model_dump(mode="json", by_alias=True)
        return _orders(await self._client.enrol_sink(sink.name, described))

    async def report(self, report: SinkReport) -> Orders:
        """Store how a sink stands."""
        return _orders(await self._client.report_delivery(ReportIn.of(report).model_dump(mode="json")))


def _orders(answer: dict[str, Any]) -> Orders:
    try:
        return OrdersOut.model_validate(answer).to_record()
    except ValidationError as error:
        raise AnswerUnreadable(f"the answer to a delivery report is none: {error.errors()[0]['msg']}") from error
