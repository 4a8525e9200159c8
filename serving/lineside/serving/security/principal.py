"""Who makes a request."""

from dataclasses import dataclass

from lineside.serving.errors import StationRefused
from lineside.serving.security.roles import PERMISSIONS, Action, Role


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a valid key.

    Attributes:
        key_id: identifier of the key; no secret.
        name: what the key was named when it was made.
        role: what it is for.
        station: the one station that a station's key acts for; None for every other role.
    """

    key_id: str
    name: str
    role: Role
    station: str | None = None

    def __post_init__(self) -> None:
        """Refuse a station's key without a station, and a station with another role."""
        if (self.role is Role.STATION) != (self.station is not None):
            raise ValueError(
                f"a key of role {self.role.value!r} with station {self.station!r}: exactly the role 'station' has one"
            )

    def may(self, action: Action) -> bool:
        """Whether the role's row in the table has that action."""
        return action in PERMISSIONS[self.role]

    def require_station(self, station: str) -> None:
        """Let a station's key act for its own station only; other roles are not bound to one.

        Raises:
            StationRefused: it is another station's key.
        """
        if self.station is not None and self.station != station:
            raise StationRefused(
                f"this key is for station {self.station!r} and may not act for {station!r}: use that station's own key"
            )
