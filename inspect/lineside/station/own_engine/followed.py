"""Which deployments a station ever followed: an old one that is sent again does not come back.

A deployment's serial rises with every signature, so a lower one that comes after a higher one was either sent again by
somebody who recorded it, or the higher one was withdrawn. A withdrawal is not signed: it is the server's word, and the
kit names the serials that were withdrawn. So the rule is:

- a serial that was withdrawn once never comes back;
- one below the highest that was followed for the same line, product and release counts only if the kits said that
  all of those above it were withdrawn. An answer recorded earlier cannot say that, nor can a server that was set back
  to an old backup; a server that lies can, and its own verdicts would be believed too;
- a station follows the plant of its first kit.
"""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from lineside.client.durable_files import write_durably
from lineside.inspection.release import EVERYWHERE, Deployment
from lineside.station.own_engine.errors import KitStoreFailed, NoKit

MOST_REMEMBERED: Final = 1000
"""Deployments and withdrawals, the newest; a plant signs some a week."""


@dataclass(frozen=True, slots=True)
class FollowedOne:
    """A deployment that was followed.

    Attributes:
        serial: of the plant.
        release_name: what it is a version of.
        lines: where; `*` for all.
        products: for what; `*` for all.
    """

    serial: int
    release_name: str
    lines: tuple[str, ...]
    products: tuple[str, ...]

    def is_for(self, release_name: str, *, line: str, product: str | None) -> bool:
        """Whether it spoke of that release, there and for that product."""
        return (
            self.release_name == release_name
            and (EVERYWHERE in self.lines or line in self.lines)
            and (EVERYWHERE in self.products or product in self.products)
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """What a station remembers of all its kits.

    Attributes:
        plant: of the first; None before it.
        deployments: that were followed, by serial.
        withdrawn: serials that the server said were taken back.
    """

    plant: str | None = None
    deployments: tuple[FollowedOne, ...] = ()
    withdrawn: frozenset[int] = frozenset()

    def without(self, withdrawn: Collection[int]) -> "Followed":
        """What is remembered once the server said that these serials were taken back."""
        gone = sorted(self.withdrawn | frozenset(withdrawn))
        return replace(self, withdrawn=frozenset(gone[-MOST_REMEMBERED:]))

    def following(self, deployment: Deployment, *, line: str, product: str | None) -> "Followed":
        """What is remembered once this deployment, already verified, is followed too.

        Args:
            deployment: that the kit names.
            line: where the station stands.
            product: what it makes.

        Raises:
            NoKit: it may not be followed; says why.
        """
        if self.plant not in (None, deployment.plant):
            raise NoKit(
                f"the kit is of plant {deployment.plant!r}; this station follows plant {self.plant!r}: to move it, "
                "give it a new spool folder"
            )
        if deployment.serial in self.withdrawn:
            raise NoKit(
                f"deployment {deployment.serial} was withdrawn; to return to its release, have a new one signed"
            )
        above = [
            one.serial
            for one in self.deployments
            if one.serial > deployment.serial
            and one.serial not in self.withdrawn
            and one.is_for(deployment.release.name, line=line, product=product)
        ]
        if above:
            raise NoKit(
                f"deployment {deployment.serial} is an old one: this station followed {max(above)}, and the server "
                "does not say that it was withdrawn; withdraw it there, or have a new deployment signed"
            )
        this = FollowedOne(deployment.serial, deployment.release.name, deployment.lines, deployment.products)
        others = [one for one in self.deployments if one != this]
        return replace(
            self,
            plant=deployment.plant,
            deployments=tuple(sorted((*others, this), key=lambda one: one.serial)[-MOST_REMEMBERED:]),
        )

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "plant": self.plant,
            "deployments": [
                [one.serial, one.release_name, list(one.lines), list(one.products)] for one in self.deployments
            ],
            "withdrawn": sorted(self.withdrawn),
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """From what was kept.

        Raises:
            KeyError, TypeError, ValueError: it is not that.
        """
        ones: Sequence[Any] = kept["deployments"]
        return cls(
            None if kept["plant"] is None else str(kept["plant"]),
            tuple(
                FollowedOne(int(serial), str(name), tuple(map(str, lines)), tuple(map(str, products)))
                for serial, name, lines, products in ones
            ),
            frozenset(map(int, kept["withdrawn"])),
        )


class FollowedFile:
    """Keeps it on disk.

    Args:
        path: of the file; made with the first kit.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: Followed | None = None

    def load(self) -> Followed:
        """What is remembered; of a station without a kit so far, nothing.

        Raises:
            NoKit: the file is damaged: nobody can say what was followed.
        """
        if self._kept is None:
            try:
                self._kept = Followed.of_json(json.loads(self._path.read_bytes()))
            except FileNotFoundError:
                self._kept = Followed()
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise NoKit(
                    f"{self._path}, which says what deployments were followed here, cannot be read ({error}): see on "
                    "the server which one is in force, then remove the file"
                ) from error
        return self._kept

    def keep(self, followed: Followed) -> None:
        """Remember it; durable when the call returns.

        Raises:
            KitStoreFailed: the disk does not take it.
        """
        if followed == self._kept:
            return
        body = json.dumps(followed.to_json()).encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self._path.with_name(f".{secrets.token_hex(8)}"), self._path, body)
        except OSError as error:
            raise KitStoreFailed(f"{self._path} cannot be written: {error}") from error
        self._kept = followed
