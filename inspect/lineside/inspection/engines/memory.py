"""The remembered engine choice: a small JSON file, believed only when it is whole and still applies."""

import contextlib
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lineside.inspection.engines.agreement import Tolerance
from lineside.inspection.engines.base import EngineChoice

_FORMAT = 1  # raise it when the way of measuring changes


def circumstances(release_digest: str, candidates: Sequence[str], threads: int, tolerance: Tolerance) -> str:
    """A digest of everything that a measurement depends on.

    Args:
        release_digest: of the release whose model is timed.
        candidates: engines that take part.
        threads: cores that they use.
        tolerance: how far they may differ from the reference.

    Returns:
        Lowercase hex SHA-256; another processor, library version or argument gives another one.
    """
    facts = {
        "format": _FORMAT,
        "release": release_digest,
        "candidates": list(candidates),
        "threads": threads,
        "tolerance": asdict(tolerance),
        "processor": _processor(),
        "libraries": {name: _version(name) for name in ("onnxruntime", "openvino", "numpy")},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class ChoiceMemory:
    """The choice made under given circumstances.

    Args:
        folder: made if need be.
        circumstances_digest: of `circumstances`.
    """

    def __init__(self, folder: Path, circumstances_digest: str) -> None:
        self._path = folder / f"engine-{circumstances_digest[:32]}.json"
        self._digest = circumstances_digest

    def recall(self) -> EngineChoice | None:
        """The remembered choice; None if there is none or the file is damaged."""
        try:
            document = json.loads(self._path.read_bytes())
            body = document["choice"]
            if document["sha256"] != self._seal(body):
                return None
            lone_ms = {str(name): float(value) for name, value in body["lone_ms"].items()}
            refused = {str(name): str(reason) for name, reason in body["refused"].items()}
            choice = EngineChoice(str(body["name"]), int(body["threads"]), lone_ms, refused, is_remembered=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None  # unreadable or not ours: measuring again is always right
        if choice.name not in lone_ms or not all(math.isfinite(value) for value in lone_ms.values()):
            return None
        return choice

    def keep(self, choice: EngineChoice) -> None:
        """Write the choice, whole or not at all. A folder that cannot be written costs a measurement, no more."""
        body = {
            "name": choice.name,
            "threads": choice.threads,
            "lone_ms": dict(choice.lone_ms),
            "refused": dict(choice.refused),
        }
        text = json.dumps({"sha256": self._seal(body), "choice": body}, indent=1)
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, suffix=".tmp", delete=False) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._path)

    def _seal(self, body: object) -> str:
        """Ties the content to the circumstances, so that a damaged or renamed file is noticed."""
        return hashlib.sha256((self._digest + json.dumps(body, sort_keys=True)).encode()).hexdigest()


def _processor() -> str:
    """Model and instruction sets of the processor, as far as the system tells."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        named = {key.strip(): value.strip() for key, value in told.items()}
        return " | ".join(named.get(key, "") for key in ("model name", "model", "stepping", "flags", "Features"))
    return f"{platform.machine()} {platform.processor()}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
