"""Canonical JSON: one text for one value, so that a hash over it means something."""

import json
from typing import Any


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
