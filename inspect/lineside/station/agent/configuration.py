"""`station.yaml`: what a station is made of and by which rules it acts.

```yaml
schema: lineside.station/1
station: aoi-1
server: {url: "http://127.0.0.1:8470", key_env: LINESIDE_API_KEY}
cameras:
  default: {kind: folder, folder: pictures}
rig: {kind: modbus, host: 192.168.0.10}
rules: {distance_mm: 400, mm_per_count: 0.1, actuator_ms: 30}
part_id: {from: plc}
own_engine: {when_server_away: judge}
spool: {folder: spool, max_gib: 20}
```

Cameras stand by the view of the recipe that each takes; `cameras` and `rig` take the keys of their `kind`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.station.agent.errors import StationFileRefused
from lineside.station.agent.rules import MachineRules, RulesInFile
from lineside.station.cameras import CAMERA_KINDS
from lineside.station.rig import RIG_KINDS

SCHEMA: Final = "lineside.station/1"
MOST_CAMERAS: Final = 16
BYTES_PER_GIB: Final = 2**30


class ServerInFile(FileModel):
    """Where the server is, and where the key to it stands: in a file or a variable, never here."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    key_file: str | None = None
    key_env: str | None = None
    timeout_ms: float = Field(default=5000.0, gt=0, le=120_000)
    picture: Literal["png", "raw"] = "png"

    @model_validator(mode="after")
    def _names_one_key(self) -> Self:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("name one of key_file and key_env")
        return self


class PartIdInFile(FileModel):
    """Where a part's identifier comes from."""

    from_: Literal["code", "plc", "mes"] = Field(alias="from")
    view: str | None = None
    formats: list[Literal["data_matrix", "qr_code"]] = Field(default=["data_matrix", "qr_code"], min_length=1)
    region_xyxy_px: list[int] | None = Field(default=None, min_length=4, max_length=4)
    duplicate_within: int = Field(default=1000, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _reads_only_codes(self) -> Self:
        if self.from_ != "code" and (self.view is not None or self.region_xyxy_px is not None):
            raise ValueError(f"view and region_xyxy_px go with `from: code`, not with `from: {self.from_}`")
        return self


class OwnEngineInFile(FileModel):
    """What happens while the server is away, and what the station's own engine is."""

    when_server_away: Literal["judge", "no_permit"] = "no_permit"
    engine: str = "auto"
    threads: int = Field(default=1, ge=1, le=64)
    trust_file: str | None = None
    reserve_ms: float = Field(default=150.0, gt=0, le=60_000)
    refresh_s: float = Field(default=5.0, gt=0, le=3600)

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        if self.when_server_away == "judge" and self.trust_file is None:
            raise ValueError("`when_server_away: judge` needs trust_file: whose deployments the station may run")
        return self


class SpoolInFile(FileModel):
    """Where records and pictures wait for the server."""

    folder: str
    max_gib: float = Field(default=20.0, gt=0, le=100_000)
    max_records: int = Field(default=1_000_000, ge=100)


class _File(FileModel):
    schema_: Literal["lineside.station/1"] = Field(alias="schema")
    station: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    server: ServerInFile
    cameras: dict[str, dict[str, Any]] = Field(min_length=1, max_length=MOST_CAMERAS)
    rig: dict[str, Any]
    rules: RulesInFile
    scan_ms: float = Field(default=5.0, ge=1, le=1000)
    grab_timeout_ms: float = Field(default=1000.0, gt=0, le=60_000)
    part_id: PartIdInFile
    own_engine: OwnEngineInFile = OwnEngineInFile()
    spool: SpoolInFile
