"""Everything the server is told from outside, read once at start."""

import os
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lineside.inspection.engines import AUTO, ENGINES


class Settings(BaseSettings):
    """The server's settings: arguments first, then `LINESIDE_*` environment variables, then these defaults.

    Attributes:
        data_dir: folder of everything the server keeps: ledger, images, secrets, engine choices.
        database_url: SQLAlchemy URL of the ledger; by default an SQLite file in `data_dir`.
        plant: name of the plant, part of every inspection's key.
        releases_dir: folder whose subfolders are releases; the starter releases are always there.
        trust_file: public keys whose signatures count; without one only the starters judge.
        unsigned_releases: for commissioning only: what lies in `releases_dir` judges without a signature.
        engine: "auto" (measured on this host), or an engine's name such as "onnxruntime-fp32".
        threads: processor threads for inference; by default those this process may use.
        max_body_bytes: largest frame body accepted.
        max_release_bytes: largest release package accepted, packed.
        max_pixels: largest frame accepted, in pixels, checked in the header before any allocation.
        queue_bound: frames admitted at once, running or waiting; one more is shed.
        commit_reserve_ms: time kept free of each deadline for writing the verdict down.
        session_hours: how long a page login lasts.
        retention_interval_s: how often the images that the recipes no longer keep are removed.
        min_free_bytes: space to leave free on the disk of the images.
        shadow_busy_share: share of the time that one processor core may spend on looking at parts a second time.
        shadow_queue_bound: parts that may wait for it; one more is dropped and counted.
        shadow_queue_bytes: of their frames, all together.
        canary_max_disagreement: share of parts on which a canary may differ from the live release.
        canary_max_not_inspected: share of its parts that a canary may leave NOT_INSPECTED.
        deployment_warning_hours: how long before its end a deployment is warned of.
        drift_reference_parts: parts after a deployment that make the reference period of the watch for drift.
        drift_window_parts: newest parts whose scores and shares are held against it.
        drift_look_parts: parts between two looks.
        drift_look_minutes: the longest time between two looks while parts come.
        drift_risk_per_look: chance of an alarm in one look at an undisturbed line, at most.
        twin_file: what only the plant knows for its digital twin, such as who built a line; by default `twin.yaml` in
            `data_dir` if it is there.
        what_if_file: which alarms ask what would be if, and what; by default `what-if.yaml` in `data_dir` if it is
            there.
        verification_claim_minutes: how long a reader holds a part at the review place without a sign of life.
        verification_second_share: share of readings that another reader makes again, not knowing what the first said.
        rate_window_minutes: length of the windows whose defect rate is told to the MES and the twin, from midnight UTC.
        rate_window_grace_minutes: how long after its end a window is told: stations may hand in parts late.
        station_idle_seconds: without a part for so long a station is ready rather than executing.
        image_alarm_in_a_row: parts one after the other without a usable picture that raise an alarm.
        image_alarm_share: share of the newest parts without one that does.
        image_alarm_window_parts: how many parts those are.
        delivery_file: names the sinks that events are delivered to; by default `delivery.yaml` in `data_dir` if it is
            there, and without one nothing is delivered.
        is_simulated: marks every inspection as coming from a simulated line (OPC 40100-1 `isSimulated`).
    """

    model_config = SettingsConfigDict(env_prefix="LINESIDE_", frozen=True, extra="forbid")

    data_dir: Path = Path("lineside-data")
    database_url: str | None = None
    plant: str = Field(default="plant-1", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    host: str = "127.0.0.1"
    port: int = Field(default=8470, ge=0, le=65535)
    unix_socket: Path | None = None
    releases_dir: Path | None = None
    trust_file: Path | None = None
    unsigned_releases: bool = False
    engine: str = AUTO
    threads: int | None = Field(default=None, ge=1)
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    max_release_bytes: int = Field(default=512 * 1024 * 1024, ge=1024)
    max_pixels: int = Field(default=64_000_000, ge=1)
    queue_bound: int = Field(default=16, ge=1)
    commit_reserve_ms: float = Field(default=20.0, ge=0)
    session_hours: float = Field(default=12.0, gt=0)
    retention_interval_s: float = Field(default=3600.0, gt=0)
    min_free_bytes: int = Field(default=2 * 10**9, ge=0)
    shadow_busy_share: float = Field(default=0.25, gt=0, le=1)
    shadow_queue_bound: int = Field(default=32, ge=1)
    shadow_queue_bytes: int = Field(default=128 * 1024 * 1024, ge=1024)
    canary_max_disagreement: float = Field(default=0.1, gt=0, lt=1)
    canary_max_not_inspected: float = Field(default=0.02, gt=0, lt=1)
    deployment_warning_hours: float = Field(default=72.0, ge=0)
    drift_reference_parts: int = Field(default=5_000, ge=400, le=50_000)
    drift_window_parts: int = Field(default=5_000, ge=50, le=20_000)
    drift_look_parts: int = Field(default=1_000, ge=50, le=20_000)
    drift_look_minutes: float = Field(default=480.0, gt=0)
    drift_risk_per_look: float = Field(default=0.001, gt=0, le=0.05)
    twin_file: Path | None = None
    what_if_file: Path | None = None
    verification_claim_minutes: float = Field(default=5.0, gt=0, le=1440)
    verification_second_share: float = Field(default=0.1, ge=0, le=1)
    rate_window_minutes: int = Field(default=60, ge=15, le=1440)
    rate_window_grace_minutes: float = Field(default=15.0, ge=0, le=1440)
    station_idle_seconds: float = Field(default=300.0, gt=0)
    image_alarm_in_a_row: int = Field(default=5, ge=1, le=1000)
    image_alarm_share: float = Field(default=0.2, gt=0, le=1)
    image_alarm_window_parts: int = Field(default=50, ge=5, le=1000)
    delivery_file: Path | None = None
    is_simulated: bool = False

    @field_validator("rate_window_minutes")
    @classmethod
    def _windows_fill_a_day(cls, minutes: int) -> int:
        if minutes % 15 or 1440 % minutes:
            raise ValueError(f"windows of {minutes} minutes: expected quarters of an hour that fill a day, such as 60")
        return minutes

    @field_validator("drift_look_parts")
    @classmethod
    def _window_spans_a_look(cls, look_parts: int, info: ValidationInfo) -> int:
        window_parts = info.data.get("drift_window_parts", look_parts)
        if look_parts > window_parts:
            raise ValueError(f"a look every {look_parts} parts leaves some unseen in a window of {window_parts}")
        return look_parts

    @field_validator("engine")
    @classmethod
    def _engine_is_known(cls, engine: str) -> str:
        if engine != AUTO and engine not in ENGINES:
            raise ValueError(f"no engine {engine!r}; expected {AUTO!r} or one of {', '.join(ENGINES)}")
        return engine

    @field_validator("unsigned_releases")
    @classmethod
    def _is_unsigned_or_trusted(cls, unsigned_releases: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it
        if unsigned_releases and info.data.get("trust_file") is not None:
            raise ValueError("a trust file ends commissioning: sign the releases, or start without trust_file")
        return unsigned_releases

    @property
    def ledger_url(self) -> str:
        """The ledger's database URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'ledger.sqlite3').resolve()}"

    @property
    def twin_path(self) -> Path | None:
        """The plant's file for its twin; None if there is none."""
        usual = self.data_dir / "twin.yaml"
        return usual if self.twin_file is None and usual.exists() else self.twin_file

    @property
    def what_if_path(self) -> Path | None:
        """The file of what alarms ask; None if there is none."""
        usual = self.data_dir / "what-if.yaml"
        return usual if self.what_if_file is None and usual.exists() else self.what_if_file

    @property
    def images_dir(self) -> Path:
        """Folder of the image store."""
        return self.data_dir / "images"

    @property
    def packages_dir(self) -> Path:
        """Folder of the uploaded releases."""
        return self.data_dir / "releases"

    @property
    def engine_cache_dir(self) -> Path:
        """Folder in which the measured engine choice is remembered."""
        return self.data_dir / "engines"

    @property
    def delivery_dir(self) -> Path:
        """Folder of the delivery process: its lock, and what each sink keeps."""
        return self.data_dir / "delivery"

    @property
    def delivery_path(self) -> Path | None:
        """The delivery file: as set, else the data folder's own; None where neither is."""
        if self.delivery_file is not None:
            return self.delivery_file
        own = self.data_dir / "delivery.yaml"
        return own if own.exists() else None

    @property
    def inference_threads(self) -> int:
        """Processor threads for inference: as set, else those the process may run on."""
        if self.threads is not None:
            return self.threads
        if hasattr(os, "sched_getaffinity"):  # not on Windows and macOS
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
