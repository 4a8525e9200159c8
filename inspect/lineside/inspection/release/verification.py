"""What stands before anything runs: a release signed by the build key, a deployment signed by the deploy key.

The signature is checked first, over the bytes as they came; nothing of them is believed, nor much of them parsed,
before. A server follows a release only where a deployment names its digest, so one stolen key puts nothing on a line.
"""

from datetime import datetime, timedelta
from pathlib import Path

from lineside.inspection.canonical_json import parse_canonical_json
from lineside.inspection.errors import DeploymentRefused, ReleaseUnverified, SignatureRefused
from lineside.inspection.model_graph import GraphLimits
from lineside.inspection.release.deployment import DEPLOYMENT_SCHEMA, Deployment
from lineside.inspection.release.manifest import SCHEMA, SIGNATURE_NAME
from lineside.inspection.release.reading import read_contents, read_file, read_manifest
from lineside.inspection.release.record import Release
from lineside.inspection.release.signatures import MAX_SIGNATURE_BYTES, verify_signature
from lineside.inspection.release.trust import Role, TrustStore

CLOCK_LEEWAY = timedelta(minutes=5)
"""How far the clock of whoever signs may run ahead of the server's."""


def verify_release(folder: Path, trust: TrustStore, *, now: datetime, limits: GraphLimits | None = None) -> Release:
    """Read a release that a build key signed.

    Args:
        folder: holds `manifest.json`, its signature, the files that the manifest names, and nothing else.
        trust: the keys that count.
        now: aware.
        limits: sizes past which the model is refused; the default ones if None.

    Returns:
        The release with its model and canary frames in memory; the folder is not needed afterwards.

    Raises:
        ReleaseUnverified: it is not signed by a trusted build key, its manifest is not canonical, or one of its files
            is not as the manifest says.
        NotADetector: the model is unsafe or no detector.
    """
    text = read_manifest(folder)
    signature = read_file(folder, SIGNATURE_NAME, most_bytes=MAX_SIGNATURE_BYTES)
    try:
        verify_signature(text, signature, trust, schema=SCHEMA, role=Role.BUILD, now=now)
    except SignatureRefused as error:
        raise ReleaseUnverified(f"{folder}: {error}") from error
    try:
        parse_canonical_json(text)
    except ValueError as error:
        raise ReleaseUnverified(f"{folder}: the signed manifest cannot be used: {error}") from error
    return read_contents(folder, text, limits=limits)


def verify_deployment(
    document: bytes, signature: bytes, trust: TrustStore, *, plant: str, now: datetime, highest_serial: int
) -> Deployment:
    """Read a deployment that a deploy key signed for this plant, and that comes after every earlier one.

    Args:
        document: the exact bytes that were signed.
        signature: the content of its signature file.
        trust: the keys that count.
        plant: whose server asks.
        now: aware.
        highest_serial: the highest serial this plant ever followed; 0 for none. To look again at one that is being
            followed, the highest below it.

    Returns:
        The deployment. Which lines and products it speaks of, its `covers` tells.

    Raises:
        DeploymentRefused: in every other case.
    """
    try:
        verify_signature(document, signature, trust, schema=DEPLOYMENT_SCHEMA, role=Role.DEPLOY, now=now)
    except SignatureRefused as error:
        raise DeploymentRefused(f"the deployment is not signed as it must be: {error}") from error
    deployment = Deployment.from_bytes(document)
    if deployment.plant != plant:
        raise DeploymentRefused(f"deployment {deployment.serial} is for plant {deployment.plant!r}, this is {plant!r}")
    if deployment.serial <= highest_serial:
        raise DeploymentRefused(
            f"deployment {deployment.serial} does not come after {highest_serial}, the highest that was followed here; "
            "to return to an earlier release, sign a rollback, which has a new serial"
        )
    if deployment.issued_at > now + CLOCK_LEEWAY:
        raise DeploymentRefused(
            f"deployment {deployment.serial} was issued at {deployment.issued_at:%Y-%m-%d %H:%M:%S} UTC, which is "
            f"still to come (it is {now:%Y-%m-%d %H:%M:%S}); check both clocks"
        )
    if deployment.is_expired(now):
        raise DeploymentRefused(
            f"deployment {deployment.serial} expired at {deployment.expires_at:%Y-%m-%d %H:%M:%S} UTC; promote again"
        )
    return deployment
