"""The JSON of releases."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lineside.inspection.release import InputKind, Release


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UploadOut(_Out):
    """When and by whom a release was uploaded."""

    at: datetime
    by: str
    size_bytes: int


class ReleaseSummary(_Out):
    """A release that this server has."""

    name: str
    version: str
    digest: str
    input_kind: InputKind
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    licence: str
    upload: UploadOut | None = Field(description="None: it came with the server.")

    @classmethod
    def of(cls, release: Release, upload: UploadOut | None) -> "ReleaseSummary":
        """The release as JSON."""
        return cls(
            name=release.name,
            version=release.version,
            digest=release.digest,
            input_kind=release.input_kind,
            classes=release.classes,
            thresholds=dict(release.thresholds),
            licence=release.licence,
            upload=upload,
        )


class UnusableRelease(_Out):
    """A release that is there and cannot be used."""

    name: str
    digest: str | None
    reason: str


class ReleaseList(_Out):
    """Every release that this server has: those it came with, then the uploaded ones, newest first."""

    items: tuple[ReleaseSummary, ...]
    unusable: tuple[UnusableRelease, ...]


class ReleaseUploaded(_Out):
    """Data of the event `release.v1`: a verified package was stored."""

    name: str
    version: str
    digest: str
    size_bytes: int
    uploaded_by: str
