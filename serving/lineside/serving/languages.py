"""The languages of the pages."""

from enum import StrEnum


class Language(StrEnum):
    """A language of a page."""

    EN = "en"
    KO = "ko"

    @property
    def other(self) -> "Language":
        """The one to switch to."""
        return Language.KO if self is Language.EN else Language.EN
