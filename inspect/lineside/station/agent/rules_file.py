"""The `rules` section of station.yaml: the machine's rules in a file's words and units."""

from datetime import time
from typing import Annotated, Self

from pydantic import Field, model_validator

from lineside.inspection.file_models import FileModel
from lineside.station.agent.shifts import ShiftStarts
from lineside.station.machine import EncoderRules, MachineRules, MasterRules


class MastersInFile(FileModel):
    """Known-defect parts that are shown to the station to see whether it still finds them."""

    parts: dict[
        Annotated[str, Field(min_length=1, max_length=100)],
        Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)],
    ] = Field(min_length=1, description="By part id (code or PLC), the classes that are to be found on it.")
    after_changeover: bool = Field(default=True, description="Have all shown again when another product is made.")
    every_minutes: float | None = Field(
        default=None, gt=0, description="Have all shown again so long after the last pass; always at the start."
    )

    shifts: list[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]] = Field(
        default=[], max_length=24, description="Local times of day; have all shown again when a shift begins."
    )
    time_zone: str | None = Field(default=None, description="Of the shifts: an IANA name such as Asia/Seoul.")

    @model_validator(mode="after")
    def _shifts_have_a_zone(self) -> Self:
        if bool(self.shifts) != (self.time_zone is not None):
            raise ValueError("shifts and time_zone go together")
        self.to_shift_starts()
        return self

    def to_shift_starts(self) -> ShiftStarts | None:
        """When shifts begin; None where masters are not shown with each.

        Raises:
            ValueError: times or a zone that say no instant.
        """
        if self.time_zone is None:
            return None
        return ShiftStarts(tuple(time.fromisoformat(each) for each in self.shifts), self.time_zone)

    def to_record(self) -> MasterRules:
        """As the machine knows them."""
        return MasterRules(
            {part: frozenset(classes) for part, classes in self.parts.items()},
            after_changeover=self.after_changeover,
            every_s=None if self.every_minutes is None else self.every_minutes * 60.0,
        )


class RulesInFile(FileModel):
    """By which rules the station acts; `MachineRules` says what each means."""

    distance_mm: float = Field(gt=0, le=1_000_000, description="From the camera to the gate.")
    speed_mm_s: float = Field(gt=0, le=100_000, description="Of the line at its fastest.")
    mm_per_count: float | None = Field(default=None, gt=0, le=1000, description="Of the encoder, if there is one.")
    max_step_counts: int = Field(default=10_000, ge=1, description="Most counts of the encoder in one scan.")
    actuator_ms: float = Field(default=0.0, ge=0, le=60_000)
    most_in_flight: int = Field(default=64, ge=1, le=10_000)
    results_buffered: int = Field(
        default=8, ge=1, le=1000, description="Results that may wait for the PLC; with so many Ready goes off."
    )
    ack_timeout_ms: float = Field(default=1000.0, gt=0, le=60_000)
    heartbeat_timeout_ms: float = Field(default=1000.0, gt=0, le=60_000)
    confirm_within_mm: float | None = Field(default=None, gt=0, description="Behind the gate; needs sensors there.")
    stop_after_not_inspected: int | None = Field(
        default=5, ge=1, le=10_000, description="Parts in a row that stop the line; null for never."
    )
    stop_after_equal_defects: int | None = Field(
        default=5, ge=1, le=10_000, description="Parts in a row with one defect at one place; null for never."
    )
    equal_within_px: float = Field(
        default=20.0,
        ge=0,
        le=10_000,
        description="How near is one place: pixels of the view, not millimetres, as not every recipe has a scale.",
    )
    set_aside_audit: bool = Field(default=False, description="OK parts drawn for audit go to the re-inspect lane.")
    masters: MastersInFile | None = None

    def to_record(self) -> MachineRules:
        """As the machine knows them.

        Raises:
            ValueError: rules under which no part could be judged in time.
        """
        encoder = None
        if self.mm_per_count is not None:
            encoder = EncoderRules(self.mm_per_count, max_step=self.max_step_counts)
        return MachineRules(
            distance_mm=self.distance_mm,
            speed_mm_s=self.speed_mm_s,
            actuator_s=self.actuator_ms / 1000.0,
            encoder=encoder,
            most_in_flight=self.most_in_flight,
            results_buffered=self.results_buffered,
            ack_timeout_s=self.ack_timeout_ms / 1000.0,
            heartbeat_timeout_s=self.heartbeat_timeout_ms / 1000.0,
            confirm_within_mm=self.confirm_within_mm,
            stop_after_not_inspected=self.stop_after_not_inspected,
            stop_after_equal_defects=self.stop_after_equal_defects,
            equal_within_px=self.equal_within_px,
            set_aside_audit=self.set_aside_audit,
            masters=None if self.masters is None else self.masters.to_record(),
        )
