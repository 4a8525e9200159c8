"""The languages of the page and of the demonstration."""

from enum import StrEnum


class LanguageName(StrEnum):
    """English or Korean."""

    EN = "en"
    KO = "ko"
