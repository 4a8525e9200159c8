"""Whether a station's pictures are fit to judge by, from its newest parts: a pure count, alarm on and off."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from lineside.inspection.verdict import ReasonCode

UNFIT: Final = frozenset(
    {
        ReasonCode.UNHEALTHY,
        ReasonCode.UNDECODABLE,
        ReasonCode.TOO_LARGE,
        ReasonCode.GEOMETRY_MISMATCH,
        ReasonCode.REGISTRATION_REFUSED,
        ReasonCode.MISSING_VIEW,
        ReasonCode.NO_FRAME,
        ReasonCode.LINES_LOST,
    }
)
"""Reasons that lie in the picture, or in its not coming: camera, light, focus, cable. A late verdict is none."""

UNSEEN: Final = frozenset(
    {
        ReasonCode.BYPASSED,
        ReasonCode.CODE_UNREAD,
        ReasonCode.CODE_DUPLICATE,
        ReasonCode.NO_SERVER,
        ReasonCode.STATION_FAULT,
    }
)
"""Reasons of a station for which nobody looked at a picture: they say neither that it was fit nor that it was not."""

_MOST_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """When pictures are unfit.

    Attributes:
        in_a_row: so many unfit parts one after the other raise the alarm.
        share: as does this share of the newest parts.
        window_parts: how many parts are the newest; before so many came, the share raises nothing.
    """

    in_a_row: int
    share: float
    window_parts: int


@dataclass(frozen=True, slots=True)
class ImageHealth:
    """What is known of a station's pictures.

    Attributes:
        codes: of each of the newest parts, oldest first, why its pictures were unfit; empty text where they were fit.
        unfit_ids: the newest unfit inspections, oldest first.
        unfit_since: when the first of the present unfit ones was judged, aware UTC; None where none is.
        alarm_id: of the alarm that is raised; None where none is.
    """

    codes: tuple[str, ...] = ()
    unfit_ids: tuple[str, ...] = ()
    unfit_since: datetime | None = None
    alarm_id: str | None = None

    @property
    def in_a_row(self) -> int:
        """Unfit parts at the end."""
        return _run(self.codes, is_unfit=True)

    @property
    def unfit(self) -> int:
        """Unfit parts among the newest."""
        return sum(bool(code) for code in self.codes)

    @property
    def reasons(self) -> Mapping[ReasonCode, int]:
        """How often each reason is among the newest parts."""
        return dict(sorted(Counter(ReasonCode(code) for code in self.codes if code).items()))

    def after(
        self, code: ReasonCode | None, *, inspection_id: str, judged_at: datetime, limits: ImageLimits
    ) -> "ImageHealth":
        """The same once another part was judged.

        Args:
            code: why its pictures were unfit; None where they were fit.
            inspection_id: the part's inspection.
            judged_at: aware UTC.
            limits: bound what is remembered.
        """
        kept = max(limits.window_parts, limits.in_a_row)
        codes = (*self.codes, "" if code is None else code.value)[-kept:]
        if not any(codes) and self.alarm_id is None:
            return ImageHealth(codes)
        if code is None:
            return replace(self, codes=codes)
        return replace(
            self,
            codes=codes,
            unfit_ids=(*self.unfit_ids, inspection_id)[-_MOST_EVIDENCE:],
            unfit_since=self.unfit_since or judged_at,
        )

    def is_alarming(self, limits: ImageLimits) -> bool:
        """Whether the alarm stands after this part: one that is raised stays until the pictures are fit again."""
        newest = self.codes[-limits.window_parts :]
        is_frequent = len(newest) >= limits.window_parts and self._share(limits) >= limits.share
        if self.alarm_id is None:
            return self.in_a_row >= limits.in_a_row or is_frequent
        return is_frequent or _run(self.codes, is_unfit=False) < limits.in_a_row

    def cleared(self) -> "ImageHealth":
        """The same without the alarm: what was unfit before it counts no more."""
        return ImageHealth(codes=self.codes[len(self.codes) - _run(self.codes, is_unfit=False) :])

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "codes": list(self.codes),
            "unfit_ids": list(self.unfit_ids),
            "unfit_since": None if self.unfit_since is None else self.unfit_since.isoformat(),
            "alarm_id": self.alarm_id,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "ImageHealth":
        """As the ledger kept it."""
        since = stored["unfit_since"]
        return cls(
            codes=tuple(stored["codes"]),
            unfit_ids=tuple(stored["unfit_ids"]),
            unfit_since=None if since is None else datetime.fromisoformat(since),
            alarm_id=stored["alarm_id"],
        )

    def _share(self, limits: ImageLimits) -> float:
        newest = self.codes[-limits.window_parts :]
        return sum(bool(code) for code in newest) / len(newest)


def _run(codes: tuple[str, ...], *, is_unfit: bool) -> int:
    """How many codes at the end are of one kind."""
    length = 0
    for code in reversed(codes):
        if bool(code) is not is_unfit:
            break
        length += 1
    return length
