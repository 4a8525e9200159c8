"""Class names: two that a person would read as one are one too many."""

import unicodedata
from collections.abc import Sequence

from lineside.datasets.errors import ClassesRefused


def folded(name: str) -> str:
    """A class name without what people overlook: case, spaces, hyphens, underscores, Unicode form.

    >>> folded("Pin Hole") == folded("pin-hole") == folded("pin_hole ")
    True
    """
    composed = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in composed if character not in "-_" and not character.isspace())


def require_distinct_classes(classes: Sequence[str]) -> None:
    """Refuse class lists that cannot be right.

    Raises:
        ClassesRefused: no class, a blank name, one with blanks around it, or two that differ by nothing that counts.
    """
    if not classes:
        raise ClassesRefused("no class is named; expected at least one")
    first: dict[str, str] = {}
    for name in classes:
        if not folded(name) or name != name.strip() or not name.isprintable():
            raise ClassesRefused(
                f"class name {name!r}: expected letters or digits, no blanks around them, no control characters"
            )
        other = first.setdefault(folded(name), name)
        if other is not name or classes.count(name) > 1:
            raise ClassesRefused(
                f"the classes {other!r} and {name!r} have one name but for case, blanks, hyphens or underscores; "
                "merge them, or rename one"
            )
