"""Events as JSON, and the JSON Schema of each type's data."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.catalogue import CatalogueChanged
from lineside.serving.certificates.schemas import CertificateChanged
from lineside.serving.charts import BaselineStored, ExclusionChanged
from lineside.serving.deployments.schemas import DeploymentChanged
from lineside.serving.dispositions import DispositionOut
from lineside.serving.drift import AlarmOut
from lineside.serving.gates.schemas import GateReportStored
from lineside.serving.holds import HoldChanged
from lineside.serving.inspections.schemas import InspectionOut
from lineside.serving.jobs import JobChanged
from lineside.serving.known_parts import KnownPartOut
from lineside.serving.labelling import AttentionOut, LabelPickChanged
from lineside.serving.ledger import Event
from lineside.serving.notes import NoteChanged
from lineside.serving.proposals import ProposalChanged
from lineside.serving.rates.schemas import CalendarChanged
from lineside.serving.recipes import RecipeChanged
from lineside.serving.releases.schemas import ReleaseUploaded
from lineside.serving.reported.schemas import RejudgementOut
from lineside.serving.retention.service import RetentionEvent
from lineside.serving.reviews import ReviewRecorded
from lineside.serving.shadowing.schemas import CanaryEnded, DisagreementOut
from lineside.serving.signals import ChartSignalTold, ImageAlarmTold, RateTold, StationStateTold
from lineside.serving.station_reports import StationReportOut
from lineside.serving.stations import OrderChanged, StationChanged
from lineside.serving.studies.schemas import StudyFiledEvent

EVENT_DATA: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "calendar.v1": CalendarChanged,
        "canary.v1": CanaryEnded,
        "catalogue.v1": CatalogueChanged,
        "certificate.v1": CertificateChanged,
        "chart_baseline.v1": BaselineStored,
        "chart_exclusion.v1": ExclusionChanged,
        "chart_signal.v1": ChartSignalTold,
        "deployment.v1": DeploymentChanged,
        "disposition.v1": DispositionOut,
        "drift_alarm.v1": AlarmOut,
        "gate_report.v1": GateReportStored,
        "hold.v1": HoldChanged,
        "inspection.v1": InspectionOut,
        "image_alarm.v1": ImageAlarmTold,
        "job.v1": JobChanged,
        "label_attention.v1": AttentionOut,
        "label_pick.v1": LabelPickChanged,
        "note.v1": NoteChanged,
        "known_part.v1": KnownPartOut,
        "order.v1": OrderChanged,
        "rate.v1": RateTold,
        "proposal.v1": ProposalChanged,
        "recipe.v1": RecipeChanged,
        "rejudgement.v1": RejudgementOut,
        "release.v1": ReleaseUploaded,
        "retention.v1": RetentionEvent,
        "review.v1": ReviewRecorded,
        "shadow_disagreement.v1": DisagreementOut,
        "station.v1": StationChanged,
        "station_report.v1": StationReportOut,
        "station_state.v1": StationStateTold,
        "study.v1": StudyFiledEvent,
    }
)
"""The shape of each event type's data."""


class EventOut(BaseModel):
    """One entry of the plant's log: append-only, gap-free, each with the hash of the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    plant: str
    sequence: int = Field(ge=1)
    type: str
    station: str | None
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, event: Event) -> "EventOut":
        """The event as JSON."""
        return cls(
            id=event.id,
            plant=event.plant,
            sequence=event.sequence,
            type=event.type,
            station=event.station,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            data=event.data,
            previous_hash=event.previous_hash,
            hash=event.hash,
        )


def event_schema_id(event_type: str) -> str:
    """The name by which a program finds an event type's JSON Schema among those that it was given."""
    return f"urn:lineside:event:{event_type}"


def event_json_schemas() -> Mapping[str, Mapping[str, Any]]:
    """JSON Schema (2020-12) of the whole event, by event type."""
    return {event_type: _schema(event_type, data) for event_type, data in EVENT_DATA.items()}


def _schema(event_type: str, data: type[BaseModel]) -> Mapping[str, Any]:
    envelope = EventOut.model_json_schema(mode="serialization")
    content = data.model_json_schema(mode="serialization", by_alias=True)
    definitions = content.pop("$defs", {})
    properties = envelope["properties"] | {"type": {"const": event_type}, "data": content}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": event_schema_id(event_type),
        "title": event_type,
        "description": envelope["description"],
        "type": "object",
        "properties": properties,
        "required": envelope["required"],
        "additionalProperties": False,
        "$defs": definitions,
    }
