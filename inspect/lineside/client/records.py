"""What the server answers, as frozen records; an answer of another shape never becomes one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from lineside.client.errors import AnswerUnreadable
from lineside.inspection.verdict import Verdict

T = TypeVar("T")


class Cause(StrEnum):
    """Why an attempt is made: the first one, or another."""

    FIRST = "first"
    RETEST = "retest"
    AFTER_REWORK = "after_rework"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a part is not OK.

    Attributes:
        code: for programs, e.g. "defect_limit"; a newer server may know more of them.
        message: for people.
        view: the view it is about, None where it is about the part.
    """

    code: str
    message: str
    view: str | None


@dataclass(frozen=True, slots=True)
class Defect:
    """A detection that counts under the recipe.

    Attributes:
        view: the view it was found in.
        class_name: its class in the defect catalogue.
        confidence: the detector's, in [0, 1].
        box_xyxy_px: left, top, right, bottom in the view's pixels.
        size_mm: in mm, in mm² where `size_definition` is "area"; None without a scale.
        size_definition: "width", "length" or "area".
        zone: the zone of the recipe that it lies in, None outside all of them.
        severity: as the catalogue ranks its class.
    """

    view: str
    class_name: str
    confidence: float
    box_xyxy_px: tuple[float, float, float, float]
    size_mm: float | None
    size_definition: str | None
    zone: str | None
    severity: str


@dataclass(frozen=True, slots=True)
class BoundRecipe:
    """The recipe version that judged."""

    id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class UsedRelease:
    """The model release that judged."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """One view's image.

    Attributes:
        view: its name in the recipe.
        digest: lowercase hex SHA-256 of the body as sent.
        kept: whether the server keeps the image.
    """

    view: str
    digest: str
    kept: bool


@dataclass(frozen=True, slots=True)
class InspectionAnswer:
    """One judged attempt: the verdict and everything that explains it.

    Attributes:
        id: the inspection's identifier.
        audit: whether a passed part was drawn for human review: set it aside if the line can.
        confirmation: whether a flagged part was drawn to be confirmed by a human; all are, unless the recipe says less.
        thresholds: the confidence from which a detection counted, by class.
        threshold_status: "certified" if every class in force has a valid certificate, else "uncertified".
        judged_by: "server" or "station".
        opened_at: aware UTC instant at which the attempt's first frame arrived.
        judged_at: aware UTC instant of the verdict.
        timings_ms: milliseconds by stage.
    """

    id: str
    plant: str
    station: str
    part_id: str
    attempt: int
    cause: Cause
    parent_id: str | None
    product: str | None
    lot: str | None
    order_id: str | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    defects: tuple[Defect, ...]
    audit: bool
    confirmation: bool
    recipe: BoundRecipe | None
    release: UsedRelease | None
    engine: str | None
    thresholds: Mapping[str, float]
    threshold_status: str
    judged_by: Literal["server", "station"]
    is_simulated: bool
    opened_at: datetime
    judged_at: datetime
    deadline_ms: float
    timings_ms: Mapping[str, float]
    frames: tuple[KeptFrame, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """An attempt of which views are missing.

    Attributes:
        id: the inspection's identifier.
        missing_views: what the recipe still asks for.
        deadline_at: aware UTC instant after which the part is NOT_INSPECTED.
    """

    id: str
    missing_views: tuple[str, ...]
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One entry of the plant's log.

    Attributes:
        id: UUIDv7; a duplicate delivery carries the same.
        sequence: 1, 2, 3, ... without a gap within the plant.
        type: what happened, with the version of its data: "inspection.v1".
        station: where, None if at no station.
        occurred_at: when it happened, aware UTC.
        recorded_at: when it was written, aware UTC.
        data: what the type's schema says.
    """

    id: str
    plant: str
    sequence: int
    type: str
    station: str | None
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]


_ADAPTERS: Mapping[type, TypeAdapter[Any]] = MappingProxyType(
    {record: TypeAdapter(record) for record in (InspectionAnswer, Pending, LedgerEvent)}
)


def parse(record: type[T], body: bytes | str) -> T:
    """Read a JSON body into a record.

    Types are strict, and every field must be there; fields that this version does not know are left out, so that a
    newer server may say more.

    Raises:
        AnswerUnreadable: it does not fit.
    """
    try:
        answer: T = _ADAPTERS[record].validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the body"
        raise AnswerUnreadable(
            f"the answer is no {record.__name__}: {place}: {first['msg']}; is that a Lineside server of this version?"
        ) from error
    return answer
