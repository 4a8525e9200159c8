"""Where an element stands in a submodel: `Segments.HourlyPoints.Records[0].Rate` (IDTA 01002, "idShortPath")."""

import re
from dataclasses import dataclass
from typing import Final, Self

from lineside.serving.twin.aas.errors import TwinRequestUnfit

LONGEST_PATH: Final = 1_000
"""Characters. Ours have at most a few dozen."""

_ID_SHORT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_INDEX: Final = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")


@dataclass(frozen=True, slots=True)
class IdShortPath:
    """Steps from a submodel to one of its elements.

    Attributes:
        steps: idShorts, and positions in lists counted from 0; never empty, the first is an idShort.
    """

    steps: tuple[str | int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path.

        Raises:
            TwinRequestUnfit: it is none.
        """
        if len(text) > LONGEST_PATH:
            raise TwinRequestUnfit(f"the idShortPath has {len(text)} characters; expected at most {LONGEST_PATH}")
        steps: list[str | int] = []
        position = 0
        while position < len(text) or not steps:
            index = _INDEX.match(text, position) if steps else None
            if index is not None:
                steps.append(int(index[1]))
                position = index.end()
                continue
            if steps:
                if text[position] != ".":
                    raise _malformed(text, position)
                position += 1
            name = _ID_SHORT.match(text, position)
            if name is None:
                raise _malformed(text, position)
            steps.append(name[0])
            position = name.end()
        return cls(tuple(steps))

    def child(self, step: str | int) -> "IdShortPath":
        """One step further."""
        return IdShortPath((*self.steps, step))

    def __str__(self) -> str:
        """As it is written."""
        written = ""
        for step in self.steps:
            written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
        return written


def _malformed(text: str, position: int) -> TwinRequestUnfit:
    return TwinRequestUnfit(
        f"the idShortPath {text[:80]!r} cannot be read from character {position + 1} on; expected idShorts with a dot "
        "between them and positions in brackets, such as Segments.HourlyPoints.Records"
    )
