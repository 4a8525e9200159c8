"""A station's kit as the server tells it, and as it is once everything in it has been verified."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.recipe import Recipe
from lineside.inspection.reference import PreparedReference
from lineside.inspection.release import Deployment, Release
from lineside.station.own_engine.errors import NoKit
from lineside.station.spool import PartContext, UsedRecipe


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)  # a newer server may say more


class _SaidRecipe(_Said):
    id: str
    version: int
    digest: str
    text: str
    catalogue_text: str


class _SaidDeployment(_Said):
    document: str
    signature: str


class _SaidRelease(_Said):
    name: str
    version: str
    digest: str


class _SaidWithdrawals(_Said):
    station: str
    withdrawn: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(), max_length=10_000)


class _SaidPending(_Said):
    part_id: str | None
    encoder: int | None


class _SaidKit(_Said):
    plant: str
    station: str
    line: str
    product: str | None
    lot: str | None
    order_id: str | None
    recipe: _SaidRecipe | None
    deployment: _SaidDeployment | None
    release: _SaidRelease | None
    references: dict[str, tuple[str, ...]]
    pending: _SaidPending | None = None  # an older server names none


@dataclass(frozen=True, slots=True)
class KitPapers:
    """What the server says judges at a station: nothing of it is believed before it is verified.

    Attributes:
        plant: whose station it is.
        line: where it stands.
        context: product, lot and order.
        recipe_id: of the recipe in force.
        recipe_version: of it.
        recipe_digest: lowercase hex SHA-256 of its text.
        recipe_text: its YAML file.
        catalogue_text: the YAML file of its catalogue.
        deployment_document: the exact bytes that were signed.
        deployment_signature: their signature file.
        release_name: of the release that judges.
        release_digest: of its manifest.
        references: by view, the digests of its reference images.
        next_begins: where the next order begins; None where none waits.
    """

    plant: str
    line: str
    context: PartContext
    recipe_id: str
    recipe_version: int
    recipe_digest: str
    recipe_text: str = field(repr=False)
    catalogue_text: str = field(repr=False)
    deployment_document: bytes = field(repr=False)
    deployment_signature: bytes = field(repr=False)
    release_name: str
    release_digest: str
    references: Mapping[str, Sequence[str]]
    next_begins: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any], *, station: str) -> Self:
        """The papers from the server's answer.

        Args:
            answer: of `StationCalls.station_kit`, or as it was kept.
            station: whose kit was asked for.

        Raises:
            NoKit: it is another station's, is none, or lets nothing judge here.
        """
        try:
            said = _SaidKit.model_validate(answer)
        except ValidationError as error:
            raise NoKit(f"the server's kit cannot be read: {error.errors(include_url=False)[0]['msg']}") from error
        if said.station != station:
            raise NoKit(f"the server gave the kit of station {said.station!r}; asked was {station!r}")
        if said.recipe is None:
            raise NoKit(f"station {station!r} has no recipe in force")
        if said.deployment is None or said.release is None:
            raise NoKit(f"no signed deployment judges at station {station!r}: promote a release for its line")
        return cls(
            plant=said.plant,
            line=said.line,
            context=PartContext(said.product, said.lot, said.order_id),
            recipe_id=said.recipe.id,
            recipe_version=said.recipe.version,
            recipe_digest=said.recipe.digest,
            recipe_text=said.recipe.text,
            catalogue_text=said.recipe.catalogue_text,
            deployment_document=_bytes_of(said.deployment.document),
            deployment_signature=_bytes_of(said.deployment.signature),
            release_name=said.release.name,
            release_digest=said.release.digest,
            references=said.references,
            next_begins=None if said.pending is None else _beginning(said.pending),
        )

    @property
    def content_id(self) -> str:
        """Names what judges, without the lot and the order, which change more often."""
        content = {
            "plant": self.plant,
            "line": self.line,
            "product": self.context.product,
            "recipe": [self.recipe_id, self.recipe_version, self.recipe_text, self.catalogue_text],
            "deployment": base64.b64encode(self.deployment_document).decode(),
            "signature": base64.b64encode(self.deployment_signature).decode(),
            "release": [self.release_name, self.release_digest],
            "references": {view: list(digests) for view, digests in self.references.items()},
        }
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def rules(self) -> tuple[str | None, str, int]:
        """What is made, and by which version of which recipe."""
        return self.context.product, self.recipe_id, self.recipe_version

    @property
    def reference_digests(self) -> frozenset[str]:
        """Of all reference images."""
        return frozenset(digest for digests in self.references.values() for digest in digests)


@dataclass(frozen=True, slots=True)
class Kit:
    """What judges at a station, verified.

    Attributes:
        content_id: names it.
        recipe: the rules.
        deployment: the signed permission.
        release: the model with its canary frames.
        references: prepared reference images by view; empty tuples for a single-image release.
    """

    content_id: str
    recipe: Recipe
    deployment: Deployment
    release: Release = field(repr=False)
    references: Mapping[str, Sequence[PreparedReference]] = field(repr=False)

    @property
    def used_recipe(self) -> UsedRecipe:
        """The recipe as records name it."""
        return UsedRecipe(self.recipe.id, self.recipe.version)

    def check_time(self, now: datetime) -> None:
        """Hold the deployment to its time.

        Raises:
            NoKit: it has expired.
        """
        if self.deployment.is_expired(now):
            raise NoKit(
                f"deployment {self.deployment.serial} expired at {self.deployment.expires_at:%Y-%m-%d %H:%M:%S} UTC: "
                "promote again"
            )


def withdrawn_of(answer: Mapping[str, Any], *, station: str) -> tuple[int, ...]:
    """Serials of deployments that the server says were taken back; none where the answer is no kit of this station."""
    try:
        said = _SaidWithdrawals.model_validate(answer)
    except ValidationError:
        return ()
    return said.withdrawn if said.station == station else ()


def _beginning(pending: _SaidPending) -> str:
    return f"encoder count {pending.encoder}" if pending.part_id is None else f"part {pending.part_id!r}"


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoKit(f"the server's kit holds a signed document that is no base64: {error}") from error
