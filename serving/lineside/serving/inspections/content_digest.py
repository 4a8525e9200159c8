"""The Content-Digest header (RFC 9530): does the body match what its sender hashed?"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field

from lineside.serving.errors import DigestMismatch, DigestMissing, DigestUnreadable

# RFC 9530 takes a structured-field dictionary; only these two algorithms are "active" in its registry.
_ENTRY = re.compile(r"\s*([a-z0-9-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*")
_HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class CheckedBody:
    """A body that is what its sender hashed, as far as the sender said.

    Attributes:
        content: the bytes.
        digest: their SHA-256 as lowercase hex.
        is_intact: whether there was a digest to compare with.
    """

    content: bytes = field(repr=False)
    digest: str
    is_intact: bool


def check_content_digest(body: bytes, header: str | None, *, required: bool) -> CheckedBody:
    """Compare a body with its Content-Digest header.

    Args:
        body: the body as received.
        header: the header's value, None if absent.
        required: whether an absent header is an error.

    Raises:
        DigestMissing: absent though required.
        DigestUnreadable: no digest in the header that this server can check.
        DigestMismatch: the body is not what its sender hashed.
    """
    sha256 = hashlib.sha256(body)
    if header is None:
        if required:
            raise DigestMissing("the request has no Content-Digest; send `Content-Digest: sha-256=:<base64>:`")
        return CheckedBody(body, sha256.hexdigest(), is_intact=False)
    checked = 0
    for entry in header.split(","):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise DigestUnreadable(f"Content-Digest {header[:120]!r} is not of the form `sha-256=:<base64>:`")
        algorithm, value = match.groups()
        if algorithm not in _HASHES:
            continue
        try:
            claimed = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise DigestUnreadable(f"Content-Digest {algorithm} is not base64: {error}") from error
        actual = sha256.digest() if algorithm == "sha-256" else hashlib.sha512(body).digest()
        if claimed != actual:
            raise DigestMismatch(
                f"the body's {algorithm} is {base64.b64encode(actual).decode()}, its Content-Digest says "
                f"{value}: it changed on its way; send it again"
            )
        checked += 1
    if checked == 0:
        raise DigestUnreadable(f"Content-Digest {header[:120]!r} has neither sha-256 nor sha-512; send one of them")
    return CheckedBody(body, sha256.hexdigest(), is_intact=True)
