"""What the figures were measured on: processor, memory, versions, commit."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # ships no type information

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""Those that decide how fast an engine is."""

_PACKAGES = (
    "lineside",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "openvino",
    "fastapi",
    "uvicorn",
    "ultralytics",
    "torch",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The host and the software of a run.

    Attributes:
        processor: its model name.
        cores: those that this process may use.
        flags: of the processor, those that matter here.
        memory_gib: of the host.
        system: kernel and Python.
        versions: of the packages that take part.
        commit: of the working tree, with "+" where it has changes.
        load_1min: the host's load average before the run; above the own share it means that others were busy.
    """

    processor: str
    cores: int
    flags: tuple[str, ...]
    memory_gib: float
    system: str
    versions: dict[str, str]
    commit: str
    load_1min: float

    def as_json(self) -> dict[str, Any]:
        """The record for `--json`."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The record for people."""
        flags = ", ".join(self.flags) or "none of the flags looked for"
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return [
            f"{self.processor}, {self.cores} cores ({flags}), {self.memory_gib:.0f} GiB; load {self.load_1min:.1f}",
            f"{self.system}; {versions}",
            f"commit {self.commit}",
        ]


def describe_machine(root: Path) -> Machine:
    """Look at the host; `root` is the repository."""
    model, flags = _processor()
    return Machine(
        processor=model,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        flags=tuple(flag for flag in _FLAGS if flag in flags),
        memory_gib=psutil.virtual_memory().total / 2**30,
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        versions={name: number for name in _PACKAGES if (number := _version(name)) is not None},
        commit=_commit(root),
        load_1min=os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
    )


def _processor() -> tuple[str, frozenset[str]]:
    """Model name and flags, as Linux tells them; elsewhere what `platform` knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return told.get("model name", platform.machine()), frozenset(told.get("flags", "").split())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit(root: Path) -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = bool(git("status", "--porcelain", "--untracked-files=no"))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
