"""What waits for a grab when the next trigger comes."""

import asyncio
from dataclasses import dataclass

from lineside.station.cameras.mailbox import Mailbox


@dataclass(eq=False)
class Item:
    """Told apart by identity, as frames are."""

    number: int


def test_only_what_was_there_before_is_thrown_away() -> None:
    async def scene() -> None:
        box = Mailbox[Item](4)
        items = [Item(number) for number in range(4)]
        for item in items[:2]:
            box.put(item)
        newest = box.newest()
        for item in items[2:]:
            box.put(item)
        assert box.clear_through(newest) == 2
        assert [(await box.take())[0] for _ in range(2)] == items[2:]

    asyncio.run(scene())


def test_what_fell_out_meanwhile_takes_no_later_one_with_it() -> None:
    async def scene() -> None:
        box = Mailbox[Item](1)
        box.put(Item(0))
        newest = box.newest()
        box.put(Item(1))
        assert box.clear_through(newest) == 0
        found, fallen_out = await box.take()
        assert (found.number, fallen_out) == (1, 1)

    asyncio.run(scene())


def test_of_an_empty_box_nothing_is_thrown_away() -> None:
    async def scene() -> None:
        box = Mailbox[Item](2)
        newest = box.newest()
        box.put(Item(0))
        assert newest is None
        assert box.clear_through(newest) == 0
        assert (await box.take())[0].number == 0

    asyncio.run(scene())
