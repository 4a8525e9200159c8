"""What a delivery file says of a Sparkplug edge node."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lineside.serving.delivery.mqtt.messages import level
from lineside.serving.delivery.mqtt.settings import BrokerSettings
from lineside.serving.delivery.sparkplug.topics import NodeTopics, state_topic


class SparkplugSettings(BrokerSettings):
    """An edge node of Sparkplug B 3.0: a node per line, a device per station.

    A plant of several lines has a sink for each, with `filter: {lines: [...]}`.

    Attributes:
        group: the group's id; left out, the plant's name.
        node: the edge node's id, unique in its group; left out, the one line of the filter, else the sink's name.
        primary_host: a host application that the node waits for; left out, it speaks to whoever listens.
        host_patience_s: how long the primary host may be away before that is reported as a trouble.
        data_types: whether data name the type of each value, as births do. The specification would leave it out of
            data; Tahu's decoder for JavaScript reads no value without it.
    """

    kind: Literal["sparkplug"]
    group: str | None = Field(default=None, min_length=1, max_length=200)
    node: str | None = Field(default=None, min_length=1, max_length=200)
    primary_host: str | None = Field(default=None, min_length=1, max_length=200)
    host_patience_s: float = Field(default=5.0, gt=0, le=60)
    data_types: Literal["always", "births"] = "always"

    @model_validator(mode="after")
    def _tells_of_all_parts(self) -> Self:
        if self.filter.products or self.filter.verdicts:
            raise ValueError("a Sparkplug device tells of all parts of its station: filter by types, stations or lines")
        return self

    @model_validator(mode="after")
    def _names_fit_topics(self) -> Self:
        self.topics("plant")
        if self.primary_host is not None:
            state_topic(self.primary_host)
        return self

    def topics(self, plant: str) -> NodeTopics:
        """Where the node speaks.

        Raises:
            NameRefused: a name that the file gives has a sign that topics reserve.
        """
        lines = self.filter.lines
        node = self.node or (level(lines[0]) if len(lines) == 1 else self.name)
        return NodeTopics(self.group or level(plant), node)
