"""What an edge node must still know after a restart: the number of its last CONNECT, and what the broker surely has."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineside.serving.delivery.sparkplug.picture import Tally

_NUMBERS: Final = 256


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a broker proved to have.

    Attributes:
        tally: the last event that was published before the proof, and the counts up to it.
        is_all: whether nothing was published since.
    """

    tally: Tally
    is_all: bool


class NodeMemory:
    """Two small files in the sink's own folder; one that cannot be read counts as absent.

    Args:
        folder: of this sink alone.
    """

    def __init__(self, folder: Path) -> None:
        self._connects = folder / "bdseq.json"
        self._proofs = folder / "confirmed.json"

    def next_bdseq(self) -> int:
        """The birth/death number of a CONNECT that is about to be sent: on disk before it is returned.

        0 the first time, one more each time after, and 0 again after 255 (topics-nbirth-bdseq-increment).
        """
        last = _read(self._connects).get("bdseq")
        number = (last + 1) % _NUMBERS if isinstance(last, int) else 0
        _write(self._connects, {"bdseq": number}, durable=True)
        return number

    def confirmed(self) -> Confirmed | None:
        """What the broker had when this was last written; None if nothing ever was."""
        found = _read(self._proofs)
        sequence, is_all, counts = found.get("sequence"), found.get("is_all"), found.get("counts")
        if not isinstance(sequence, int) or not isinstance(is_all, bool) or not isinstance(counts, dict):
            return None
        return Confirmed(Tally(sequence, counts), is_all) if _are_counts(counts) else None

    def confirm(self, confirmed: Confirmed) -> None:
        """Write what the broker has. After a power cut an older word may stand there: then more is sent twice."""
        tally = confirmed.tally
        content = {"sequence": tally.sequence, "is_all": confirmed.is_all, "counts": tally.counts}
        _write(self._proofs, content, durable=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _are_counts(found: dict[str, Any]) -> bool:
    return all(isinstance(of, dict) and all(isinstance(n, int) for n in of.values()) for of in found.values())


def _write(path: Path, content: dict[str, Any], *, durable: bool) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(content, file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    Path(file.name).replace(path)
    if durable and hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
