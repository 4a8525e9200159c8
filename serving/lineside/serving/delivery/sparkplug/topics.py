"""The topics of one Sparkplug edge node (specification 3.0, chapter 4)."""

from dataclasses import dataclass
from typing import Final

from lineside.serving.delivery.sparkplug.errors import NameRefused

NAMESPACE: Final = "spBv1.0"
_RESERVED = "+/#\x00"


@dataclass(frozen=True, slots=True)
class NodeTopics:
    """Where one edge node speaks and listens.

    Attributes:
        group: the group's id.
        node: the edge node's id; unique in its group.
    """

    group: str
    node: str

    def __post_init__(self) -> None:
        """Refuse names that no topic level can be."""
        for what, name in (("group", self.group), ("node", self.node)):
            if not name or any(sign in name for sign in _RESERVED):
                raise NameRefused(f"the Sparkplug {what} {name!r}: expected a name without '+', '/' and '#'")

    @property
    def birth(self) -> str:
        """Of the node's birth."""
        return f"{NAMESPACE}/{self.group}/NBIRTH/{self.node}"

    @property
    def death(self) -> str:
        """Of the node's death."""
        return f"{NAMESPACE}/{self.group}/NDEATH/{self.node}"

    @property
    def data(self) -> str:
        """Of the node's data."""
        return f"{NAMESPACE}/{self.group}/NDATA/{self.node}"

    @property
    def commands(self) -> str:
        """Of commands to the node."""
        return f"{NAMESPACE}/{self.group}/NCMD/{self.node}"

    @property
    def device_commands(self) -> str:
        """A filter for commands to any of its devices."""
        return f"{NAMESPACE}/{self.group}/DCMD/{self.node}/+"

    def device_birth(self, device: str) -> str:
        """Of a device's birth."""
        return f"{NAMESPACE}/{self.group}/DBIRTH/{self.node}/{device}"

    def device_data(self, device: str) -> str:
        """Of a device's data."""
        return f"{NAMESPACE}/{self.group}/DDATA/{self.node}/{device}"


def state_topic(host: str) -> str:
    """Where a host application says whether it is there."""
    if not host or any(sign in host for sign in _RESERVED):
        raise NameRefused(f"the Sparkplug primary host {host!r}: expected a name without '+', '/' and '#'")
    return f"{NAMESPACE}/STATE/{host}"
