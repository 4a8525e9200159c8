"""What goes out to a broker, and names that a topic can carry."""

from dataclasses import dataclass
from typing import Final

_RESERVED: Final = {"%": "%25", "/": "%2F", "+": "%2B", "#": "%23", "\x00": "%00"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish, or to be published by the broker when the connection is lost.

    Attributes:
        topic: without wildcards.
        payload: the bytes as they go out.
        qos: 0 sends once; 1 sends again until the broker says that it has it.
        retain: whether the broker keeps it for those who subscribe later.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False

    def __post_init__(self) -> None:
        """Refuse what no broker takes."""
        if not self.topic or any(sign in self.topic for sign in "+#\x00"):
            raise ValueError(f"topic {self.topic!r}: expected some levels without '+', '#' or NUL")
        if self.qos not in {0, 1}:
            raise ValueError(f"quality of service {self.qos}: expected 0 or 1")


def level(name: str) -> str:
    """A name as one level of a topic: the signs that topics reserve are percent-encoded, so no two names meet."""
    return "".join(_RESERVED.get(sign, sign) for sign in name)
