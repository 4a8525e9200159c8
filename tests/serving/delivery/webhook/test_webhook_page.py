"""What docs/webhooks.md says of answers and keys is what the program does."""

import re
from pathlib import Path

import pytest

from lineside.serving.delivery.webhook.answers import ConflictMeaning, Meaning, meaning_of
from lineside.serving.delivery.webhook.settings import WebhookSettings

PAGE = (Path(__file__).parents[4] / "docs" / "webhooks.md").read_text(encoding="utf-8")

WORDS = {
    "it has the message": Meaning.DELIVERED,
    "not now": Meaning.TRY_AGAIN,
    "a person is needed": Meaning.PERSON_NEEDED,
    "this one message is refused for good": Meaning.POISON,
    "parked as well": Meaning.POISON,
}


def statuses(cell: str) -> set[int]:
    """The statuses that a cell names: `408, 500 to 599`."""
    spans = {
        status for low, high in re.findall(r"(\d{3}) to (\d{3})", cell) for status in range(int(low), int(high) + 1)
    }
    return spans | {int(each) for each in re.findall(r"\d{3}", cell)}


ROWS = [
    (found, word)
    for cell, said in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    for word in WORDS
    if said.startswith(word) and (found := statuses(cell))
]


@pytest.mark.parametrize(("named", "word"), ROWS, ids=[word for _, word in ROWS])
def test_a_status_means_what_the_page_says(named: set[int], word: str) -> None:
    assert {meaning_of(status, conflict=ConflictMeaning.REFUSED) for status in named} == {WORDS[word]}


def test_the_page_names_every_status_that_is_told_apart() -> None:
    named = {status for found, _ in ROWS for status in found}
    unnamed = {meaning_of(status, conflict=ConflictMeaning.REFUSED) for status in set(range(400, 500)) - named}
    assert unnamed == {Meaning.PERSON_NEEDED}, "other 4xx"


def test_the_page_names_every_key() -> None:
    own = set(WebhookSettings.model_fields) - {"name", "kind", "from_"}
    assert {key for key in own if f"`{key}`" not in PAGE} == set()
