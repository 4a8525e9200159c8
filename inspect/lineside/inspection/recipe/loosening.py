"""In which ways a new version of a recipe lets more through than the old one.

What decides goes through the gate: a stricter recipe may go live at once, a looser one needs the gate's
figures or a named override. So this list may name a change that turns out harmless, but must not miss one
that is not: whatever cannot be shown to be at least as strict is listed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime

from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe.hold_rules import dropped_rules
from lineside.inspection.recipe.records import ClassLimit, Recipe, Scale, View, Zone
from lineside.inspection.reference import RegistrationLimits


def looser_than(new: Recipe, old: Recipe, *, release_thresholds: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Every way in which `new` may let a part pass that `old` would have stopped.

    Args:
        new: the proposed version.
        old: the version in force.
        release_thresholds: the release's default confidence by class, if known; without it a class whose
            threshold moves between recipe and release is listed, since the two cannot be compared.

    Returns:
        One sentence part per change, with key path, old and new value; empty if the new version is at least
        as strict.
    """
    return tuple(_differences(new, old, release_thresholds or {}))


def _differences(new: Recipe, old: Recipe, release_thresholds: Mapping[str, float]) -> Iterator[str]:
    for key, was, now in (
        ("product", old.product, new.product),
        ("catalogue.id", old.catalogue_id, new.catalogue_id),
        ("catalogue.version", old.catalogue_version, new.catalogue_version),
        ("release", old.release, new.release),
    ):
        if was != now:
            yield f"{key}: {was} -> {now}, which cannot be compared"
    for name in dict.fromkeys((*old.limits, *new.limits)):
        yield from _limit(f"limits.{name}", new.limit_for(name), old.limit_for(name))
        yield from _threshold(name, new, old, release_thresholds)
    for name, view in old.views.items():
        if name not in new.views:
            yield f"views.{name}: no longer asked for"
        else:
            yield from _view(f"views.{name}", new.views[name], view, new_recipe=new)
    yield from _bounds("health", new.health, old.health)
    if new.audit_share < old.audit_share:
        yield f"audit.share: {old.audit_share:g} -> {new.audit_share:g}, so that escapes are seen later"
    if new.confirmation_share < old.confirmation_share:
        was, now = f"{old.confirmation_share:g}", f"{new.confirmation_share:g}"
        yield f"confirmation.share: {was} -> {now}, so that fewer flagged parts are looked at"
    for rule in dropped_rules(new.holds, old.holds):
        yield f"holds: {rule.name}: no rule acts as early and as hard any more"


def _limit(path: str, new: ClassLimit, old: ClassLimit) -> Iterator[str]:
    """Count and sizes of one class in one scope."""
    if new.max_count > old.max_count:
        yield f"{path}.max_count: {old.max_count} -> {new.max_count}"
    if new.size_definition is not old.size_definition and (new.needs_scale or old.needs_scale):
        yield f"{path}.size_definition: {old.size_definition} -> {new.size_definition}, which cannot be compared"
    if (new.min_size_mm or 0.0) > (old.min_size_mm or 0.0):
        yield f"{path}.min_size: {_shown(old.min_size_mm)} -> {_shown(new.min_size_mm)} {new.size_definition.unit}"
    # Where none is allowed the largest size has no part in the verdict.
    if (
        old.max_size_mm is not None
        and new.max_count > 0
        and (new.max_size_mm is None or new.max_size_mm > old.max_size_mm)
    ):
        yield f"{path}.max_size: {_shown(old.max_size_mm)} -> {_shown(new.max_size_mm)} {new.size_definition.unit}"


def _threshold(name: str, new: Recipe, old: Recipe, release_thresholds: Mapping[str, float]) -> Iterator[str]:
    was, now = old.limit_for(name).confidence, new.limit_for(name).confidence
    if was == now:
        return
    effective_was = release_thresholds.get(name) if was is None else was
    effective_now = release_thresholds.get(name) if now is None else now
    if effective_was is None or effective_now is None:
        known = "the release's default"
        yield f"limits.{name}.confidence: {was if was is not None else known} -> {now if now is not None else known}"
    elif effective_now > effective_was:
        yield f"limits.{name}.confidence: {effective_was:g} -> {effective_now:g}"


def _view(path: str, new: View, old: View, *, new_recipe: Recipe) -> Iterator[str]:
    if old.size_wh_px is not None and new.size_wh_px != old.size_wh_px:
        yield f"{path}.size_wh_px: {list(old.size_wh_px)} -> {list(new.size_wh_px) if new.size_wh_px else 'any'}"
    yield from _references(path, new, old)
    yield from _bounds(f"{path}.registration", new.registration, old.registration)
    if new.sixteen_bit != old.sixteen_bit:
        yield f"{path}.sixteen_bit: {old.sixteen_bit} -> {new.sixteen_bit}, which cannot be compared"
    yield from _scale(f"{path}.scale", new.scale, old.scale)
    yield from _ignore_zones(path, new, old)
    yield from _limit_zones(path, new, old, new_recipe=new_recipe)


def _references(path: str, new: View, old: View) -> Iterator[str]:
    """A defect that is also in the reference image leaves no difference, so every new picture needs a look."""
    known = {reference.image: reference for reference in old.references}
    for reference in new.references:
        before = known.get(reference.image)
        where = f"{path}.references.{reference.id}"
        if before is None:
            yield f"{where}: a new reference image"
        elif _lasts_longer(reference.expires_at, before.expires_at):
            yield f"{where}.expires_at: {before.expires_at} -> {reference.expires_at or 'never'}"
    if old.references and not new.references:
        yield f"{path}.references: no longer compared with a reference image"


def _scale(path: str, new: Scale | None, old: Scale | None) -> Iterator[str]:
    """With a smaller scale every defect measures less."""
    if old is None or new is None:
        return  # without a scale no size limit is in force; one that is dropped or added is listed as such
    if new.mm_per_px < old.mm_per_px:
        yield f"{path}.mm_per_px: {old.mm_per_px:g} -> {new.mm_per_px:g}"
    was, now = old.calibration, new.calibration
    if was.id == now.id and _lasts_longer(now.expires_at, was.expires_at):
        yield f"{path}.calibration.expires_at: {was.expires_at} -> {now.expires_at or 'never'}, not calibrated anew"


def _lasts_longer(new: datetime | None, old: datetime | None) -> bool:
    return old is not None and (new is None or new > old)


def _ignore_zones(path: str, new: View, old: View) -> Iterator[str]:
    for zone in new.ignore_zones:
        if not any(known.polygon.covers(zone.polygon) for known in old.ignore_zones):
            yield f"{path}.zones.{zone.name}: ignores what no single zone ignored before"


def _limit_zones(path: str, new: View, old: View, *, new_recipe: Recipe) -> Iterator[str]:
    """A zone takes what lies in it out of the part's count and holds it to limits of its own."""
    before = {zone.name: zone for zone in old.limit_zones}
    after = {zone.name: zone for zone in new.limit_zones}
    for name, zone in after.items():
        where = f"{path}.zones.{name}"
        known = before.get(name)
        if known is not None and known.polygon == zone.polygon:
            for class_name in new_recipe.limits:
                yield from _limit(
                    f"{where}.limits.{class_name}", zone.limit_for(class_name), known.limit_for(class_name)
                )
        elif not _takes_nothing_out(zone, new_recipe):
            yield f"{where}: {'a new zone' if known is None else 'another polygon'}, in which defects count apart"
    for name, zone in before.items():
        known = after.get(name)
        if known is not None and known.polygon.covers(zone.polygon):
            if known.polygon != zone.polygon:
                for class_name in new_recipe.limits:
                    own = f"{path}.zones.{name}.limits.{class_name}"
                    yield from _limit(own, known.limit_for(class_name), zone.limit_for(class_name))
        elif not _is_no_stricter(zone, new_recipe):
            yield f"{path}.zones.{name}: {'removed' if known is None else 'another polygon'}, though it was stricter"


def _takes_nothing_out(zone: Zone, recipe: Recipe) -> bool:
    """Whether whatever makes a part NG outside the zone also does so inside it: it allows none at all."""
    return all(
        zone.limit_for(name).max_count == 0 and (zone.limit_for(name).min_size_mm or 0.0) <= (limit.min_size_mm or 0.0)
        for name, limit in recipe.limits.items()
    )


def _is_no_stricter(zone: Zone, recipe: Recipe) -> bool:
    """Whether the part's limits are at least as strict as the zone's, so that the zone is not missed."""
    return not any(True for name, limit in recipe.limits.items() for _ in _limit(name, limit, zone.limit_for(name)))


def _bounds(path: str, new: HealthLimits | RegistrationLimits, old: HealthLimits | RegistrationLimits) -> Iterator[str]:
    """A min_... may not fall, a max_... may not rise, and no check may be switched off (None, or False)."""
    for field in fields(old):
        was, now = getattr(old, field.name), getattr(new, field.name)
        if was is None or was is False or now == was:
            continue
        is_stricter = now is not None and (
            (field.name.startswith("min_") and now > was) or (field.name.startswith("max_") and now < was)
        )
        if not is_stricter:
            yield f"{path}.{field.name}: {_shown(was)} -> {_shown(now)}"


def _shown(value: float | str | None) -> str:
    """As the file writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | str) else f"{value:g}"
