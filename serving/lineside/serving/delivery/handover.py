"""What the server tells its delivery process: one line into its stdin, for a key on a command line is everybody's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Handover:
    """Where everything is that the process works with.

    Attributes:
        server_url: of the server that started it.
        key: of the role `delivery`.
        ledger_url: may hold a password.
        plant: whose events.
        delivery_dir: the process's folder.
        delivery_text: the delivery file as the server read it.
        delivery_path: where that file is.
        is_simulated: whether the line is a simulation.
    """

    server_url: str
    key: str
    ledger_url: str
    plant: str
    delivery_dir: Path
    delivery_text: str
    delivery_path: Path
    is_simulated: bool

    def __repr__(self) -> str:
        """Neither key nor passwords: records end up in logs."""
        return f"Handover(server_url={self.server_url!r}, plant={self.plant!r})"

    def to_line(self) -> bytes:
        """One line of JSON."""
        said = {name: getattr(self, name) for name in self.__slots__}
        said |= {"delivery_dir": str(self.delivery_dir.resolve()), "delivery_path": str(self.delivery_path.resolve())}
        return json.dumps(said).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read the line again.

        Raises:
            ValueError, KeyError: it is none; nobody but the server starts this process.
        """
        said = json.loads(line)
        said |= {"delivery_dir": Path(said["delivery_dir"]), "delivery_path": Path(said["delivery_path"])}
        return cls(**said)
