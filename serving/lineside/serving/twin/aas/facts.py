"""What the shells say, read from the ledger and the services once: plain records, nothing of the metamodel yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside.serving.twin.aas.twin_file import Nameplate


@dataclass(frozen=True, slots=True)
class StationFact:
    """One inspection point of a line."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CountFacts:
    """Parts of one line on the production day of the last event, each once, at its first judged attempt.

    Attributes:
        start: of the production day, aware UTC.
        end: of the production day; until then there are more to come.
        inspected: judged OK or NG.
        flagged: of these, NG.
        false_calls: NG parts that people found good.
        escapes: OK parts that people found defective.
        not_inspected: first attempts without a verdict; in none of the above.
        scrapped: parts with a disposition `scrapped` in this time.
        reworked: parts with a disposition `reworked` in this time and none `scrapped`.
    """

    start: datetime
    end: datetime
    inspected: int
    flagged: int
    false_calls: int
    escapes: int
    not_inspected: int
    scrapped: int
    reworked: int

    @property
    def produced(self) -> int:
        """Parts that came, judged or not."""
        return self.inspected + self.not_inspected

    @property
    def good(self) -> int:
        """Parts that meet the requirements, as far as the detector and people say."""
        return self.inspected - self.flagged + self.false_calls - self.escapes


@dataclass(frozen=True, slots=True)
class PointFact:
    """One hour of a line: its rate, and the control chart's point.

    Attributes:
        start: aware UTC.
        end: aware UTC; not part of it.
        inspected: OK and NG parts.
        flagged: NG parts.
        not_inspected: first attempts without a verdict.
        detector_rate: the raw share of NG parts, which is no defect rate; None where nothing was inspected.
        detector_rate_lower: of its 95 % interval.
        detector_rate_upper: of its 95 % interval.
        rate: the defect rate; None where nothing was inspected, or nothing tells what the detector lets past.
        rate_lower: of its 95 % interval.
        rate_upper: of its 95 % interval.
        chart_value: on the chart; None where it has no point.
        chart_lower: control limit; None where there is none.
        chart_centre: centre line.
        chart_upper: control limit.
        rules: that the point breaks.
    """

    start: datetime
    end: datetime
    inspected: int
    flagged: int
    not_inspected: int
    detector_rate: float | None
    detector_rate_lower: float | None
    detector_rate_upper: float | None
    rate: float | None
    rate_lower: float | None
    rate_upper: float | None
    chart_value: float | None
    chart_lower: float | None
    chart_centre: float | None
    chart_upper: float | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseFact:
    """A model release that judges parts of a line now.

    Attributes:
        name: of the model line.
        version: of the release.
        digest: lowercase hex SHA-256 of its manifest.
        products: that it judges here.
        manifest: the manifest's JSON.
        manifest_bytes: the same, byte for byte, as it was signed.
        deployment_id: of the signed deployment; None for a release that the server came with.
        deployment_serial: likewise.
        deployed_at: likewise.
        engine: that runs it; None while it is not loaded.
        threshold_status: certified or uncertified.
    """

    name: str
    version: str
    digest: str
    products: tuple[str, ...]
    manifest: Mapping[str, Any]
    manifest_bytes: bytes
    deployment_id: str | None
    deployment_serial: int | None
    deployed_at: datetime | None
    engine: str | None
    threshold_status: str


@dataclass(frozen=True, slots=True)
class InterfaceFact:
    """One way to a line's data beside HTTP, as the delivery is configured.

    Attributes:
        name: of the sink.
        protocol: "mqtt" or "opcua".
        base: address, such as mqtts://broker:8883.
        security: security scheme of the W3C Thing Description: "nosec" or "basic".
        target: topic filter, or the path to a node.
    """

    name: str
    protocol: str
    base: str
    security: str
    target: str


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line.

    Attributes:
        name: of the line.
        nameplate: what the plant says of it.
        stations: on it, by id.
        counts: of the production day.
        points: of the last hours, oldest first.
        chart_note: why the points have no chart, or what a reader of it must know; None if nothing.
        releases: that judge there now, by name and digest.
        interfaces: to its data, beside HTTP.
    """

    name: str
    nameplate: Nameplate
    stations: tuple[StationFact, ...]
    counts: CountFacts
    points: tuple[PointFact, ...]
    chart_note: str | None
    releases: tuple[ReleaseFact, ...]
    interfaces: tuple[InterfaceFact, ...]


@dataclass(frozen=True, slots=True)
class PlantFacts:
    """Everything that the twin says, as of one event of the ledger.

    Attributes:
        plant: its name.
        as_of: when the last event was written down, aware UTC; None before the first.
        sequence: of that event.
        counted_to: the event up to which the rates are counted; it may lag by some milliseconds.
        software_version: of this program.
        is_simulated: whether the parts are of a simulated line.
        identifiers: what identifiers begin with.
        api_url: where this server is reached.
        lines: by name.
    """

    plant: str
    as_of: datetime | None
    sequence: int
    counted_to: int
    software_version: str
    is_simulated: bool
    identifiers: str
    api_url: str
    lines: tuple[LineFacts, ...]

    def identifier(self, *names: str) -> str:
        """A globally unique identifier below the plant's own."""
        separator = ":" if self.identifiers.startswith("urn:") else "/"
        return separator.join((self.identifiers.rstrip(separator), *names))
