"""What happens to a region that is not OK: a marker is told from where to where, how far across, and how bad.

A web has no ejector: what is bad is marked, cut out later by the cut list, or sold as a lower grade. A region that
nobody looked at in time is marked as a whole. A region without a permit counts as marked: a station that has died
permits nothing.
"""

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from lineside.inspection.verdict import Verdict
from lineside.station.web.errors import MarkerFailed
from lineside.station.web.records import RegionOutcome

NOT_INSPECTED_GRADE = "not inspected"


@dataclass(frozen=True, slots=True)
class MarkPulse:
    """One mark to be set.

    Attributes:
        part_id: the region it belongs to.
        from_mm: along the web, where the mark begins.
        to_mm: where it ends.
        left_mm: across, from the web's left edge.
        right_mm: its other side.
        grade: the region's grade, or `NOT_INSPECTED_GRADE`.
        what: the defect's class, or the verdict.
    """

    part_id: str
    from_mm: float
    to_mm: float
    left_mm: float
    right_mm: float
    grade: str
    what: str


def pulses_of(outcome: RegionOutcome, *, web_width_mm: float) -> tuple[MarkPulse, ...]:
    """The marks that a region needs: one for each defect, and one for all of it if not all of it was looked at."""
    grade = NOT_INSPECTED_GRADE if outcome.grade is None else outcome.grade
    if outcome.verdict is Verdict.OK:
        return ()
    defects = tuple(
        MarkPulse(
            outcome.part_id,
            max(defect.from_mm, outcome.from_mm),
            min(defect.to_mm, outcome.to_mm),
            defect.left_mm,
            defect.right_mm,
            grade,
            defect.class_name,
        )
        for defect in outcome.defects
    )
    if outcome.is_examined and defects:
        return defects
    what = outcome.verdict if outcome.is_examined else Verdict.NOT_INSPECTED
    whole = MarkPulse(outcome.part_id, outcome.from_mm, outcome.to_mm, 0.0, web_width_mm, grade, what.value)
    return (*defects, whole) if outcome.verdict is Verdict.NG else (whole,)


class MarkerOutput(Protocol):
    """Sets marks. Building one connects nothing; `async with` is its life."""

    async def __aenter__(self) -> Self:
        """Get ready.

        Raises:
            MarkerFailed: it is not there.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go; safe after any failure."""
        ...

    async def region(self, outcome: RegionOutcome, pulses: tuple[MarkPulse, ...]) -> None:
        """A region is decided; only one whose verdict is OK may pass as good.

        Raises:
            MarkerFailed: it is not known whether the marks will be set.
        """
        ...


@dataclass(slots=True)
class FileMarker:
    """Permits and marks as lines of JSON in a file, on disk before `region` ends: for a rig that reads them.

    A region that has no line, or one without a permit, may not pass as good. The file begins anew with each roll: no
    permit of an earlier one is left.

    Attributes:
        path: of the file.
    """

    path: Path
    _file: IO[str] | None = None

    async def __aenter__(self) -> Self:
        """Open the file."""
        try:
            self._file = self.path.open("w", encoding="utf-8")
        except OSError as error:
            raise MarkerFailed(f"marks cannot be written to {self.path}: {error.strerror}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written has ended in MarkerFailed; closing tries once more
                self._file.close()
            self._file = None

    async def region(self, outcome: RegionOutcome, pulses: tuple[MarkPulse, ...]) -> None:
        """Append the region's permit and pulses."""
        told = {
            "part_id": outcome.part_id,
            "from_mm": outcome.from_mm,
            "to_mm": outcome.to_mm,
            "permit": outcome.verdict is Verdict.OK,
            "grade": outcome.grade,
            "marks": [asdict(pulse) for pulse in pulses],
        }
        try:
            await asyncio.to_thread(self._append, json.dumps(told, ensure_ascii=False) + "\n")
        except OSError as error:
            raise MarkerFailed(f"marks of {outcome.part_id} are not on disk ({self.path}): {error.strerror}") from error

    def _append(self, line: str) -> None:
        if self._file is None:
            raise MarkerFailed(f"the marker {self.path} is not open: use it in `async with`")
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())


class NoMarker:
    """For a run that is looked at and marks nothing."""

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def region(self, outcome: RegionOutcome, pulses: tuple[MarkPulse, ...]) -> None:
        """Nothing is marked; the roll map says it all."""
