"""Canonical JSON: one text for one value, so that a hash or a signature over it means something.

Keys are sorted by code point, nothing is padded, characters outside ASCII stand as themselves, numbers are spelt as
Python spells them. A text of another spelling can be read by many and signed by nobody: what is signed must be the
canonical text itself.
"""

import json
from typing import Any

_MOST_SHOWN = 20


def canonical_json(value: Any) -> str:
    """Write a value as JSON with sorted keys and without spaces.

    Args:
        value: anything of dict, list, tuple, str, int, float, bool and None, with text keys.

    Returns:
        The text; characters outside ASCII stand as themselves.

    Raises:
        ValueError: NaN, infinity or text that is no Unicode (a lone surrogate): JSON has none of them.
        TypeError: a value of another type.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()  # a lone surrogate fails here, with the caller, and not later in a driver
    return text


def parse_json(text: bytes) -> Any:
    """Read JSON in any spelling, as people write it, but of one meaning.

    Args:
        text: UTF-8.

    Raises:
        ValueError: it is no JSON, or a key stands in it twice: two readers could take different ones of them, and
            only one was meant.
    """
    try:
        return json.loads(text.decode(), object_pairs_hook=_refuse_twice)
    except RecursionError as error:
        raise ValueError("it is nested too deeply to be read") from error


def parse_canonical_json(document: bytes) -> Any:
    """Read JSON that must be in its canonical spelling.

    Args:
        document: UTF-8.

    Returns:
        The value; `canonical_json` of it gives the same bytes again.

    Raises:
        ValueError: it is no JSON, or JSON in another spelling: keys unsorted or twice, spaces, escapes that need not
            be, another spelling of a number, a byte-order mark, a line break at the end.
    """
    value = parse_json(document)
    spelling = canonical_json(value).encode()
    if spelling != document:
        at = next((at for at, (one, other) in enumerate(zip(spelling, document, strict=False)) if one != other), None)
        where = f"byte {at}" if at is not None else f"byte {min(len(spelling), len(document))}"
        raise ValueError(f"it is not canonical JSON (sorted keys, no spaces): the spellings differ from {where} on")
    return value


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"of the keys {sorted(keys)[:_MOST_SHOWN]} some stand there twice")
    return dict(pairs)
