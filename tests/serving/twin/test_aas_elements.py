"""Texts of any length and content become elements that the metamodel allows: one name takes no twin away."""

import pytest

from lineside.serving.twin.aas.elements import LONGEST_TEXT, text, words


def test_a_text_is_whole_or_its_beginning() -> None:
    """A hundred defect classes of 64 characters each are 6,500."""
    assert words("x" * LONGEST_TEXT)["en"] == "x" * LONGEST_TEXT
    assert len(words("a defect class, " * 400)["en"]) == LONGEST_TEXT
    assert words("x" * (LONGEST_TEXT + 1))["en"] == "x" * (LONGEST_TEXT - 1) + "\u2026"


@pytest.mark.parametrize("strange", ["\ufffe", "\x00", "\x1f", "\ud800"])
def test_a_character_that_no_file_can_hold_is_replaced(strange: str) -> None:
    assert text("Name", f"AOI {strange}1").value == "AOI \ufffd1"
    assert words(f"AOI {strange}1")["en"] == "AOI \ufffd1"
    assert text("Name", "\uac80\uc0ac 1\U0001f600").value == "\uac80\uc0ac 1\U0001f600"
