"""The page about cameras against the code."""

import re
from pathlib import Path

import pytest

from lineside.inspection.file_models import SourceFile
from lineside.station import cameras
from lineside.station.cameras import CAMERA_KINDS, CameraMisconfigured, CameraSettings, ReplaySettings, parse_cameras

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cameras.md").read_text(encoding="utf-8")
NAMED = frozenset(re.findall(r"`([a-z_]+)`", PAGE))


def test_the_cameras_that_are_shown_can_be_used_and_every_kind_is_shown() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found = parse_cameras(SourceFile(shown, source="cameras.md", error=CameraMisconfigured))
    assert sorted(settings.kind for settings in found.values()) == sorted(CAMERA_KINDS)


@pytest.mark.parametrize("kind", CAMERA_KINDS)
def test_every_key_is_named_in_its_kinds_row_or_among_those_that_kinds_share(kind: str) -> None:
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", PAGE, re.MULTILINE)
    own = set(re.findall(r"`([a-z_]+)`", row.split("|")[3]))
    model = CAMERA_KINDS[kind].settings
    shared = set(ReplaySettings.model_fields if issubclass(model, ReplaySettings) else CameraSettings.model_fields)
    assert own <= set(model.model_fields)
    if issubclass(model, ReplaySettings):
        assert set(model.model_fields) - shared == own
    assert set(model.model_fields) <= NAMED


def test_no_error_is_named_that_there_is_not() -> None:
    named = set(re.findall(r"`(Camera[A-Z]\w+|FrameBroken|WrongPixelFormat)`", PAGE))
    assert len(named) >= 7
    assert all(issubclass(getattr(cameras, name), cameras.CameraError) for name in named)


def test_the_example_runs_and_finds_defects(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "cameras.md", "exec"), {})  # noqa: S102 - it is ours
    assert re.fullmatch(r"V-000003 \['[a-z-]+'.*\]\n", capsys.readouterr().out)
