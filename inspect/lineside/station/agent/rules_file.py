"""The `rules` section of station.yaml: the machine's rules in a file's words and units."""

from pydantic import Field

from lineside.inspection.file_models import FileModel
from lineside.station.machine import EncoderRules, MachineRules, MasterRules


class MastersInFile(FileModel):
    """Known-defect parts that are shown to the station to see whether it still finds them."""

    parts: dict[str, list[str]] = Field(min_length=1, description="By part id, the classes to be found on it.")
    after_changeover: bool = True
    every_minutes: float | None = Field(default=None, gt=0)

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
    stop_after_not_inspected: int | None = Field(default=5, ge=1, le=10_000)
    stop_after_equal_defects: int | None = Field(default=5, ge=1, le=10_000)
    equal_within_px: float = Field(
        default=20.0,
        ge=0,
        le=10_000,
        description="How near is one place: pixels of the view, not millimetres, as not every recipe has a scale.",
    )
    set_aside_audit: bool = False
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
