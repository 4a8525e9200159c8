"""Label Studio's own virtual environment: its pins fit no program beside it, ours included."""

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

from lineside.workflows.errors import LabelServerNotInstalled
from lineside.workflows.folders import label_studio_folder
from lineside.workflows.label_server.built_once import built_once

LABEL_STUDIO_VERSION = "1.23.2"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")

_LAST_LINES = 6


def label_studio_python(
    *, wheels: Path | None = None, base: Path | None = None, say: Callable[[str], None] = lambda _line: None
) -> Path:
    """The Python interpreter of an environment that has Label Studio; installed once, which takes minutes.

    The environment is kept below the user's cache, or where LINESIDE_LABEL_STUDIO_DIR points; its name says the
    version, the interpreter and the pins, so that a change of any makes a new one.

    Args:
        wheels: folder of wheels to install from, for a plant without internet; None asks the package index.
        base: keep environments there instead.
        say: told what takes long.

    Raises:
        LabelServerNotInstalled: pip could not install it.
    """
    requirement = f"label-studio=={LABEL_STUDIO_VERSION}"

    def build(folder: Path) -> None:
        say(f"installing {requirement} in {folder}: 1 GB, takes some minutes, once")
        _install(folder, requirement, wheels)

    folder = built_once(
        label_studio_folder() if base is None else base,
        _environment_name(),
        build,
        on_wait=lambda who: say(f"{who or 'another program'} is installing {requirement}; waiting for it"),
    )
    return _python(folder)


def _environment_name() -> str:
    pins = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()[:8]
    return f"server-{LABEL_STUDIO_VERSION}-py{sys.version_info.major}.{sys.version_info.minor}-{pins}"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(folder: Path, requirement: str, wheels: Path | None) -> None:
    if wheels is not None and not wheels.is_dir():
        raise LabelServerNotInstalled(f"{wheels} is no folder; expected the wheels of {requirement} in it")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(folder)
    source = [] if wheels is None else ["--no-index", "--find-links", str(wheels.absolute())]
    command = [
        *(str(_python(folder)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"),
        *(*source, "--constraint", str(CONSTRAINTS), requirement),
    ]
    done = subprocess.run(  # noqa: S603 - our own interpreter and pins
        command, env=_pip_environment(os.environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = " | ".join(done.stderr.strip().splitlines()[-_LAST_LINES:]) or "nothing"
        where = "the package index" if wheels is None else f"the wheels in {wheels}"
        raise LabelServerNotInstalled(
            f"pip could not install {requirement} from {where}: {said}. Without internet: on a machine that has it run "
            f"`pip wheel --wheel-dir DIR --constraint {CONSTRAINTS} {requirement}` with this Python "
            f"({sys.version_info.major}.{sys.version_info.minor}), carry DIR here, and name it with --wheels"
        )


def _pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's variables, with the index and proxy that a person set, but without pins of another project."""
    unfit = {"PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_USER", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in environment.items() if name not in unfit}
