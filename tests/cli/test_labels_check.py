"""`lineside labels check` as a person calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tiny_revision import store_in, tiny_revision

pytestmark = pytest.mark.training

Lineside = Callable[..., Any]
TINY = (
    *("--kind", "reference", "--from", "scratch", "--epochs", 1, "--image-px", 64, "--input-px", 128),
    *("--crops-per-image", 2, "--device", "cpu", "--share", 1),
)


def test_a_check_writes_a_page_and_prints_what_is_in_doubt(
    lineside: Lineside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.training.ultralytics_adapter.available_threads", lambda: 1)
    revision = tiny_revision(store_in(tmp_path / "store"), train=5, val=2)
    words = ("labels", "check", revision.id[:10], "--store", tmp_path / "store", "--out", tmp_path / "check", *TINY)
    ran = lineside(*words)
    assert ran.code == 0, ran.err
    assert f"of 7 images have labels in doubt: {tmp_path / 'check' / 'labels.html'}" in ran.err
    page = (tmp_path / "check" / "labels.html").read_text("utf-8")
    assert revision.id in page

    again = lineside(*words, "--json")
    assert again.code == 0, again.err
    assert "learning" in again.err
    assert "training on" not in again.err, "what is trained is not trained again"
    found = json.loads(again.out)
    assert (found["revision"], found["checked"]) == (revision.id, 7)
    assert found == json.loads((tmp_path / "check" / "labels.json").read_bytes())


def test_sending_back_needs_to_know_where(lineside: Lineside, tmp_path: Path) -> None:
    ran = lineside("labels", "check", "0123", "--out", tmp_path / "check", "--project", "boards")
    assert ran.code == 2
    assert "--server and --api-key" in ran.err
