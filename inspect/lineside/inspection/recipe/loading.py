"""A recipe's file: YAML text in, one checked and frozen record out."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lineside.inspection.catalogue import Catalogue, DefectClass
from lineside.inspection.decoding import LinearWindow, ShiftRight, SixteenBitRule
from lineside.inspection.errors import RecipeError
from lineside.inspection.file_models import SourceFile
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe.file_format import (
    HealthInFile,
    HoldRuleInFile,
    LimitInFile,
    RecipeInFile,
    RegistrationInFile,
    ScaleInFile,
    SixteenBitInFile,
    ViewInFile,
    ZoneInFile,
    ZoneLimitInFile,
)
from lineside.inspection.recipe.hold_rules import HoldAct, HoldOf, HoldRule, HoldTrigger, RateCounted
from lineside.inspection.recipe.records import (
    Calibration,
    ClassLimit,
    Recipe,
    ReferenceSpec,
    Retention,
    Scale,
    View,
    Zone,
)
from lineside.inspection.reference import Motion, RegistrationLimits
from lineside.inspection.sizes import SizeDefinition
from lineside.inspection.strict_yaml import KeyPath
from lineside.inspection.zones import Polygon


def load_recipe(text: str, *, catalogue: Catalogue, source: str = "recipe") -> Recipe:
    """Read a recipe and check everything that can be checked without a release or a frame.

    Args:
        text: the YAML file's text.
        catalogue: the defect catalogue that the recipe must name.
        source: what to call the file in messages.

    Raises:
        RecipeError: naming key path and line, what was found and what is expected.
    """
    return _Loader(SourceFile(text, source=source, error=RecipeError), catalogue).load()


def recipe_digest(text: str) -> str:
    """Lowercase hex SHA-256 of the file's text in UTF-8: what a verdict carries to say which recipe judged it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def recipe_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors."""
    schema = RecipeInFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _named_classes(content: RecipeInFile) -> frozenset[str]:
    zones = (zone for view in content.views.values() for zone in view.zones)
    return frozenset(content.limits).union(*(zone.limits or () for zone in zones))


class _Loader:
    """Turns one parsed file into records; every refusal names its place."""

    def __init__(self, file: SourceFile, catalogue: Catalogue) -> None:
        self._file = file
        self._catalogue = catalogue

    def load(self) -> Recipe:
        """The whole recipe."""
        content = self._file.parse(RecipeInFile)
        catalogue = self._catalogue
        if (content.catalogue.id, content.catalogue.version) != (catalogue.id, catalogue.version):
            raise self._file.problem(
                ("catalogue",),
                f"{content.catalogue.id!r} version {content.catalogue.version}, but the catalogue at hand is "
                f"{catalogue.id!r} version {catalogue.version}",
            )
        limits = self._limits(content.limits, ("limits",))
        scale = self._scale(content.scale, ("scale",))
        views = {
            name: self._view(name, view, recipe_scale=scale, limits=limits) for name, view in content.views.items()
        }
        self._check_scales(views, limits)
        return Recipe(
            id=content.id,
            version=content.version,
            product=content.product,
            catalogue_id=content.catalogue.id,
            catalogue_version=content.catalogue.version,
            release=content.release,
            views=MappingProxyType(views),
            limits=limits,
            named_classes=_named_classes(content),
            scale=scale,
            health=self._health(content.health),
            deadline_ms=content.deadline_ms,
            audit_share=float(content.audit.share),
            retention=Retention(**content.retention.model_dump()),
            confirmation_share=float(content.confirmation.share),
            opportunities=content.opportunities,
            holds=self._holds(content.holds),
        )

    def _holds(self, entries: Sequence[HoldRuleInFile]) -> tuple[HoldRule, ...]:
        rules: list[HoldRule] = []
        for position, entry in enumerate(entries):
            given = entry.model_dump(exclude_none=True)
            path: KeyPath = ("holds", position)
            when = HoldTrigger(entry.when)
            if when is not HoldTrigger.RATE_ABOVE:
                for key in ("limit", "confidence", "min_parts", "counted"):
                    if key in given:
                        raise self._file.problem((*path, key), f"only rate_above has it, not {entry.when}")
            elif entry.limit is None:
                raise self._file.problem(path, "rate_above needs a limit, such as limit: 0.02")
            rule = HoldRule(
                **given
                | {"when": when, "do": HoldAct(entry.do), "of": HoldOf(entry.of)}
                | ({} if entry.counted is None else {"counted": RateCounted(entry.counted)})
            )
            if rule in rules:
                raise self._file.problem(path, "this rule is here twice")
            rules.append(rule)
        return tuple(rules)

    def _limits(self, entries: Mapping[str, LimitInFile], path: KeyPath) -> Mapping[str, ClassLimit]:
        """Limits for every class of the catalogue, strict for those that the file does not mention."""
        self._check_classes(entries, path)
        return MappingProxyType(
            {
                name: self._limit(entries.get(name, LimitInFile()), defect_class, (*path, name))
                for name, defect_class in self._catalogue.classes.items()
            }
        )

    def _limit(self, entry: LimitInFile, defect_class: DefectClass, path: KeyPath) -> ClassLimit:
        definition = SizeDefinition(entry.size_definition or defect_class.size_definition)
        smallest, largest = self._sizes(entry, definition, path)
        return ClassLimit(
            max_count=entry.max_count,
            size_definition=definition,
            severity=defect_class.severity,
            confidence=entry.confidence,
            min_size_mm=smallest,
            max_size_mm=largest,
        )

    def _sizes(
        self, entry: ZoneLimitInFile, definition: SizeDefinition, path: KeyPath
    ) -> tuple[float | None, float | None]:
        """The smallest and largest size, in the unit that belongs to the definition."""
        in_mm = {"min_size_mm": entry.min_size_mm, "max_size_mm": entry.max_size_mm}
        in_mm2 = {"min_size_mm2": entry.min_size_mm2, "max_size_mm2": entry.max_size_mm2}
        wanted, foreign = (in_mm2, in_mm) if definition is SizeDefinition.AREA else (in_mm, in_mm2)
        for key, value in foreign.items():
            if value is not None:
                raise self._file.problem(
                    (*path, key),
                    f"this class is measured by its {definition}, in {definition.unit}; write {key[:8]}_mm"
                    f"{'2' if definition is SizeDefinition.AREA else ''}",
                )
        smallest, largest = wanted.values()
        if smallest is not None and largest is not None and smallest > largest:
            raise self._file.problem(
                path, f"the smallest size that counts, {smallest}, is above the largest, {largest}"
            )
        return smallest, largest

    def _view(
        self, name: str, entry: ViewInFile, *, recipe_scale: Scale | None, limits: Mapping[str, ClassLimit]
    ) -> View:
        path: KeyPath = ("views", name)
        size_wh_px = None if entry.size_wh_px is None else (entry.size_wh_px[0], entry.size_wh_px[1])
        if entry.zones and size_wh_px is None:
            raise self._file.problem((*path, "zones"), "zones are in pixels: give the view its size_wh_px")
        self._check_unique([zone.name for zone in entry.zones], (*path, "zones"), key="name")
        self._check_unique([reference.id for reference in entry.references], (*path, "references"), key="id")
        for position, reference in enumerate(entry.references):
            if reference.expires_at is not None and reference.expires_at <= reference.approved_at:
                raise self._file.problem(
                    (*path, "references", position, "expires_at"),
                    "not after approved_at: it could never be used",
                )
        return View(
            name=name,
            size_wh_px=size_wh_px,
            references=tuple(
                ReferenceSpec(each.id, each.image, each.approved_by, each.approved_at, each.expires_at)
                for each in entry.references
            ),
            registration=self._registration(entry.registration, (*path, "registration")),
            zones=tuple(
                self._zone(zone, (*path, "zones", position), size_wh_px=size_wh_px, limits=limits)
                for position, zone in enumerate(entry.zones)
            ),
            scale=self._scale(entry.scale, (*path, "scale")) or recipe_scale,
            sixteen_bit=self._sixteen_bit(entry.sixteen_bit, (*path, "sixteen_bit")),
        )

    def _zone(
        self,
        entry: ZoneInFile,
        path: KeyPath,
        *,
        size_wh_px: tuple[int, int] | None,
        limits: Mapping[str, ClassLimit],
    ) -> Zone:
        try:
            polygon = Polygon(tuple((x, y) for x, y in entry.polygon_px))
        except ValueError as error:
            raise self._file.problem((*path, "polygon_px"), str(error)) from error
        if size_wh_px is not None and not polygon.fits(size_wh_px):
            message = f"a corner lies outside the view of {size_wh_px[0]}x{size_wh_px[1]} px"
            raise self._file.problem((*path, "polygon_px"), message)
        if (entry.ignore is None) == (entry.limits is None):
            raise self._file.problem(path, "give a zone either `ignore: true` or `limits`")
        if entry.limits is None:
            return Zone(entry.name, polygon, None)
        self._check_classes(entry.limits, (*path, "limits"))
        own = {
            name: self._zone_limit(limit, limits[name], (*path, "limits", name)) for name, limit in entry.limits.items()
        }
        return Zone(entry.name, polygon, MappingProxyType({**limits, **own}))

    def _zone_limit(self, entry: ZoneLimitInFile, of_recipe: ClassLimit, path: KeyPath) -> ClassLimit:
        """The zone's count and sizes; threshold, size definition and severity stay those of the class."""
        smallest, largest = self._sizes(entry, of_recipe.size_definition, path)
        return ClassLimit(
            max_count=entry.max_count,
            size_definition=of_recipe.size_definition,
            severity=of_recipe.severity,
            confidence=of_recipe.confidence,
            min_size_mm=smallest,
            max_size_mm=largest,
        )

    def _health(self, entry: HealthInFile) -> HealthLimits:
        try:
            return HealthLimits(**entry.model_dump())
        except ValueError as error:
            raise self._file.problem(("health",), str(error)) from error

    def _registration(self, entry: RegistrationInFile, path: KeyPath) -> RegistrationLimits:
        try:
            return RegistrationLimits(**entry.model_dump(exclude={"motion"}), motion=Motion(entry.motion))
        except ValueError as error:
            raise self._file.problem(path, str(error)) from error

    def _sixteen_bit(self, entry: SixteenBitInFile | None, path: KeyPath) -> SixteenBitRule | None:
        if entry is None:
            return None
        if (entry.shift_right is None) == (entry.window is None):
            raise self._file.problem(path, "needs exactly one of shift_right and window")
        if entry.shift_right is not None:
            return ShiftRight(entry.shift_right)
        low, high = entry.window or (0, 0)
        try:
            return LinearWindow(low, high)
        except ValueError as error:
            raise self._file.problem((*path, "window"), str(error)) from error

    def _scale(self, entry: ScaleInFile | None, path: KeyPath) -> Scale | None:
        if entry is None:
            return None
        calibration = entry.calibration
        if calibration.expires_at is not None and calibration.expires_at <= calibration.at:
            raise self._file.problem((*path, "calibration", "expires_at"), "not after `at`: it could never be used")
        return Scale(
            float(entry.mm_per_px),
            Calibration(calibration.id, calibration.method, calibration.at, calibration.expires_at),
        )

    def _check_scales(self, views: Mapping[str, View], limits: Mapping[str, ClassLimit]) -> None:
        """Refuse a size limit where no scale says how large a pixel is: it could not be applied."""
        for view in views.values():
            if view.scale is not None:
                continue
            for name, limit in limits.items():
                if limit.needs_scale:
                    raise self._missing_scale(("limits", name), view.name)
            for position, zone in enumerate(view.zones):
                for name, limit in (zone.limits or {}).items():
                    if limit.needs_scale:
                        raise self._missing_scale(("views", view.name, "zones", position, "limits", name), view.name)

    def _missing_scale(self, path: KeyPath, view_name: str) -> Exception:
        return self._file.problem(
            path,
            f"a size limit, but view {view_name!r} has no scale; give `scale` with mm_per_px and its calibration",
        )

    def _check_classes(self, entries: Mapping[str, ZoneLimitInFile], path: KeyPath) -> None:
        for name in entries:
            if name not in self._catalogue.classes:
                known = ", ".join(self._catalogue.classes)
                raise self._file.problem(
                    (*path, name),
                    f"no class {name!r} in catalogue {self._catalogue.id!r} version {self._catalogue.version}; "
                    f"it has: {known}",
                )

    def _check_unique(self, names: list[str], path: KeyPath, *, key: str) -> None:
        for position, name in enumerate(names):
            if name in names[:position]:
                raise self._file.problem((*path, position, key), f"{name!r} is here twice")
