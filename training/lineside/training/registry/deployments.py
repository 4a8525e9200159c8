"""The deployments of a registry: numbered without a gap by whoever comes, signed, never changed.

`deployments/<plant>/<serial>.json` is the document, `<serial>.sig.json` its signature. Creating the document takes the
serial: of two who try at once, one gets it and the other the next.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lineside.inspection.errors import DeploymentRefused, SignatureRefused
from lineside.inspection.release import DEPLOYMENT_SCHEMA, Deployment, Role, Signature, SigningKey, TrustStore
from lineside.inspection.release.signatures import verify_signature
from lineside.training.errors import PromotionRefused, RegistryDamaged
from lineside.training.registry.storage import Storage

_SERIAL = re.compile(r"([0-9]{8,})\.json")
_PLANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MOST_TRIES = 1000


@dataclass(frozen=True, slots=True)
class SignedDeployment:
    """A deployment with the exact bytes that a server verifies.

    Attributes:
        deployment: what it says.
        document: canonical JSON.
        signature: content of its signature file.
    """

    deployment: Deployment
    document: bytes
    signature: bytes


class DeploymentLog:
    """The deployments of one plant.

    Args:
        storage: of the registry.
        plant: as the server's settings name it.

    Raises:
        RegistryDamaged: a plant cannot be called so here.
    """

    def __init__(self, storage: Storage, plant: str) -> None:
        if not _PLANT.fullmatch(plant):
            raise RegistryDamaged(f"plant {plant!r} names a folder here: expected letters, digits, '.', '_' and '-'")
        self.plant = plant
        self._storage = storage
        self._folder = f"deployments/{plant}"

    def serials(self) -> tuple[int, ...]:
        """All that are taken, in order; of one whose maker was killed there may be no signature."""
        found = (_SERIAL.fullmatch(name) for name in self._storage.names(self._folder))
        return tuple(sorted(int(match[1]) for match in found if match))

    def append(self, make: Callable[[int, int | None], Deployment], key: SigningKey) -> SignedDeployment:
        """Sign a deployment under the next serial.

        Args:
            make: gives the deployment of a serial and its previous one.
            key: the deploy key.

        Raises:
            PromotionRefused: a server could not read it, so that it takes no serial.
            StoreUnwritable: the registry cannot be written.
        """
        for _ in range(_MOST_TRIES):
            taken = self.serials()
            previous = taken[-1] if taken else None
            deployment = make((previous or 0) + 1, previous)
            document = _readable(deployment)
            path = self._path(deployment.serial)
            if self._storage.create(f"{path}.json", document):
                signature = key.sign(document, schema=DEPLOYMENT_SCHEMA)
                self._storage.create(f"{path}.sig.json", signature)
                return SignedDeployment(deployment, document, signature)
        raise RegistryDamaged(f"no serial to be had in {self._folder} after {_MOST_TRIES} tries; try again")

    def read(self, serial: int) -> SignedDeployment | None:
        """One deployment; None if it was never signed.

        Raises:
            RegistryDamaged: it is no deployment.
        """
        path = self._path(serial)
        document, signature = self._storage.read(f"{path}.json"), self._storage.read(f"{path}.sig.json")
        if document is None or signature is None:
            return None
        try:
            return SignedDeployment(Deployment.from_bytes(document), document, signature)
        except DeploymentRefused as error:
            raise RegistryDamaged(f"{path}.json: {error}") from error

    def require(self, serial: int) -> SignedDeployment:
        """One deployment that must be there.

        Raises:
            RegistryDamaged: it is not, or is no deployment.
        """
        found = self.read(serial)
        if found is None:
            raise RegistryDamaged(
                f"plant {self.plant!r} has no signed deployment {serial}; it has {self.serials()[-5:]}"
            )
        return found

    def verified(self, trust: TrustStore) -> Iterator[Deployment]:
        """Every deployment that a trusted deploy key signed at its time, in order.

        Those of a revoked key are passed over: servers follow them no more either, and the theft of a key must not
        stand in the way of a rollback.

        Raises:
            RegistryDamaged: one is not signed by such a key, or is of another plant or serial than its file's: a
                registry that others can write to may not decide what is signed next.
        """
        revoked = {key.key_id for key in trust.keys if key.is_revoked}
        for serial in self.serials():
            found = self.read(serial)
            if found is None:
                continue
            deployment = found.deployment
            try:
                if Signature.from_bytes(found.signature).key_id in revoked:
                    continue
                verify_signature(
                    found.document,
                    found.signature,
                    trust,
                    schema=DEPLOYMENT_SCHEMA,
                    role=Role.DEPLOY,
                    now=deployment.issued_at,
                )
            except SignatureRefused as error:
                raise RegistryDamaged(f"{self._path(serial)}.json cannot be relied on: {error}") from error
            if (deployment.plant, deployment.serial) != (self.plant, serial):
                raise RegistryDamaged(
                    f"{self._path(serial)}.json holds deployment {deployment.serial} of plant {deployment.plant!r}"
                )
            yield deployment

    def _path(self, serial: int) -> str:
        return f"{self._folder}/{serial:08d}"


def _readable(deployment: Deployment) -> bytes:
    """The document as every reader takes it: one that none can read would stop all that read the log."""
    document = deployment.to_bytes()
    try:
        Deployment.from_bytes(document)
    except DeploymentRefused as error:
        raise PromotionRefused(f"servers would refuse it: {error}") from error
    return document
