"""Programs of others from npm that read what Lineside publishes: installed once, outside the tree, as locked."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lineside.workflows.label_server import built_once
from proofs import missing

_HERE = Path(__file__).parent / "node"
_PATIENCE_S = 600.0


def node_environment() -> Mapping[str, str]:
    """The environment in which `node` finds the packages of `tests/support/node/package.json`.

    The first call on a machine installs them, a few seconds from the registry that npm is set to. Scripts must be
    CommonJS: `require` heeds NODE_PATH, `import` does not.
    """
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is None or npm is None:
        missing("node and npm are not installed: they run the programs of others that read our messages")
    lock = (_HERE / "package-lock.json").read_bytes()
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineside" / "node-packages"

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(_HERE / name, folder / name)
        command = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        if done.returncode != 0:
            missing(f"npm could not install {_HERE / 'package.json'}: {done.stderr[-2000:]}")

    folder = built_once(base, f"packages-{hashlib.sha256(lock).hexdigest()[:16]}", install)
    return {**os.environ, "NODE_PATH": str(folder / "node_modules")}
