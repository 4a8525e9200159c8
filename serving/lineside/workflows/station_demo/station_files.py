"""The station's side on disk, `station.yaml` above all, and the truth about the parts that its camera shows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.inspection.frames import Image, MediaType
from lineside.station.agent import load_station
from lineside.station.agent.pictures import encoded
from lineside.station.cameras import CameraFrame, VirtualLine, VirtualSettings
from lineside.workflows.demo.site import STATION
from lineside.workflows.station_demo.plan import MM_TO_CONFIRM, MM_TO_GATE, StationDemoPlan

VIEW = "default"
_KEY_FILE = "station.key"
_FILE = """\
schema: lineside.station/1
station: {station}
server: {{url: "{url}", key_file: {key_file}}}
cameras:
  {view}: {{kind: virtual, pace: trigger, seed: {seed}, defect_share: {defect_share:g}, mark_share: 0.1}}
rig: {{kind: modbus, host: 127.0.0.1, port: {plc_port}}}
rules:
  distance_mm: {distance_mm:g}
  speed_mm_s: {speed_mm_s:g}
  mm_per_count: 0.1
  actuator_ms: 50
  confirm_within_mm: {confirm_within_mm:g}
  stop_after_not_inspected: {stop_after_not_inspected}
acquisition: {{timeout_ms: 1500}}
part_id: {{from: plc}}
own_engine: {own_engine}
spool: {{folder: spool, max_gib: 1}}
"""
_OWN_ENGINE = (
    "{{when_server_away: judge, engine: {engine}, trust_file: ../keys/trust.json, reserve_ms: {reserve_ms:.0f}}}"
)
_RESERVED_SHARE = 0.35  # of the time from camera to gate, for the own engine


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part as the camera showed it.

    Attributes:
        number: counted from 0; the camera shows one at each trigger of the station.
        defects: classes of what is wrong with it; empty for a good part.
    """

    number: int
    defects: tuple[str, ...]

    @property
    def is_bad(self) -> bool:
        """The truth in one word."""
        return bool(self.defects)


def write_station(plan: StationDemoPlan, *, url: str, plc_port: int, key: str) -> None:
    """Write the station's file and its key.

    Args:
        plan: what the demonstration shall be.
        url: of the server.
        plc_port: where the PLC serves Modbus/TCP on this machine.
        key: the station's API key.
    """
    to_gate_ms = MM_TO_GATE / plan.speed_mm_s * 1000.0
    own_engine = (
        _OWN_ENGINE.format(engine=plan.engine, reserve_ms=to_gate_ms * _RESERVED_SHARE)
        if plan.judges_itself
        else "{when_server_away: no_permit}"
    )
    plan.station_file.write_text(
        _FILE.format(
            station=STATION,
            url=url,
            key_file=_KEY_FILE,
            view=VIEW,
            seed=plan.seed,
            defect_share=plan.defect_share,
            plc_port=plc_port,
            distance_mm=MM_TO_GATE,
            speed_mm_s=plan.speed_mm_s,
            confirm_within_mm=2 * MM_TO_CONFIRM,
            stop_after_not_inspected=5 if plan.judges_itself else "null",
            own_engine=own_engine,
        ),
        encoding="utf-8",
    )
    descriptor = os.open(plan.station_folder / _KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)


def golden_image(plan: StationDemoPlan) -> Image:
    """A good part lying exactly in place, for the recipe's reference."""
    return _virtual_line(plan).golden()


def shown_parts(plan: StationDemoPlan) -> Mapping[str, ShownPart]:
    """The parts that the camera showed or would have, by the SHA-256 of their picture as the station sends it."""
    line = _virtual_line(plan)
    found: dict[str, ShownPart] = {}
    for number in range(plan.parts):
        frame = CameraFrame(line.picture(number), VIEW, number, datetime.now(UTC), 0.0)
        digest = encoded(frame, view=VIEW, media_type=MediaType.PNG).digest
        classes = tuple(sorted(defect.defect_class.value for defect in line.truth(number).defects))
        found[digest] = ShownPart(number, classes)
    return found


def spool_folder(plan: StationDemoPlan) -> Path:
    """Where the station's records are."""
    return load_station(plan.station_file).spool_folder


def _virtual_line(plan: StationDemoPlan) -> VirtualLine:
    settings = load_station(plan.station_file).cameras[VIEW]
    if not isinstance(settings, VirtualSettings):
        raise TypeError(f"the demonstration's camera is of kind {settings.kind!r}; expected 'virtual'")
    return VirtualLine(settings.plan)
