"""Making signing keys and signing with them. Nothing here runs on a line; the private keys stay with their people."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from lineside.inspection.errors import KeyFileRefused
from lineside.inspection.release.signatures import Signature, signed_bytes
from lineside.inspection.release.trust import Role, TrustedKey

_BEGIN = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of each algorithm, used together only.

    Attributes:
        role: what it may sign.
        ed25519: never shown.
        ml_dsa_65: never shown.
        not_after: end of its public half's validity, if it has one.
    """

    role: Role
    ed25519: Ed25519PrivateKey = field(repr=False)
    ml_dsa_65: MLDSA65PrivateKey = field(repr=False)
    not_after: datetime | None = None

    @classmethod
    def generate(cls, role: Role, *, not_after: datetime | None = None) -> "SigningKey":
        """Make a new key."""
        return cls(role, Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate(), not_after)

    @property
    def public(self) -> TrustedKey:
        """The public half, for the trust file."""
        return TrustedKey(
            role=self.role,
            ed25519=self.ed25519.public_key().public_bytes_raw(),
            ml_dsa_65=self.ml_dsa_65.public_key().public_bytes_raw(),
            not_after=self.not_after,
        )

    def sign(self, document: bytes, *, schema: str) -> bytes:
        """Sign a document.

        Args:
            document: canonical JSON; only its exact bytes verify.
            schema: of the document, e.g. "lineside.release/1".

        Returns:
            The content of the signature file that lies beside it.
        """
        message = signed_bytes(document, schema=schema)
        signature = Signature(self.public.key_id, self.role, self.ed25519.sign(message), self.ml_dsa_65.sign(message))
        return signature.to_bytes()

    def to_pem(self, passphrase: bytes | None) -> bytes:
        """Both private keys as PKCS#8 PEM, one after the other.

        Args:
            passphrase: encrypts them; None leaves them readable to whoever reads the file.
        """
        encryption = (
            serialization.BestAvailableEncryption(passphrase)
            if passphrase is not None
            else serialization.NoEncryption()
        )
        return b"".join(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
            for key in (self.ed25519, self.ml_dsa_65)
        )

    @classmethod
    def from_pem(cls, pem: bytes, role: Role, *, passphrase: bytes | None, source: str) -> "SigningKey":
        """Read a key file.

        Args:
            pem: as `to_pem` wrote it.
            role: what the key is to sign; the trust file decides whether it may.
            passphrase: of the file; None for a file without one.
            source: the file, for messages.

        Raises:
            KeyFileRefused: it is no such file, or the passphrase is wrong or missing.
        """
        pieces = [_BEGIN + piece for piece in pem.split(_BEGIN)[1:]]
        try:
            keys = [serialization.load_pem_private_key(piece, passphrase) for piece in pieces]
        except TypeError as error:
            wants = "it needs no passphrase" if passphrase is not None else "it needs its passphrase"
            raise KeyFileRefused(f"{source} cannot be opened: {wants}") from error
        except ValueError as error:
            raise KeyFileRefused(f"{source} cannot be opened: wrong passphrase, or no key file") from error
        match keys:
            case [Ed25519PrivateKey() as ed25519, MLDSA65PrivateKey() as ml_dsa_65]:
                return cls(role, ed25519, ml_dsa_65)
        raise KeyFileRefused(f"{source} holds {len(keys)} keys, expected one of Ed25519 and then one of ML-DSA-65")
