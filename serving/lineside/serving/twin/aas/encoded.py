"""Identifiers and asset ids as the AAS API has them in addresses: base64url without padding (IDTA 01002)."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final, Self

from lineside.serving.twin.aas.errors import TwinRequestUnfit

LONGEST_ENCODED: Final = 4_000
"""Characters. An identifier has at most 2,000 (IDTA 01001)."""


def encode(identifier: str) -> str:
    """An identifier for an address."""
    return base64.urlsafe_b64encode(identifier.encode()).rstrip(b"=").decode()


def decode(encoded: str, *, what: str) -> str:
    """What an address says.

    Args:
        encoded: base64url; right padding is taken too, as many programs send it.
        what: it is, for the error.

    Raises:
        TwinRequestUnfit: it is not base64url of UTF-8.
    """
    bare = encoded[:-2] if encoded.endswith("==") else encoded.removesuffix("=")
    padding = "=" * (-len(bare) % 4)
    if len(encoded) <= LONGEST_ENCODED and encoded in {bare, bare + padding}:
        try:
            text = base64.b64decode((bare + padding).encode("ascii"), altchars=b"-_", validate=True).decode()
        except (ValueError, binascii.Error):
            text = ""
        if encode(text) == bare:  # each identifier has one address: the last character's unused bits are 0
            return text
    raise TwinRequestUnfit(f"the {what} {encoded[:40]!r} is not base64url of UTF-8 text")


def meant_by(text: str) -> str:
    """The identifier that a semantic id means: the text itself, or the last key of a Reference in JSON.

    Raises:
        TwinRequestUnfit: it is JSON, and no Reference.
    """
    if not text.lstrip().startswith("{"):
        return text
    said = _json_object(text)
    keys = said.get("keys")
    last = keys[-1] if isinstance(keys, list) and keys else None
    value = last.get("value") if isinstance(last, dict) else None
    if isinstance(value, str):
        return value
    raise TwinRequestUnfit("the semantic id is JSON without keys; expected an identifier, or a Reference")


def _json_object(text: str) -> dict[str, Any]:
    """The JSON object of a text; an empty one where it holds none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True)
class AssetIdFilter:
    """One asset id that shells are looked for by.

    Attributes:
        name: `globalAssetId`, or the name of a specific asset id.
        value: the id.
    """

    name: str
    value: str

    @classmethod
    def parse(cls, encoded: str) -> Self:
        """Read base64url of `{"name": ..., "value": ...}`.

        Raises:
            TwinRequestUnfit: it is something else.
        """
        said = _json_object(decode(encoded, what="asset id"))
        name, value = said.get("name"), said.get("value")
        if isinstance(name, str) and isinstance(value, str):
            return cls(name, value)
        raise TwinRequestUnfit('an asset id is not a JSON object such as {"name": "globalAssetId", "value": "urn:..."}')
