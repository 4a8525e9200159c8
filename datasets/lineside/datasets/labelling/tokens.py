"""The token by which Label Studio knows us: from the environment or a file, never shown.

Both kinds work: a legacy token (40 hex digits, lives until it is reset) and a personal access token (a JWT that the
SDK exchanges for access tokens of five minutes). New servers have legacy tokens switched off.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineside.datasets.labelling.errors import NoToken

TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"  # noqa: S105 - the variable's name, no token
"""The environment variable that Label Studio's own SDK reads."""

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """A legacy or personal access token.

    Attributes:
        secret: the token itself. No `repr`, no error and no log shows it.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no HTTP header could carry."""
        if not _PRINTABLE.fullmatch(self.secret) or len(self.secret) > _LONGEST:
            raise NoToken(
                f"what is given as Label Studio's token has {len(self.secret)} characters and is none: expected one "
                "line of letters, digits and dots; copy it from the page 'Account & Settings' of Label Studio"
            )


def studio_token(environ: Mapping[str, str], *, file: Path | None = None) -> Token:
    """The token in a file, else in `LABEL_STUDIO_API_KEY`.

    Args:
        environ: the environment.
        file: one line with the token; it goes before the environment.

    Raises:
        NoToken: neither is there, or it holds no token.
    """
    if file is None:
        given = environ.get(TOKEN_VARIABLE, "").strip()
        if not given:
            raise NoToken(
                f"no token for Label Studio: set {TOKEN_VARIABLE} or name a file that holds it; it stands on the page "
                "'Account & Settings' of Label Studio"
            )
        return Token(given)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoToken(f"the file {file} for Label Studio's token cannot be read: {error}") from error
    return Token(text.strip())
