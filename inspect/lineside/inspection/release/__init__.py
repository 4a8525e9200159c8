"""Releases: model packages, verified before anything of them is used; and the deployments that let them run."""

from lineside.inspection.release.canary import CANARY_IOU, DetectsDefects, run_canary
from lineside.inspection.release.deployment import (
    DEPLOYMENT_SCHEMA,
    EVERYWHERE,
    CanaryUnit,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    GateOverride,
    ReleaseReference,
)
from lineside.inspection.release.instants import read_instant, write_instant
from lineside.inspection.release.manifest import (
    INT8_MODEL_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    SIGNATURE_NAME,
    Manifest,
    manifest_json_schema,
    parse_manifest,
)
from lineside.inspection.release.manifest import SCHEMA as RELEASE_SCHEMA
from lineside.inspection.release.reading import read_manifest, read_release, starter_release_folder
from lineside.inspection.release.record import CanaryDefect, CanaryFrame, InputKind, Release
from lineside.inspection.release.signatures import SIGNATURE_SCHEMA, Signature
from lineside.inspection.release.signing import SigningKey
from lineside.inspection.release.trust import TRUST_SCHEMA, Role, TrustedKey, TrustStore
from lineside.inspection.release.verification import CLOCK_LEEWAY, verify_deployment, verify_release

__all__ = [
    "CANARY_IOU",
    "CLOCK_LEEWAY",
    "DEPLOYMENT_SCHEMA",
    "EVERYWHERE",
    "INT8_MODEL_NAME",
    "MANIFEST_NAME",
    "MODEL_NAME",
    "RELEASE_SCHEMA",
    "SIGNATURE_NAME",
    "SIGNATURE_SCHEMA",
    "TRUST_SCHEMA",
    "CanaryDefect",
    "CanaryFrame",
    "CanaryUnit",
    "Deployment",
    "DeploymentCause",
    "DeploymentMode",
    "DetectsDefects",
    "GateEvidence",
    "GateOverride",
    "InputKind",
    "Manifest",
    "Release",
    "ReleaseReference",
    "Role",
    "Signature",
    "SigningKey",
    "TrustStore",
    "TrustedKey",
    "manifest_json_schema",
    "parse_manifest",
    "read_instant",
    "read_manifest",
    "read_release",
    "run_canary",
    "starter_release_folder",
    "verify_deployment",
    "verify_release",
    "write_instant",
]
