"""Which cameras to try: those of a file, or one described on the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineside.inspection.file_models import SourceFile
from lineside.station.cameras import CameraMisconfigured, CameraSettings, parse_cameras


@dataclass(frozen=True, slots=True)
class Selected:
    """A camera to try.

    Attributes:
        name: its key in the file.
        settings: of its kind's own model.
        folder: where its relative paths begin.
    """

    name: str
    settings: CameraSettings
    folder: Path


def cameras_of_file(path: Path) -> tuple[Selected, ...]:
    """The `cameras` of a file; whatever else stands in it is passed over, so a station's file will do.

    Raises:
        CameraMisconfigured: it cannot be read, or says something unknown of its cameras; with key and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CameraMisconfigured(f"cannot read {path}: {error.strerror}; name a file with `cameras` in it") from error
    except UnicodeDecodeError as error:
        raise CameraMisconfigured(f"{path}: no UTF-8 text at byte {error.start}") from error
    found = parse_cameras(SourceFile(text, source=str(path), error=CameraMisconfigured))
    return _selected(found, path.parent.resolve())


def camera_of_file(path: Path, *, name: str | None) -> Selected:
    """One camera of a file.

    Args:
        path: the file.
        name: which; None where there is only one.

    Raises:
        CameraMisconfigured: the file cannot be used, there is no such camera, or there are several to choose from.
    """
    found = cameras_of_file(path)
    names = ", ".join(camera.name for camera in found)
    if name is None:
        if len(found) > 1:
            raise CameraMisconfigured(f"{path} has {len(found)} cameras; name one of {names}")
        return found[0]
    for camera in found:
        if camera.name == name:
            return camera
    raise CameraMisconfigured(f"{path} has no camera {name!r}; expected one of {names}")


def camera_of_words(kind: str, assignments: Sequence[str], *, name: str = "camera") -> Selected:
    """One camera without a file.

    Args:
        kind: of camera.
        assignments: its keys as `key=value`, the value as it would stand in a file.
        name: what to call it.

    Raises:
        CameraMisconfigured: no such kind, or a key that it does not have.
    """
    lines = ["cameras:", f"  {name}:", f"    kind: {kind}"]
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip() or "\n" in assignment:
            raise CameraMisconfigured(f"{assignment!r}: expected key=value, e.g. rate_hz=4")
        lines.append(f"    {key.strip()}: {value}")
    file = SourceFile("\n".join(lines) + "\n", source="as described", error=CameraMisconfigured)
    return _selected(parse_cameras(file), Path.cwd())[0]


def _selected(cameras: Mapping[str, CameraSettings], folder: Path) -> tuple[Selected, ...]:
    return tuple(Selected(name, settings, folder) for name, settings in cameras.items())
