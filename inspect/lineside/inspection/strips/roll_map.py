"""What is known of a roll when it leaves the line: its parts, defects and faults by position, and what to cut out."""

import csv
import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from lineside.inspection.canonical_json import canonical_json, parse_json
from lineside.inspection.errors import RollMapRefused
from lineside.inspection.strips.lines import LineFault
from lineside.inspection.strips.parts import WebPart
from lineside.inspection.strips.regions import RegionVerdict
from lineside.inspection.strips.web_defects import WebDefect
from lineside.inspection.verdict import Reason, Verdict

SCHEMA: Final = "lineside.roll-map/1"

CUT_LIST_COLUMNS: Final = (
    "from_mm",
    "to_mm",
    "length_mm",
    "verdict",
    "first_part",
    "last_part",
    "reasons",
    "defects",
)

NO_REGION: Final = "no_region"
"""In a cut list, the reason of web that belongs to no part."""


@dataclass(frozen=True, slots=True)
class RollRegion:
    """A part of the roll and what became of it.

    Attributes:
        part: where it lies.
        verdict: OK, NG or NOT_INSPECTED.
        reasons: why it is not OK.
    """

    part: WebPart
    verdict: Verdict
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, decided: RegionVerdict) -> "RollRegion":
        """What a roll map keeps of a verdict."""
        return cls(decided.part, decided.judgement.verdict, decided.judgement.reasons)


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of the roll that is not OK, of one verdict.

    Attributes:
        from_mm: where it begins.
        to_mm: where it ends.
        verdict: NG or NOT_INSPECTED.
        regions: its parts, one behind the other; none where no part covers it.
        is_covered: whether parts cover all of it: web before the first part or between two was judged by nobody.
        defects: that lie on it.
    """

    from_mm: float
    to_mm: float
    verdict: Verdict
    regions: tuple[RollRegion, ...]
    is_covered: bool
    defects: int

    @property
    def reason_codes(self) -> tuple[str, ...]:
        """Each reason once, in the order in which they come along the roll; `NO_REGION` where no part covers it."""
        codes = (reason.code.value for region in self.regions for reason in region.reasons)
        return tuple(dict.fromkeys(itertools.chain(codes, () if self.is_covered else (NO_REGION,))))


@dataclass(frozen=True, slots=True)
class RollMap:
    """Everything found on a roll.

    Attributes:
        roll: its name.
        width_mm: across, as far as the camera sees.
        length_mm: along, as far as it has run.
        recipe: the rules, as `id@version`.
        product: what the web is.
        regions: in order along the roll.
        defects: each once, in its true length.
        faults: of lines, encoder and examination; `joined_faults` of those that were told.
    """

    roll: str
    width_mm: float
    length_mm: float
    recipe: str
    product: str
    regions: tuple[RollRegion, ...] = ()
    defects: tuple[WebDefect, ...] = ()
    faults: tuple[LineFault, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a roll without a width, and regions that lie over each other."""
        if not (math.isfinite(self.length_mm) and self.length_mm >= 0 and 0 < self.width_mm < math.inf):
            raise ValueError(
                f"roll {self.roll!r} is {self.width_mm} mm wide and {self.length_mm} mm long; expected finite "
                "measures, the width above 0"
            )
        for one, following in itertools.pairwise(self.regions):
            if following.part.from_mm < one.part.to_mm:
                raise ValueError(
                    f"region {following.part.part_id!r} begins before {one.part.part_id!r} ends; expected them in "
                    "order along the roll"
                )

    def defects_between(self, from_mm: float, to_mm: float) -> tuple[WebDefect, ...]:
        """The defects of which some lies in [from_mm, to_mm)."""
        return tuple(defect for defect in self.defects if defect.touches(from_mm, to_mm))

    def cuts(self) -> Iterator[Cut]:
        """The stretches that are not OK, in order; neighbouring ones of one verdict are one stretch.

        What no region covers was judged by nobody: NOT_INSPECTED.
        """
        for verdict, neighbours in itertools.groupby(self._stretches(), key=lambda each: each[2]):
            if verdict is Verdict.OK:
                continue
            stretches = list(neighbours)
            from_mm, to_mm = stretches[0][0], stretches[-1][1]
            regions = tuple(region for *_, region in stretches if region is not None)
            defects = len(self.defects_between(from_mm, to_mm))
            yield Cut(from_mm, to_mm, verdict, regions, len(regions) == len(stretches), defects)

    def cut_list_csv(self) -> str:
        """The cuts as CSV (RFC 4180), lengths in mm with three decimals; see `CUT_LIST_COLUMNS`."""
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(CUT_LIST_COLUMNS)
        for cut in self.cuts():
            places = (f"{place_mm:.3f}" for place_mm in (cut.from_mm, cut.to_mm, cut.to_mm - cut.from_mm))
            first, last = (cut.regions[at].part.part_id if cut.regions else "" for at in (0, -1))
            rows.writerow([*places, cut.verdict.value, first, last, " ".join(cut.reason_codes), cut.defects])
        return text.getvalue()

    def to_json(self) -> str:
        """As canonical JSON; `read_roll_map` reads it."""
        return canonical_json(self._document())

    def _document(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def _stretches(self) -> Iterator[tuple[float, float, Verdict, RollRegion | None]]:
        """All of the roll, from place to place: its regions, and what lies between, before and behind them."""
        reached_mm = 0.0
        for region in self.regions:
            part = region.part
            if part.from_mm > reached_mm:
                yield reached_mm, part.from_mm, Verdict.NOT_INSPECTED, None
            yield part.from_mm, part.to_mm, region.verdict, region
            reached_mm = part.to_mm
        if self.length_mm > reached_mm:
            yield reached_mm, self.length_mm, Verdict.NOT_INSPECTED, None


def read_roll_map(text: bytes) -> RollMap:
    """Read a roll map.

    Args:
        text: JSON as `RollMap.to_json` writes it, in any spelling.

    Raises:
        RollMapRefused: it is none, or says more or other than a roll map can.
    """
    try:
        document = parse_json(text)
    except ValueError as error:
        raise RollMapRefused(f"the roll map is no JSON: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise RollMapRefused(f"the file's schema is {schema!r}; expected {SCHEMA!r}: a roll map of this program")
    content = {key: value for key, value in document.items() if key != "schema"}
    try:
        roll_map = TypeAdapter(RollMap).validate_json(canonical_json(content))
    except ValidationError as invalid:
        problem = invalid.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise RollMapRefused(f"the roll map is refused at {place!r}: {problem['msg']}") from invalid
    if parse_json(roll_map.to_json().encode()) != document:
        raise RollMapRefused("the roll map has keys that are not known here, or values of another type than it should")
    return roll_map
