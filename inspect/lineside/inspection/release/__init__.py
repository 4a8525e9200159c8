"""Releases: model packages, verified before anything of them is used; and the deployments that let them run."""

from lineside.inspection.release.canary import CANARY_IOU, DetectsDefects, run_canary
from lineside.inspection.release.certificates import (
    ANY_DEFECT,
    CERTIFICATE_SCHEMA,
    CalibrationData,
    Certificate,
    CertifiedScope,
    Sampling,
    verify_certificate,
)
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
    "ANY_DEFECT",
    "CANARY_IOU",
    "CERTIFICATE_SCHEMA",
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
    "CalibrationData",
    "CanaryDefect",
    "CanaryFrame",
    "CanaryUnit",
    "Certificate",
    "CertifiedScope",
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
    "Sampling",
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
    "verify_certificate",
    "verify_deployment",
    "verify_release",
    "write_instant",
]
