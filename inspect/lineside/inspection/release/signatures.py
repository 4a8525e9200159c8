"""Hybrid signatures: Ed25519 and ML-DSA-65 (FIPS 204) over the same bytes, of which both must verify.

Whoever breaks one of the two algorithms, or steals one of the two keys, has no signature yet. The signed bytes begin
with the schema of what is signed, so that a signature of one kind of document never stands under another.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.inspection.errors import SignatureRefused
from lineside.inspection.release.trust import Role, TrustStore, decode_base64

SIGNATURE_SCHEMA = "lineside.signature/1"
MAX_SIGNATURE_BYTES = 8192
ED25519_SIGNATURE_BYTES = 64
ML_DSA_65_SIGNATURE_BYTES = 3309  # FIPS 204, table 2


def signed_bytes(document: bytes, *, schema: str) -> bytes:
    """What is actually signed: the schema, a zero byte, the document.

    Args:
        document: canonical JSON.
        schema: of the document, e.g. "lineside.release/1".
    """
    return schema.encode() + b"\0" + document


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature file.

    Attributes:
        key_id: names the key in the trust file.
        role: as which it was signed.
        ed25519: 64 bytes.
        ml_dsa_65: 3309 bytes.
    """

    key_id: str
    role: Role
    ed25519: bytes
    ml_dsa_65: bytes

    def to_bytes(self) -> bytes:
        """The signature file's content, canonical JSON."""
        return canonical_json(
            {
                "schema": SIGNATURE_SCHEMA,
                "key_id": self.key_id,
                "role": self.role.value,
                "ed25519": base64.b64encode(self.ed25519).decode(),
                "ml_dsa_65": base64.b64encode(self.ml_dsa_65).decode(),
            }
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Signature":
        """Read a signature file.

        Raises:
            SignatureRefused: it is none of this schema, or not in its canonical spelling.
        """
        if len(content) > MAX_SIGNATURE_BYTES:
            raise SignatureRefused(f"a signature of {len(content)} bytes, expected {MAX_SIGNATURE_BYTES} at most")
        try:
            parse_canonical_json(content)
            file = _SignatureFile.model_validate_json(content)
            ed25519, ml_dsa_65 = decode_base64(file.ed25519), decode_base64(file.ml_dsa_65)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise SignatureRefused(f"the signature is none of {SIGNATURE_SCHEMA}: {where}: {first['msg']}") from error
        except ValueError as error:
            raise SignatureRefused(f"the signature cannot be read: {error}") from error
        return cls(file.key_id, file.role, ed25519, ml_dsa_65)


def verify_signature(
    document: bytes, signature: bytes, trust: TrustStore, *, schema: str, role: Role, now: datetime
) -> str:
    """Check that a trusted key of a role signed a document.

    Args:
        document: the exact bytes that were signed. They are not looked into here.
        signature: the signature file's content.
        trust: the keys that count.
        schema: of the document.
        role: who may sign such a document.
        now: aware.

    Returns:
        The id of the key.

    Raises:
        SignatureRefused: in every other case.
    """
    found = Signature.from_bytes(signature)
    if found.role is not role:
        raise SignatureRefused(f"signed in the role {found.role.value!r}, expected {role.value!r}")
    key = trust.key_of(found.key_id, role=role, now=now)
    message = signed_bytes(document, schema=schema)
    try:
        Ed25519PublicKey.from_public_bytes(key.ed25519).verify(found.ed25519, message)
    except InvalidSignature as error:
        raise SignatureRefused(f"the Ed25519 signature is not that of key {found.key_id}") from error
    try:
        MLDSA65PublicKey.from_public_bytes(key.ml_dsa_65).verify(found.ml_dsa_65, message)
    except InvalidSignature as error:
        raise SignatureRefused(f"the ML-DSA-65 signature is not that of key {found.key_id}") from error
    return found.key_id


class _SignatureFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_name: Annotated[Literal["lineside.signature/1"], Field(alias="schema")]
    key_id: str
    role: Role
    ed25519: str
    ml_dsa_65: str
