"""Releases: model packages, verified before anything of them is used."""

from lineside.inspection.release.canary import CANARY_IOU, DetectsDefects, run_canary
from lineside.inspection.release.manifest import (
    INT8_MODEL_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    Manifest,
    manifest_json_schema,
    parse_manifest,
)
from lineside.inspection.release.reading import read_release, starter_release_folder
from lineside.inspection.release.record import CanaryDefect, CanaryFrame, InputKind, Release

__all__ = [
    "CANARY_IOU",
    "INT8_MODEL_NAME",
    "MANIFEST_NAME",
    "MODEL_NAME",
    "CanaryDefect",
    "CanaryFrame",
    "DetectsDefects",
    "InputKind",
    "Manifest",
    "Release",
    "manifest_json_schema",
    "parse_manifest",
    "read_release",
    "run_canary",
    "starter_release_folder",
]
