"""The policy file (YAML): strict, every key optional, every problem with its line."""

from typing import Annotated, Any, Literal

from pydantic import Field

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.training.errors import NotAGatePolicy
from lineside.training.gate.policy import (
    ClassHit,
    ClassPolicy,
    ClassRule,
    EscapeBankPolicy,
    EscapePolicy,
    GatePolicy,
    LatencyPolicy,
    OverkillPolicy,
)

Share = Annotated[float, Field(gt=0, lt=1)]
"""A share or a chance strictly between 0 and 1: the bounds are defined for no other."""

_DEFAULT = GatePolicy()


class EscapesInFile(FileModel):
    """Escapes: defective parts that pass."""

    margin: Share = Field(
        default=_DEFAULT.escapes.margin, description="How much more often the candidate may miss than the live model."
    )
    confidence: Share = Field(default=_DEFAULT.escapes.confidence, description="Of the bounds.")
    power: Share = Field(
        default=_DEFAULT.escapes.power,
        description="Chance that an equally good candidate passes, for the parts asked for.",
    )
    expected_discordant_share: Share = Field(
        default=_DEFAULT.escapes.expected_discordant_share,
        description="Share of defective parts on which two good models differ, where the data shows fewer.",
    )
    limit_when_nothing_is_live: Share = Field(
        default=_DEFAULT.escapes.limit_when_nothing_is_live,
        description="Upper bound of the escape rate without a live model.",
    )


class ClassRuleInFile(FileModel):
    """What one class needs beyond not being shown worse."""

    minimum_parts: int = Field(default=0, ge=0, description="Parts with a defect of the class that the data must hold.")
    minimum_recall: Share | None = Field(
        default=None, description="What the lower bound of the class's recall must reach."
    )
    may_be_unproven: bool = Field(
        default=False,
        description="Too few parts to show even a blind model worse do not block.",
    )


class ClassesInFile(FileModel):
    """Each class of defects."""

    level: Share = Field(
        default=_DEFAULT.classes.level, description="Chance of calling any class better or worse by luck (Holm)."
    )
    confidence: Share = Field(default=_DEFAULT.classes.confidence, description="Of the bounds of recall.")
    hit: Literal["right_class", "found"] = Field(default="right_class", description="When a defect counts as found.")
    default: ClassRuleInFile = Field(default=ClassRuleInFile(), description="For classes that `of` lacks.")
    of: dict[str, ClassRuleInFile] = Field(default_factory=dict, description="Rules of single classes.")
    recall_of_a_new_class: Share = Field(
        default=_DEFAULT.classes.recall_of_a_new_class, description="Lower bound for a class that the live model lacks."
    )
    recall_when_nothing_is_live: Share = Field(
        default=_DEFAULT.classes.recall_when_nothing_is_live,
        description="Lower bound for every class without a live model.",
    )


class OverkillInFile(FileModel):
    """Overkill: good parts that do not pass."""

    budget: Share = Field(default=_DEFAULT.overkill.budget, description="What the upper bound of the overkill may be.")
    confidence: Share = Field(default=_DEFAULT.overkill.confidence, description="Of that bound.")
    level: Share = Field(default=_DEFAULT.overkill.level, description="Of the test against the live model.")
    is_required: bool = Field(default=_DEFAULT.overkill.is_required, description="Too few good parts block.")


class EscapeBankInFile(FileModel):
    """The escape bank: parts that once got away."""

    is_required: bool = Field(default=_DEFAULT.escape_bank.is_required, description="No bank blocks.")


class LatencyInFile(FileModel):
    """Time for one part."""

    max_p99_ms: Annotated[float, Field(gt=0)] | None = Field(
        default=_DEFAULT.latency.max_p99_ms, description="The slowest in a hundred; null does not ask."
    )
    max_ratio_to_live: Annotated[float, Field(gt=0)] | None = Field(
        default=_DEFAULT.latency.max_ratio_to_live, description="Against the live model; null does not ask."
    )
    is_required: bool = Field(default=_DEFAULT.latency.is_required, description="An evaluation without timings blocks.")


class PolicyInFile(FileModel):
    """What a release must show before it goes live; what is left out has its default."""

    schema_name: Literal["lineside.gate-policy/1"] = Field(alias="schema")
    escapes: EscapesInFile = Field(default_factory=EscapesInFile)
    classes: ClassesInFile = Field(default_factory=ClassesInFile)
    overkill: OverkillInFile = Field(default_factory=OverkillInFile)
    escape_bank: EscapeBankInFile = Field(default_factory=EscapeBankInFile)
    latency: LatencyInFile = Field(default_factory=LatencyInFile)


def load_policy(text: str, *, source: str = "the policy") -> GatePolicy:
    """Read a policy file.

    Args:
        text: the YAML file's text.
        source: what to call the file in messages.

    Raises:
        NotAGatePolicy: naming key path and line, what was found and what is expected.
    """
    content = SourceFile(text, source=source, error=NotAGatePolicy).parse(PolicyInFile)
    classes = content.classes
    return GatePolicy(
        escapes=EscapePolicy(**content.escapes.model_dump()),
        classes=ClassPolicy(
            **classes.model_dump(exclude={"hit", "default", "of"}),
            hit=ClassHit(classes.hit),
            default=ClassRule(**classes.default.model_dump()),
            of={name: ClassRule(**rule.model_dump()) for name, rule in classes.of.items()},
        ),
        overkill=OverkillPolicy(**content.overkill.model_dump()),
        escape_bank=EscapeBankPolicy(**content.escape_bank.model_dump()),
        latency=LatencyPolicy(**content.latency.model_dump()),
    )


def policy_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors."""
    schema = PolicyInFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
