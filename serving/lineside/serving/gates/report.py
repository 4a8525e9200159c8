"""What the server needs to know of a gate report: what it compared, and whether it passed."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import parse_canonical_json
from lineside.inspection.release import Role, TrustStore
from lineside.inspection.release.signatures import verify_signature
from lineside.serving.errors import GateReportUnfit

GATE_SCHEMA = "lineside.gate/1"
_PASSED = "passed"

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class GateReport:
    """A report of the gate on a recipe.

    Attributes:
        digest: lowercase hex SHA-256 of the document.
        candidate_recipe: digest of the text that wants to be in force.
        live_recipe: digest of the text it was compared with.
        release: digest of the release that judged by both.
        overall: the gate's answer.
    """

    digest: str
    candidate_recipe: str
    live_recipe: str
    release: str
    overall: str

    def check_speaks_for(self, *, candidate: str, in_force: str, releases: Collection[str]) -> None:
        """Check that the report lets a recipe follow the one in force.

        Args:
            candidate: digest of the new text.
            in_force: digest of the text in force.
            releases: digests of the releases that judge by it.

        Raises:
            GateReportUnfit: it is about something else, or the gate did not let it pass.
        """
        pairs = (
            ("the candidate is recipe", self.candidate_recipe, candidate),
            ("the candidate was compared with recipe", self.live_recipe, in_force),
        )
        for what, found, expected in pairs:
            if found != expected:
                raise GateReportUnfit(f"gate report {self.digest[:12]}: {what} {found}, expected {expected}")
        if set(releases) != {self.release}:
            raise GateReportUnfit(
                f"gate report {self.digest[:12]} was made with release {self.release}; what judges here is "
                f"{', '.join(sorted(releases))}"
            )
        if self.overall != _PASSED:
            raise GateReportUnfit(
                f"gate report {self.digest[:12]} says {self.overall!r}, expected {_PASSED!r}; whoever answers for it "
                "all the same gives override_name and override_reason"
            )


class _Release(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    digest: _Sha256


class _Recipe(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    sha256: _Sha256


class _GateFile(BaseModel):
    """What is read of the document; the rest is for people."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_name: Annotated[Literal["lineside.gate/1"], Field(alias="schema")]
    kind: Literal["recipe"]
    candidate: _Release
    candidate_recipe: _Recipe
    live_recipe: _Recipe
    overall: str


def verify_report(document: bytes, signature: bytes, trust: TrustStore, *, now: datetime) -> GateReport:
    """Read a gate report that a deploy key signed.

    Args:
        document: the exact bytes that were signed.
        signature: the content of the signature file.
        trust: the keys that count.
        now: aware.

    Raises:
        SignatureRefused: it is not signed by a trusted deploy key.
        GateReportUnfit: it is no report on a recipe.
    """
    verify_signature(document, signature, trust, schema=GATE_SCHEMA, role=Role.DEPLOY, now=now)
    return read_report(document)


def read_report(document: bytes) -> GateReport:
    """Read a gate report whose signature was checked before.

    Raises:
        GateReportUnfit: it is no report on a recipe.
    """
    try:
        parse_canonical_json(document)
        file = _GateFile.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise GateReportUnfit(f"no gate report on a recipe: {where}: {first['msg']}") from error
    except ValueError as error:
        raise GateReportUnfit(f"the gate report cannot be read: {error}") from error
    return GateReport(
        digest=hashlib.sha256(document).hexdigest(),
        candidate_recipe=file.candidate_recipe.sha256,
        live_recipe=file.live_recipe.sha256,
        release=file.candidate.digest,
        overall=file.overall,
    )
