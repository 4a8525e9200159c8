"""Which part it is: only a part with a name of its own may be judged; every other still has a record."""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import Image
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.configuration import PartIdInFile
from lineside.station.agent.identity import PartName, PartNames
from lineside.station.agent.workers import Workers
from lineside.station.cameras import CameraFrame
from lineside.station.part_codes import CodeFormat, draw_code

IDENTIFIERS = IdentifierSource(SystemClock())


def picture(*texts: str) -> Image:
    """A white picture with Data Matrix symbols in a row."""
    image = np.full((200, 300), 255, np.uint8)
    for place, text in enumerate(texts):
        symbol = np.kron(draw_code(text, CodeFormat.DATA_MATRIX), np.ones((5, 5), np.uint8))
        left = 20 + place * 140
        image[40 : 40 + symbol.shape[0], left : left + symbol.shape[1]] = symbol
    return image


def an_attempt() -> str:
    return str(IDENTIFIERS.uuid7())


def named(*pictures: Image | None) -> list[PartName]:
    async def work() -> list[PartName]:
        with Workers() as workers:
            names = PartNames(PartIdInFile.model_validate({"from": "code"}), workers)
            assert names.needs_picture
            found = []
            for number, image in enumerate(pictures):
                frames = (
                    {} if image is None else {"default": CameraFrame(image, "default", number, datetime.now(UTC), 0.0)}
                )
                found.append(await names.from_picture(an_attempt(), frames))
            return found

    return asyncio.run(work())


def test_a_code_names_its_part_and_an_unread_or_second_one_does_not() -> None:
    first, again, unread, two, none = named(picture("P-1"), picture("P-1"), picture(), picture("P-2", "P-3"), None)
    assert first == PartName("P-1")
    assert (again.code, again.read) == (ReasonCode.CODE_DUPLICATE, "P-1")
    assert [name.code for name in (unread, two, none)] == [
        ReasonCode.CODE_UNREAD,
        ReasonCode.CODE_UNREAD,
        ReasonCode.NO_FRAME,
    ]
    nameless = [name.part_id for name in (again, unread, two, none)]
    assert len(set(nameless)) == 4
    assert not {"P-1", "P-2", "P-3"} & set(nameless)


@pytest.mark.parametrize(
    ("source", "plc", "starts"),
    [
        pytest.param("plc", "P-9", "P-9", id="the PLC's"),
        pytest.param("plc", None, "unidentified.", id="the PLC has none"),
        pytest.param("mes", None, "ORDER-7.", id="numbered in the MES's order"),
        pytest.param("mes", "TRAY-9", "ORDER-7.", id="numbered, whatever the PLC calls it"),
    ],
)
def test_ids_of_plc_and_mes_take_the_same_book(source: str, plc: str | None, starts: str) -> None:
    with Workers() as workers:
        names = PartNames(PartIdInFile.model_validate({"from": source}), workers)
        found = names.from_words(an_attempt(), plc=plc, order_id="ORDER-7")
        assert found.part_id.startswith(starts)
        assert (found.code is None) == (source == "mes" or plc is not None)
        assert found.is_made_up == (found.part_id != plc)
        again = names.from_words(an_attempt(), plc=plc, order_id="ORDER-7")
        assert again.part_id != found.part_id
