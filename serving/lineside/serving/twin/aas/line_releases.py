"""The model releases that judge parts of a line: those in memory, with their manifests and deployments."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from lineside.inspection.release import MANIFEST_NAME
from lineside.serving.certificates.book import CertificateBook, ThresholdStatus
from lineside.serving.certificates.standing import standing_now
from lineside.serving.deployments.assignment import ref_of
from lineside.serving.deployments.book import DeploymentRecord, Scope
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.errors import UnknownRelease
from lineside.serving.releases import Purpose, ReleaseShelf
from lineside.serving.releases.leases import LoadedRelease
from lineside.serving.releases.shelf import ReleaseRef
from lineside.serving.twin.aas.facts import ReleaseFact


def read_line_releases(
    line: str,
    *,
    deployments: DeploymentService,
    releases: ReleaseShelf,
    certificates: CertificateBook,
    now: datetime,
) -> tuple[ReleaseFact, ...]:
    """Each release that judges there, by name and digest; one that is not in memory judges nothing. Reads files.

    Args:
        line: of the plant.
        deployments: who judges where.
        releases: those in memory.
        certificates: what the thresholds rest on.
        now: aware UTC instant, for expiry.
    """
    standing = {
        (row.product, row.release_name, row.release_digest): row.threshold_status
        for row in standing_now(deployments, releases, certificates, now=now, line=line).items
    }
    found: dict[str, ReleaseFact] = {}
    for scope, stored in deployments.scopes():
        if scope.line != line:
            continue
        for key in deployments.keys_for(stored, line):
            loaded = releases.loaded(key.ref) if key.purpose is Purpose.JUDGE else None
            content = None if loaded is None else _manifest(releases, key.ref, loaded)
            if loaded is None or content is None:
                continue
            status = standing.get((scope.product, scope.release_name, loaded.release.digest))
            fact = _fact(scope, loaded, content, _deployed(deployments, scope, key.ref), status)
            known = found.get(fact.digest)
            products = {scope.product, *(() if known is None else known.products)}
            found[fact.digest] = replace(fact, products=tuple(sorted(products)))
    return tuple(sorted(found.values(), key=lambda fact: (fact.name, fact.digest)))


def _manifest(releases: ReleaseShelf, ref: ReleaseRef, loaded: LoadedRelease) -> bytes | None:
    """The manifest's bytes; None where they are no longer those that were verified."""
    try:
        content = (releases.folder_of(ref) / MANIFEST_NAME).read_bytes()
    except (UnknownRelease, OSError):
        return None
    return content if hashlib.sha256(content).hexdigest() == loaded.release.digest else None


def _deployed(deployments: DeploymentService, scope: Scope, ref: ReleaseRef) -> DeploymentRecord | None:
    decision = deployments.book.decide(scope)
    return next(
        (each for each in (decision.live, decision.candidate) if each is not None and ref_of(each) == ref), None
    )


def _fact(
    scope: Scope,
    loaded: LoadedRelease,
    content: bytes,
    deployed: DeploymentRecord | None,
    status: ThresholdStatus | None,
) -> ReleaseFact:
    release = loaded.release
    return ReleaseFact(
        name=release.name,
        version=release.version,
        digest=release.digest,
        products=(scope.product,),
        manifest=json.loads(content),
        manifest_bytes=content,
        deployment_id=None if deployed is None else deployed.id,
        deployment_serial=None if deployed is None else deployed.serial,
        deployed_at=None if deployed is None else deployed.accepted_at,
        engine=loaded.detector.engine_name,
        threshold_status=(status or ThresholdStatus.UNCERTIFIED).value,
    )
