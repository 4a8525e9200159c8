"""What a defect catalogue holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lineside.inspection.sizes import SizeDefinition


class Severity(StrEnum):
    """How much a defect matters (ISO 2859-1 uses the same three for its classes of nonconformity)."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class LimitSample:
    """A picture that shows where the limit lies (한도견본).

    Attributes:
        image: path relative to the catalogue's file, or `sha256:<hex>` of a stored image.
        is_acceptable: whether a part that looks like this still passes.
        note: what to look at.
    """

    image: str
    is_acceptable: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class DefectClass:
    """One kind of defect.

    Attributes:
        name: the class name that models, labels and recipes use.
        name_ko: the Korean shop-floor word.
        severity: critical, major or minor.
        size_definition: which size of it counts.
        mes_code: the plant's code for it in the MES, None where there is none.
        limit_samples: pictures of its limit.
        description: what it looks like, one sentence.
    """

    name: str
    name_ko: str
    severity: Severity
    size_definition: SizeDefinition
    mes_code: str | None = None
    limit_samples: tuple[LimitSample, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """What became of a class that is gone: a split has several new ones, a merge several migrations to one.

    Attributes:
        since_version: the first catalogue version without the old class.
        old: the class that is gone.
        new: the classes that took its place, all of them in the catalogue; at least one.
        note: how to tell them apart, or why they were joined.
    """

    since_version: int
    old: str
    new: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A version of a plant's list of defect classes.

    Attributes:
        id: the catalogue's name.
        version: from 1 upwards; a version never changes.
        classes: by class name, in the file's order.
        migrations: what became of classes of earlier versions.
    """

    id: str
    version: int
    classes: Mapping[str, DefectClass]
    migrations: tuple[Migration, ...] = ()

    def successors(self, class_name: str) -> tuple[str, ...]:
        """Today's classes for a class of this or an earlier version; empty for one that never was.

        >>> split = Migration(2, "scratch", ("deep scratch", "scuff"))
        >>> catalogue = Catalogue("x", 3, {}, (split, Migration(3, "scuff", ("mark",))))
        >>> catalogue.successors("scratch")
        ('deep scratch', 'mark')
        """
        found: list[str] = [class_name]
        is_known = class_name in self.classes
        for migration in sorted(self.migrations, key=lambda each: each.since_version):
            if migration.old in found:
                is_known = True
                at = found.index(migration.old)
                found[at : at + 1] = [name for name in migration.new if name not in found]
        return tuple(found) if is_known else ()
