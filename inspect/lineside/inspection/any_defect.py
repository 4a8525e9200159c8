"""The rules of a release on its own, where nobody wrote a recipe."""

from collections.abc import Sequence

from lineside.inspection.catalogue import Catalogue
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe import ClassLimit, Recipe, View
from lineside.inspection.reference import RegistrationLimits
from lineside.inspection.release import Release

_DEADLINE_MS = 600_000  # nobody waits at a line for these verdicts


def any_defect_recipe(
    release: Release, *, catalogue: Catalogue | None = None, views: Sequence[str] = ("default",)
) -> Recipe:
    """A recipe that allows nothing: whatever the release finds at its own thresholds makes a part NG.

    Args:
        release: finds the defects.
        catalogue: says how severe each class is and which size of it counts; None if it is not known here.
        views: names of the images of a part.
    """
    classes = () if catalogue is None else catalogue.classes.values()
    return Recipe(
        id="any-defect",
        version=1,
        product="unnamed",
        catalogue_id=release.catalogue_id,
        catalogue_version=release.catalogue_version,
        release=release.name,
        views={name: View(name, None, (), RegistrationLimits(), (), None) for name in views},
        limits={
            each.name: ClassLimit(size_definition=each.size_definition, severity=each.severity) for each in classes
        },
        named_classes=frozenset(),
        scale=None,
        health=HealthLimits(),
        deadline_ms=_DEADLINE_MS,
        audit_share=0.0,
    )
