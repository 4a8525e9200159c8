"""Reading rate cells: from the longest that fit, in as few rows as the question allows."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CTE, BigInteger, Connection, Integer, cast, column, func, literal, select, values

from lineside.serving.ledger.rate_tables import CLASS_COUNTS, PART_COUNTS
from lineside.serving.ledger.types import UtcDateTime
from lineside.serving.rates.cells import HOUR, QUARTER, TIERS
from lineside.serving.rates.spans import Span, spans_of, whole_spans
from lineside.serving.rates.windows import RateFilter, Tally

_MOST_WINDOWS_BY_SPAN: Final = {"sqlite": 400, "postgresql": 4}
"""More on SQLite are short ones, and cells by their start are then as few rows as windows. PostgreSQL's planner joins
spans by reading all cells for each (30 spans of hours: 130 ms, one grouped range: 30 ms): there each is asked alone."""


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


def read_total(connection: Connection, question: Question, *, by: str | None = None) -> dict[str, Tally]:
    """Everything in the span of a question in one tally, or one by each value of a column.

    Args:
        connection: a snapshot.
        question: which cells.
        by: a column of the cells; None for one tally, by the name "".
    """
    found: dict[str, Tally] = {}
    columns = () if by is None else (by,)
    window = (question.wanted.start, question.wanted.end)
    for is_class in _kinds(question):
        for _, sign, names, counted in _by_span(connection, question, (window,), columns, is_class=is_class):
            tally = found.setdefault("" if by is None else str(names[0]), Tally())
            _take(tally, counted, is_class=is_class, sign=sign)
    return {name: tally for name, tally in found.items() if _drop_zeros(tally)}


def read_classes(connection: Connection, question: Question) -> dict[str, Tally]:
    """The class cells in the span of a question, by class; without the parts' own counts."""
    found: dict[str, Tally] = {}
    window = (question.wanted.start, question.wanted.end)
    for _, sign, names, counted in _by_span(connection, question, (window,), ("class_name",), is_class=True):
        _take(found.setdefault(str(names[0]), Tally()), counted, is_class=True, sign=sign)
    return {name: tally for name, tally in found.items() if _drop_zeros(tally)}


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
    if len(windows) > _MOST_WINDOWS_BY_SPAN[connection.dialect.name]:
        _read_many_windows(connection, question, windows, tallies)
        return tallies
    for is_class in _kinds(question):
        for position, sign, _, counted in _by_span(connection, question, windows, (), is_class=is_class):
            _take(tallies[position], counted, is_class=is_class, sign=sign)
    for tally in tallies:
        _drop_zeros(tally)
    return tallies


def _read_many_windows(
    connection: Connection,
    question: Question,
    windows: Sequence[tuple[datetime, datetime]],
    tallies: Sequence[Tally],
) -> None:
    starts = [start for start, _ in windows]
    edges = [edge for window in windows for edge in window]
    # The ends of the whole are often ragged ("until now"): they are read apart, so that they do not cost the rest.
    inner = edges[1:-1]
    tier = next((tier for tier in reversed(TIERS) if all(tier.starts_at(edge) for edge in inner)), QUARTER)
    spans = (*whole_spans(*windows[0]), Span(tier, inner[0], inner[-1]), *whole_spans(*windows[-1]))
    for is_class in _kinds(question):
        for span in spans:
            for row in _by_start(connection, question, span, is_class=is_class):
                position = bisect_right(starts, row[0]) - 1
                if position >= 0 and row[0] < windows[position][1]:
                    _take(tallies[position], row[1:], is_class=is_class)


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
    for span in whole_spans(question.wanted.start, question.wanted.end):
        table = span.tier.cells
        query = select(table.c.product, table.c.release_digest).where(*_within(table, question, span)).distinct()
        for row in connection.execute(query):
            products.add(row.product)
            digests.add(row.release_digest)
    return Context(frozenset(products - {""}), frozenset(digests - {""}))


def read_quarters(connection: Connection, question: Question) -> list[tuple[datetime, Tally]]:
    """One tally for each quarter of an hour of the span in which anything came, in order."""
    found: dict[datetime, Tally] = {}
    span = Span(QUARTER, question.wanted.start, question.wanted.end)
    for is_class in _kinds(question):
        for row in _by_start(connection, question, span, is_class=is_class):
            _take(found.setdefault(row[0], Tally()), row[1:], is_class=is_class)
    return sorted(found.items(), key=lambda item: item[0])


def read_lots(connection: Connection, question: Question) -> list[tuple[str, datetime, datetime, Tally]]:
    """One tally for each lot of the span with the hours of its first and last part, in the order of the first."""
    tallies = read_total(connection, question, by="lot")
    spans: dict[str, tuple[datetime, datetime]] = {}
    for span in whole_spans(question.wanted.start, question.wanted.end):
        # Days would not tell when in them a lot began.
        table = (HOUR if span.tier is not QUARTER else QUARTER).cells
        length = (HOUR if span.tier is not QUARTER else QUARTER).length
        query = (
            select(table.c.lot, func.min(table.c.start).label("first"), func.max(table.c.start).label("last"))
            .where(*_within(table, question, span))
            .group_by(table.c.lot)
        )
        for row in connection.execute(query):
            first, last = row.first, row.last + length
            known = spans.get(row.lot, (first, last))
            spans[row.lot] = (min(known[0], first), max(known[1], last))
    lots = [(lot, *spans[lot], tally) for lot, tally in tallies.items() if lot and lot in spans]
    return sorted(lots, key=lambda each: (each[1], each[0]))


def _kinds(question: Question) -> tuple[bool, ...]:
    """Cells of parts, and those of the class that is asked for, if one is."""
    return (False,) if question.wanted.class_name is None else (False, True)


def _take(tally: Tally, counted: Sequence[Any], *, is_class: bool, sign: int = 1) -> None:
    """Add lane, verdict, probability and the counts of some cells to a tally."""
    names = CLASS_COUNTS if is_class else PART_COUNTS
    strata = tally.classes if is_class else tally.parts
    sums = strata.setdefault((counted[0], counted[1], counted[2]), dict.fromkeys(names, 0))
    for name, count in zip(names, counted[3:], strict=True):
        if count:
            sums[name] += sign * count


def _drop_zeros(tally: Tally) -> bool:
    """Forget strata of which all was taken off again; whether anything is left."""
    for strata in (tally.parts, tally.classes):
        for key in [key for key, counts in strata.items() if not any(counts.values())]:
            del strata[key]
    return bool(tally.parts or tally.classes)


def _by_span(
    connection: Connection,
    question: Question,
    windows: Sequence[tuple[datetime, datetime]],
    columns: Sequence[str],
    *,
    is_class: bool,
) -> Iterator[tuple[int, int, Sequence[Any], Sequence[Any]]]:
    """Position of a window, 1 or -1, the columns, and what `_take` takes, for each stratum of each of its spans."""
    used: dict[Span, list[tuple[int, int]]] = {}
    for position, window in enumerate(windows):
        for sign, span in spans_of(*window):
            used.setdefault(span, []).append((position, sign))
    for tier in TIERS:
        of_tier = [span for span in used if span.tier is tier]
        is_joined = connection.dialect.name == "sqlite" and len(of_tier) > 1
        for spans in (of_tier,) if is_joined else tuple([span] for span in of_tier):
            table = tier.class_cells if is_class else tier.cells
            key = [*(table.c[name] for name in columns), *_stratum(table)]
            place: Any = literal(0)
            start: Any = spans[0].start
            end: Any = spans[0].end
            if is_joined:
                listed = _listed(spans)
                place, start, end = listed.c.place, listed.c.span_start, listed.c.span_end
            query = (
                select(place, *key, *_sums(table, is_class=is_class))
                .where(*_conditions(table, question, is_class=is_class), table.c.start >= start, table.c.start < end)
                .group_by(*key, *((place,) if is_joined else ()))
            )
            first = 1 + len(columns)
            for row in connection.execute(query):
                for position, sign in used[spans[row[0]]]:
                    yield position, sign, row[1:first], row[first:]


def _listed(spans: Iterable[Span]) -> CTE:
    """The spans as a table to join with: one statement whatever their number."""
    return (
        values(column("place", Integer), column("span_start", UtcDateTime()), column("span_end", UtcDateTime()))
        .data([(place, span.start, span.end) for place, span in enumerate(spans)])
        .cte("spans")
    )


def _by_start(connection: Connection, question: Question, span: Span, *, is_class: bool) -> Iterator[Sequence[Any]]:
    """Start of the cells, and what `_take` takes, for each stratum."""
    table = span.tier.class_cells if is_class else span.tier.cells
    key = [table.c.start, *_stratum(table)]
    query = select(*key, *_sums(table, is_class=is_class)).group_by(*key)
    yield from connection.execute(query.where(*_within(table, question, span, is_class=is_class)))


def _stratum(table: Any) -> list[Any]:
    return [table.c[name] for name in ("lane", "verdict", "probability")]


def _sums(table: Any, *, is_class: bool) -> Iterator[Any]:
    for name in CLASS_COUNTS if is_class else PART_COUNTS:
        yield cast(func.sum(table.c[name]), BigInteger).label(name)


def _within(table: Any, question: Question, span: Span, *, is_class: bool = False) -> list[Any]:
    conditions = _conditions(table, question, is_class=is_class)
    return [*conditions, table.c.start >= span.start, table.c.start < span.end]


def _conditions(table: Any, question: Question, *, is_class: bool) -> list[Any]:
    wanted = question.wanted
    conditions = [
        table.c.plant == question.plant,
        table.c.station.in_(question.stations),
        table.c.is_simulated == wanted.is_simulated,
    ]
    for name in ("lot", "product", "release_digest"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(table.c[name] == value)
    if is_class and wanted.class_name is not None:
        conditions.append(table.c.class_name == wanted.class_name)
    return conditions
