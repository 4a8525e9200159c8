"""`verification`: what a server does before it loads a release: signatures, every file, the model's graph."""

import os
import shutil
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import (
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    MODEL_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    ReleaseReference,
    Role,
    SigningKey,
    TrustStore,
    parse_manifest,
    read_manifest,
    starter_release_folder,
    verify_deployment,
    verify_release,
)
from lineside.inspection.release.reading import read_files
from lineside.inspection.release.signatures import verify_signature

STARTER = "pcb-reference"
PACKAGE_BYTES = 12 * 2**20
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def measure(options: Options) -> Report:
    """Verify a signed package of 12 MiB, over and over, and its parts apart."""
    build, deploy = SigningKey.generate(Role.BUILD), SigningKey.generate(Role.DEPLOY)
    trust = TrustStore([build.public, deploy.public])
    folder = _package(options.folder / "release", build)
    manifest, signature = ((folder / name).read_bytes() for name in (MANIFEST_NAME, SIGNATURE_NAME))
    model = (folder / MODEL_NAME).read_bytes()
    files = [path for path in folder.rglob("*") if path.is_file()]
    document = _deployment(manifest).to_bytes()
    document_signature = deploy.sign(document, schema=DEPLOYMENT_SCHEMA)

    def check_signature() -> object:
        return verify_signature(manifest, signature, trust, schema=RELEASE_SCHEMA, role=Role.BUILD, now=_NOW)

    def check_package() -> object:
        text = read_manifest(folder)
        verify_signature(text, signature, trust, schema=RELEASE_SCHEMA, role=Role.BUILD, now=_NOW)
        parse_canonical_json(text)
        return read_files(folder, text)

    def follow() -> object:
        return verify_deployment(document, document_signature, trust, plant="plant", now=_NOW, highest_serial=0)

    stages: dict[str, Callable[[], object]] = {
        "a signed package: signatures, manifest, every file": check_package,
        "of it: Ed25519 and ML-DSA-65": check_signature,
        "verified and ready to load (verify_release)": lambda: verify_release(folder, trust, now=_NOW),
        "of it: the model's graph, checked and given uint8 input": lambda: read_model_graph(model),
        "a signed deployment (verify_deployment)": follow,
    }
    rounds = options.some(60, 5)
    size_bytes = sum(path.stat().st_size for path in files)
    options.say(f"verification: {rounds} rounds of {size_bytes / 2**20:.1f} MiB in {len(files)} files")
    taken_ms: dict[str, list[float]] = {name: [] for name in stages}
    processor_ms: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(rounds):
        for name, stage in stages.items():
            began_s, began_processor_s = time.perf_counter(), time.thread_time()
            stage()
            processor_ms[name].append((time.thread_time() - began_processor_s) * 1000)
            taken_ms[name].append((time.perf_counter() - began_s) * 1000)
    rows = [
        (name, *(milliseconds(value) for value in (statistics.median(values), min(values), max(values), processor)))
        for name, values in taken_ms.items()
        for processor in [statistics.median(processor_ms[name])]
    ]
    table = Table(
        f"Verifying a signed release of {size_bytes / 2**20:.1f} MiB, ms ({rounds} rounds, files in the page cache)",
        ("what", "median", "lowest", "highest", "processor"),
        rows,
        (
            f"the {STARTER} starter, filled up with random bytes to 12 MiB; what is not named is the canary frames",
            "processor: median time of the processor itself, which other work on the host does not lengthen",
        ),
    )
    figures: dict[str, Any] = {
        "size_bytes": size_bytes,
        "rounds": rounds,
        "median_ms": {name: statistics.median(values) for name, values in taken_ms.items()},
        "processor_median_ms": {name: statistics.median(values) for name, values in processor_ms.items()},
        "package_median_ms": statistics.median(next(iter(taken_ms.values()))),
    }
    return Report((table,), figures)


def _package(folder: Path, key: SigningKey) -> Path:
    """A starter, filled up to the size and signed."""
    shutil.copytree(starter_release_folder(STARTER), folder)
    present = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    filling = os.urandom(max(0, PACKAGE_BYTES - present))
    (folder / "filling.bin").write_bytes(filling)
    manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes(), source=STARTER).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    manifest["files"]["filling.bin"] = {"sha256": sha256(filling).hexdigest(), "size_bytes": len(filling)}
    text = canonical_json(manifest).encode()
    (folder / MANIFEST_NAME).write_bytes(text)
    (folder / SIGNATURE_NAME).write_bytes(key.sign(text, schema=RELEASE_SCHEMA))
    return folder


def _deployment(manifest: bytes) -> Deployment:
    return Deployment(
        serial=1,
        plant="plant",
        lines=("line-1",),
        products=("*",),
        mode=DeploymentMode.LIVE,
        share=1.0,
        unit=None,
        release=ReleaseReference(STARTER, "1.0.0", sha256(manifest).hexdigest()),
        issued_at=_NOW,
        expires_at=_NOW + timedelta(days=30),
        gate=None,
        cause=DeploymentCause.ROLLBACK,
        previous_serial=None,
    )
