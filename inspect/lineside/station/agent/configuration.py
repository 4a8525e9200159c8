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

With `server: {unix_socket: /run/lineside/server.sock, ...}` the station speaks to a server on its own machine.
Cameras stand by the view of the recipe that each takes; `cameras` and `rig` take the keys of their `kind`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from lineside.client import LinesideClient
from lineside.client.secret_sources import path_from, read_secret
from lineside.inspection.file_models import FileModel, SourceFile
from lineside.inspection.frames import MediaType
from lineside.station.agent.errors import StationFileRefused
from lineside.station.agent.rules_file import RulesInFile
from lineside.station.agent.shifts import ShiftStarts
from lineside.station.cameras import CameraSettings
from lineside.station.cameras.configuration import cameras_json_schema, parse_cameras
from lineside.station.machine import MachineRules
from lineside.station.rig import RIG_KINDS, RigSettings

SCHEMA: Final = "lineside.station/1"
FILE_NAME: Final = "station.yaml"
_BEHIND_SOCKET: Final = "http://localhost"
"""A request names a host; a server behind a socket file asks for none."""


class ServerInFile(FileModel):
    """Where the server is, and where the key to it stands: in a file or a variable, never here."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s@?#]+$", max_length=2000)
    unix_socket: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Instead of url: the socket file of a server on this machine (`lineside serve --unix-socket`).",
    )
    key_file: str | None = Field(default=None, min_length=1, max_length=4096)
    key_env: str | None = Field(default=None, min_length=1, max_length=200)
    timeout_ms: float = Field(default=10_000.0, ge=100, le=120_000, description="Of everything but a verdict.")
    picture: Literal["png", "raw"] | None = Field(
        default=None,
        description="How frames are sent and kept; both lossless. Left out: raw over a unix_socket, else png.",
    )

    @property
    def media_type(self) -> MediaType:
        """How frames are sent and kept: compressing costs more than a socket file does."""
        chosen = self.picture or ("png" if self.unix_socket is None else "raw")
        return MediaType.PNG if chosen == "png" else MediaType.RAW

    @model_validator(mode="after")
    def _names_one_server(self) -> Self:
        if (self.url is None) == (self.unix_socket is None):
            raise ValueError("name one of url and unix_socket")
        return self

    @model_validator(mode="after")
    def _names_one_key(self) -> Self:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("name one of key_file and key_env")
        return self


class PartIdInFile(FileModel):
    """Where a part's identifier comes from."""

    from_: Literal["code", "plc", "mes"] = Field(alias="from")
    view: str | None = Field(default=None, description="With `code`: the view that shows it.")
    formats: list[Literal["data_matrix", "qr_code"]] = Field(default=["data_matrix", "qr_code"], min_length=1)
    region_xyxy_px: list[int] | None = Field(default=None, min_length=4, max_length=4)
    duplicate_within: int = Field(default=1000, ge=1, le=1_000_000, description="Parts within which no id comes twice.")

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
    trust_file: str | None = Field(default=None, min_length=1, max_length=4096)
    reserve_ms: float = Field(default=150.0, gt=0, le=60_000, description="Kept of a deadline for the own engine.")

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        if self.when_server_away == "judge" and self.trust_file is None:
            raise ValueError("`when_server_away: judge` needs trust_file: whose deployments the station may run")
        return self


class SpoolInFile(FileModel):
    """Where records and pictures wait for the server."""

    folder: str = Field(min_length=1, max_length=4096)
    max_gib: float = Field(default=20.0, gt=0, le=100_000)
    max_records: int = Field(default=1_000_000, ge=100)


class AcquisitionInFile(FileModel):
    """How long a frame may take, and how its camera is left alone after a failure."""

    timeout_ms: float = Field(default=1000.0, gt=0, le=60_000)
    before_trigger_ms: float = Field(default=0.0, ge=0, le=1000)
    settle_ms: float = Field(default=1000.0, gt=0, le=60_000)


class _File(FileModel):
    schema_: Literal["lineside.station/1"] = Field(alias="schema")
    station: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    server: ServerInFile
    cameras: dict[str, dict[str, Any]]
    rig: dict[str, Any]
    rules: RulesInFile
    scan_ms: float = Field(default=5.0, ge=1, le=1000)
    acquisition: AcquisitionInFile = AcquisitionInFile()
    part_id: PartIdInFile
    own_engine: OwnEngineInFile = OwnEngineInFile()
    spool: SpoolInFile


@dataclass(frozen=True, slots=True)
class StationConfiguration:
    """What one file says.

    Attributes:
        station: its name at the server.
        server: where that is.
        cameras: of each view of the recipe, by its name.
        rig: the PLC.
        rules: by which the machine acts.
        shifts: with whose start the master samples come due; None for none.
        scan_s: seconds from scan to scan.
        acquisition: how long frames may take.
        part_id: where identifiers come from.
        own_engine: what happens without the server.
        spool: where records wait.
        folder: the file's; relative paths begin there.
    """

    station: str
    server: ServerInFile
    cameras: Mapping[str, CameraSettings]
    rig: RigSettings
    rules: MachineRules
    shifts: ShiftStarts | None
    scan_s: float
    acquisition: AcquisitionInFile
    part_id: PartIdInFile
    own_engine: OwnEngineInFile
    spool: SpoolInFile
    folder: Path

    @property
    def spool_folder(self) -> Path:
        """Where records wait."""
        return path_from(self.folder, self.spool.folder)

    @property
    def spool_bytes(self) -> int:
        """How much they may take."""
        return int(self.spool.max_gib * 2**30)

    def server_key(self) -> str:
        """The API key, from the file or the variable that is named.

        Raises:
            StationFileRefused: there is none.
        """
        return read_secret(
            file=self.server.key_file,
            env=self.server.key_env,
            folder=self.folder,
            what="the server's key",
            error=StationFileRefused,
            starter="the station",
        )

    def client(self, *, timeout_s: float | None = None) -> LinesideClient:
        """A client of the server, not yet entered.

        Args:
            timeout_s: instead of the file's.

        Raises:
            StationFileRefused: there is no key.
        """
        server = self.server
        return LinesideClient(
            server.url or _BEHIND_SOCKET,
            self.server_key(),
            timeout_s=server.timeout_ms / 1000.0 if timeout_s is None else timeout_s,
            unix_socket=None if server.unix_socket is None else path_from(self.folder, server.unix_socket),
        )


def load_station(path: Path) -> StationConfiguration:
    """Read a station's file.

    Raises:
        StationFileRefused: it cannot be read, or says something unknown or contradictory; with key and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StationFileRefused(f"cannot read the station's file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StationFileRefused(f"{path}: no UTF-8 text at byte {error.start}") from error
    return parse_station(text, source=str(path), folder=path.parent.resolve())


def parse_station(text: str, *, source: str, folder: Path) -> StationConfiguration:
    """Read a station's file from its text.

    Args:
        text: the whole file.
        source: what to call it in messages.
        folder: where relative paths begin.

    Raises:
        StationFileRefused: it says something unknown or contradictory; with key and line.
    """
    file = SourceFile(text, source=source, error=StationFileRefused)
    found = file.parse(_File)
    cameras = parse_cameras(file)
    if found.part_id.from_ == "code":
        _check_code_view(file, found.part_id, cameras)
    return StationConfiguration(
        station=found.station,
        server=found.server,
        cameras=cameras,
        rig=_rig(file, found.rig),
        rules=_rules(file, found.rules),
        shifts=None if found.rules.masters is None else found.rules.masters.to_shift_starts(),
        scan_s=found.scan_ms / 1000.0,
        acquisition=found.acquisition,
        part_id=found.part_id,
        own_engine=found.own_engine,
        spool=found.spool,
        folder=folder,
    )


def station_json_schema() -> Mapping[str, Any]:
    """JSON Schema (2020-12) of the file, for editors that complete and check it."""
    cameras, definitions = cameras_json_schema()
    definitions = dict(definitions)
    for kind in RIG_KINDS.values():
        schema = kind.settings.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        definitions[kind.settings.__name__] = schema
    whole = _File.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions |= whole.pop("$defs", {})
    properties = whole["properties"] | {
        "cameras": cameras,
        "rig": {"oneOf": [{"$ref": f"#/$defs/{kind.settings.__name__}"} for kind in RIG_KINDS.values()]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:lineside:station:1",
        **whole,
        "title": "Lineside station file",
        "properties": properties,
        "$defs": definitions,
    }


def _rig(file: SourceFile, section: Mapping[str, Any]) -> RigSettings:
    kind = RIG_KINDS.get(str(section.get("kind")))
    if kind is None:
        raise file.problem(
            ("rig", "kind"), f"no kind of rig {section.get('kind')!r}; expected one of {', '.join(RIG_KINDS)}"
        )
    return file.parse(kind.settings, at=("rig",))


def _rules(file: SourceFile, written: RulesInFile) -> MachineRules:
    try:
        return written.to_record()
    except ValueError as error:
        raise file.problem(("rules",), str(error)) from error


def _check_code_view(file: SourceFile, part_id: PartIdInFile, cameras: Mapping[str, CameraSettings]) -> None:
    if part_id.view is not None and part_id.view not in cameras:
        raise file.problem(
            ("part_id", "view"), f"no camera takes view {part_id.view!r}; there are {', '.join(cameras)}"
        )
    if part_id.view is None and len(cameras) > 1:
        raise file.problem(("part_id",), "name the view that shows the code: there are several cameras")
