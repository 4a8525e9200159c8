"""Where programs keep what is theirs, by the XDG base directory specification."""

import os
from collections.abc import Mapping
from pathlib import Path


def engine_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the engine choice of this host is remembered between runs."""
    return _base(environment, "XDG_CACHE_HOME", ".cache") / "lineside" / "engines"


def demo_data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the demonstration keeps its data when it is not told otherwise."""
    return _base(environment, "XDG_STATE_HOME", ".local/state") / "lineside" / "demo"


def label_studio_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Label Studio's environment is kept: LINESIDE_LABEL_STUDIO_DIR, else below the user's cache."""
    named = environment.get("LINESIDE_LABEL_STUDIO_DIR")
    return Path(named).absolute() if named else _base(environment, "XDG_CACHE_HOME", ".cache") / "lineside/label-studio"


def label_workplace_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where programs that work on labelling projects find each other."""
    return _base(environment, "XDG_STATE_HOME", ".local/state") / "lineside" / "labels"


def _base(environment: Mapping[str, str], variable: str, below_home: str) -> Path:
    """The variable's folder; the specification has relative ones ignored."""
    named = Path(environment.get(variable, ""))
    return named if named.is_absolute() else Path.home() / below_home
