"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest

from proofs import missing

_REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def deeppcb_root() -> Path:
    """The folder of real boards (DeepPCB); with CI=true its absence is a failure, not a skip."""
    root = Path(os.environ.get("LINESIDE_DEEPPCB", _REPOSITORY / ".." / "shared" / "data" / "deeppcb")).resolve()
    if not (root / "trainval.txt").is_file():
        missing(f"no real boards at {root}; set LINESIDE_DEEPPCB to a copy of DeepPCB")
    return root
