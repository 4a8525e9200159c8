"""The command as it was typed, for the record of what it makes: without keys, which a record would carry on."""

import shlex
import sys
from collections.abc import Iterator, Sequence

_SECRETS = ("--api-key",)
_HIDDEN = "..."


def typed_command() -> str:
    """This process's command line in one line; in the place of an API key stands `...`."""
    return " ".join(["lineside", *_shown(sys.argv[1:])])


def _shown(words: Sequence[str]) -> Iterator[str]:
    is_secret = False
    for word in words:
        option, equals, _ = word.partition("=")
        if is_secret:
            yield _HIDDEN
        elif equals and option in _SECRETS:
            yield f"{option}={_HIDDEN}"
        else:
            yield shlex.quote(word)
        is_secret = not is_secret and word in _SECRETS
