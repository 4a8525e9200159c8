"""How numbers, classes and instants read on the page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lineside.inspection.catalogue import Catalogue
from lineside.serving.dashboard.texts import TEXTS, Language


class Wording:
    """One language's texts, and the plant's own words for its defect classes.

    Args:
        language: of the page.
        catalogues: of the plant, the one to ask first in front.
    """

    def __init__(self, language: Language, catalogues: Sequence[Catalogue]) -> None:
        self.language = language
        self.texts: Mapping[str, str] = TEXTS[language]
        self._catalogues = catalogues

    def __call__(self, name: str, **values: object) -> str:
        """A text with its placeholders filled."""
        text = self.texts[name]
        return text.format(**values) if values else text

    def defect_class(self, name: str) -> str:
        """A defect class as the shop floor calls it; its own name where no catalogue knows it."""
        if self.language is Language.EN:
            return name
        for catalogue in self._catalogues:
            if name in catalogue.classes:
                return catalogue.classes[name].name_ko
        return name

    def defects(self, counts: Mapping[str, int]) -> str:
        """Defects by class in words."""
        if not counts:
            return self("no_defect")
        return ", ".join(
            self.defect_class(name) if count == 1 else f"{self.defect_class(name)} x {count}"
            for name, count in counts.items()
        )


def percent(share: float) -> str:
    """A share with one decimal.

    >>> percent(0.1234)
    '12.3 %'
    """
    return f"{100 * share:.1f} %"


def clock_time(instant: datetime) -> str:
    """The time of day where the server stands."""
    return f"{instant.astimezone():%H:%M:%S}"
