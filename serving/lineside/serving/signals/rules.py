"""What a recipe's rules ask for when something happens: a pure choice, with the evidence attached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.inspection.recipe import HoldAct, HoldOf, HoldRule, HoldTrigger, Recipe


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that may set rules off.

    Attributes:
        trigger: what kind of thing.
        key: names it among those of its kind, so that it is acted on once.
        station: where.
        lot: of the parts concerned; None where they have none.
        reason: what happened, for people.
        evidence: what shows it, JSON objects each with its `kind`.
    """

    trigger: HoldTrigger
    key: str
    station: str
    lot: str | None
    reason: str
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class HoldWanted:
    """A hold that a rule asks for.

    Attributes:
        key: of rule, target and occasion: carried out once.
        act: ordered, or proposed to a person.
        station: whose parts; None where a lot is held.
        lot: whose parts; None where a station's are.
        reason: for people.
        by: the recipe that asks.
        evidence: what speaks for it.
    """

    key: str
    act: HoldAct
    station: str | None
    lot: str | None
    reason: str
    by: str
    evidence: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "act": self.act.value,
            "station": self.station,
            "lot": self.lot,
            "reason": self.reason,
            "by": self.by,
            "evidence": [dict(each) for each in self.evidence],
        }

    @classmethod
    def of_json(cls, key: str, stored: Mapping[str, Any]) -> "HoldWanted":
        """As the ledger kept it."""
        return cls(
            key=key,
            act=HoldAct(stored["act"]),
            station=stored["station"],
            lot=stored["lot"],
            reason=stored["reason"],
            by=stored["by"],
            evidence=tuple(stored["evidence"]),
        )


def rules_for(trigger: HoldTrigger, recipe: Recipe) -> Sequence[HoldRule]:
    """The rules of a recipe that a kind of thing sets off."""
    return [rule for rule in recipe.holds if rule.when is trigger]


def key_of(rule: HoldRule, recipe: Recipe, occasion_key: str, *, station: str | None, lot: str | None) -> str:
    """Names one acting of a rule: another version of the recipe with the same rule does not act again."""
    target = f"station {station}" if lot is None else f"lot {lot}"
    return " | ".join((recipe.id, rule.name, target, occasion_key))


def wanted_by(rule: HoldRule, recipe: Recipe, occasion: Occasion) -> HoldWanted:
    """The hold that a rule asks for; of the station where the parts have no lot."""
    lot = occasion.lot if rule.of is HoldOf.LOT else None
    station = occasion.station if lot is None else None
    return HoldWanted(
        key=key_of(rule, recipe, occasion.key, station=station, lot=lot),
        act=rule.do,
        station=station,
        lot=lot,
        reason=f"{occasion.reason} (rule of recipe {recipe.id!r} version {recipe.version}: {rule.name})",
        by=f"recipe {recipe.id} version {recipe.version}",
        evidence=({"kind": "rule", **_shown(rule, recipe)}, *occasion.evidence),
    )


def all_wanted(recipe: Recipe, occasion: Occasion) -> Iterator[HoldWanted]:
    """Everything that a recipe's rules ask for on an occasion."""
    return (wanted_by(rule, recipe, occasion) for rule in rules_for(occasion.trigger, recipe))


def _shown(rule: HoldRule, recipe: Recipe) -> Mapping[str, Any]:
    shown: dict[str, Any] = {
        "recipe_id": recipe.id,
        "recipe_version": recipe.version,
        "when": rule.when.value,
        "do": rule.do.value,
        "of": rule.of.value,
    }
    if rule.limit is not None:
        shown |= {
            "limit": rule.limit,
            "confidence": rule.confidence,
            "min_parts": rule.min_parts,
            "counted": rule.counted.value,
        }
    return shown
