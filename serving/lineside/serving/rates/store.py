"""Reading rate cells: from the longest that fit, in as few rows as the question allows."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, RowMapping, cast, func, select

from lineside.serving.ledger.rate_tables import CLASS_COUNTS, PART_COUNTS
from lineside.serving.rates.cells import HOUR, QUARTER, TIERS, Tier
from lineside.serving.rates.windows import RateFilter, Tally


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of cells of one tier.

    Attributes:
        tier: of the cells.
        start: aware UTC, of a cell.
        end: the same; not part of it.
    """

    tier: Tier
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """Which cells are wanted.

    Attributes:
        plant: of the ledger.
        stations: where; none finds nothing.
        wanted: the other conditions.
    """

    plant: str
    stations: tuple[str, ...]
    wanted: RateFilter


def pieces_of(start: datetime, end: datetime) -> Iterator[Piece]:
    """A span as the fewest stretches of cells: quarters, hours, days, hours, quarters.

    Args:
        start: aware UTC, of a quarter of an hour.
        end: the same.
    """
    yield from _pieces(start, end, len(TIERS) - 1)


def _pieces(start: datetime, end: datetime, level: int) -> Iterator[Piece]:
    tier = TIERS[level]
    first = tier.floor(start) if tier.starts_at(start) else tier.floor(start) + tier.length
    last = tier.floor(end)
    if first >= last:
        if start < end:
            yield from _pieces(start, end, level - 1)
        return
    if start < first:
        yield from _pieces(start, first, level - 1)
    yield Piece(tier, first, last)
    if last < end:
        yield from _pieces(last, end, level - 1)


def read_total(connection: Connection, question: Question, *, by: str | None = None) -> dict[str, Tally]:
    """Everything in the span of a question in one tally, or one by each value of a column.

    Args:
        connection: a snapshot.
        question: which cells.
        by: a column of the cells; None for one tally, by the name "".
    """
    found: dict[str, Tally] = {}
    columns = () if by is None else (by,)
    for piece in pieces_of(question.wanted.start, question.wanted.end):
        for is_class, row in _rows(connection, question, piece, columns):
            name = "" if by is None else str(row[by])
            _take(found.setdefault(name, Tally()), row, is_class=is_class)
    return found


def read_classes(connection: Connection, question: Question) -> dict[str, Tally]:
    """The class cells in the span of a question, by class; without the parts' own counts."""
    found: dict[str, Tally] = {}
    for piece in pieces_of(question.wanted.start, question.wanted.end):
        for row in _select(connection, question, piece, ("class_name",), is_class=True):
            _take(found.setdefault(str(row["class_name"]), Tally()), row, is_class=True)
    return found


def read_windows(
    connection: Connection, question: Question, windows: Sequence[tuple[datetime, datetime]]
) -> list[Tally]:
    """One tally for each of some windows.

    Args:
        connection: a snapshot.
        question: which cells; its span is not looked at.
        windows: start and end, aware UTC at quarters of an hour, in order, not overlapping.
    """
    tallies = [Tally() for _ in windows]
    if not windows:
        return tallies
    starts = [start for start, _ in windows]
    edges = [edge for window in windows for edge in window]
    # The ends of the whole are often ragged ("until now"): they are read apart, so that they do not cost the rest.
    inner = edges[1:-1]
    tier = next((tier for tier in reversed(TIERS) if all(tier.starts_at(edge) for edge in inner)), QUARTER)
    pieces = [*pieces_of(edges[0], edges[1])] if len(edges) == 2 else []
    if inner:
        pieces = [*pieces_of(edges[0], inner[0]), Piece(tier, inner[0], inner[-1]), *pieces_of(inner[-1], edges[-1])]
    for piece in pieces:
        if piece.start >= piece.end:
            continue
        for is_class, row in _rows(connection, question, piece, ("start",)):
            position = bisect_right(starts, row["start"]) - 1
            if position >= 0 and row["start"] < windows[position][1]:
                _take(tallies[position], row, is_class=is_class)
    return tallies


@dataclass(frozen=True, slots=True)
class Context:
    """What the parts of a span have in common, or not.

    Attributes:
        products: of the parts; those without one are not in it.
        release_digests: of all that judged them.
    """

    products: frozenset[str]
    release_digests: frozenset[str]


def read_context(connection: Connection, question: Question) -> Context:
    """The products and releases of a question's span."""
    products: set[str] = set()
    digests: set[str] = set()
    for piece in pieces_of(question.wanted.start, question.wanted.end):
        table = piece.tier.cells
        query = select(table.c.product, table.c.release_digest).where(*_conditions(table, question, piece)).distinct()
        for row in connection.execute(query):
            products.add(row.product)
            digests.add(row.release_digest)
    return Context(frozenset(products - {""}), frozenset(digests - {""}))


def read_quarters(connection: Connection, question: Question) -> list[tuple[datetime, Tally]]:
    """One tally for each quarter of an hour of the span in which anything came, in order."""
    found: dict[datetime, Tally] = {}
    piece = Piece(QUARTER, question.wanted.start, question.wanted.end)
    for is_class, row in _rows(connection, question, piece, ("start",)):
        _take(found.setdefault(row["start"], Tally()), row, is_class=is_class)
    return sorted(found.items(), key=lambda item: item[0])


def read_lots(connection: Connection, question: Question) -> list[tuple[str, datetime, datetime, Tally]]:
    """One tally for each lot of the span with the hours of its first and last part, in the order of the first."""
    tallies = read_total(connection, question, by="lot")
    spans: dict[str, tuple[datetime, datetime]] = {}
    for piece in pieces_of(question.wanted.start, question.wanted.end):
        # Days would not tell when in them a lot began.
        table = (HOUR if piece.tier is not QUARTER else QUARTER).cells
        length = (HOUR if piece.tier is not QUARTER else QUARTER).length
        query = (
            select(table.c.lot, func.min(table.c.start).label("first"), func.max(table.c.start).label("last"))
            .where(*_conditions(table, question, piece))
            .group_by(table.c.lot)
        )
        for row in connection.execute(query):
            first, last = row.first, row.last + length
            known = spans.get(row.lot, (first, last))
            spans[row.lot] = (min(known[0], first), max(known[1], last))
    lots = [(lot, *spans[lot], tally) for lot, tally in tallies.items() if lot and lot in spans]
    return sorted(lots, key=lambda each: (each[1], each[0]))


def _take(tally: Tally, row: RowMapping, *, is_class: bool) -> None:
    tally.add(row, CLASS_COUNTS if is_class else PART_COUNTS, is_class=is_class)


def _rows(
    connection: Connection, question: Question, piece: Piece, columns: Sequence[str]
) -> Iterator[tuple[bool, RowMapping]]:
    """Rows of parts, and of the class that is asked for, if one is."""
    for row in _select(connection, question, piece, columns, is_class=False):
        yield False, row
    if question.wanted.class_name is not None:
        for row in _select(connection, question, piece, columns, is_class=True):
            yield True, row


def _select(
    connection: Connection, question: Question, piece: Piece, columns: Sequence[str], *, is_class: bool
) -> Iterator[RowMapping]:
    table = piece.tier.class_cells if is_class else piece.tier.cells
    key = [table.c[name] for name in (*columns, "lane", "verdict", "probability")]
    counts = CLASS_COUNTS if is_class else PART_COUNTS
    query = (
        select(*key, *(cast(func.sum(table.c[name]), BigInteger).label(name) for name in counts))
        .where(*_conditions(table, question, piece))
        .group_by(*key)
    )
    if is_class and question.wanted.class_name is not None:
        query = query.where(table.c.class_name == question.wanted.class_name)
    yield from connection.execute(query).mappings()


def _conditions(table: Any, question: Question, piece: Piece) -> list[Any]:
    wanted = question.wanted
    conditions = [
        table.c.plant == question.plant,
        table.c.station.in_(question.stations),
        table.c.start >= piece.start,
        table.c.start < piece.end,
        table.c.is_simulated == wanted.is_simulated,
    ]
    for name in ("lot", "product", "release_digest"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(table.c[name] == value)
    return conditions
