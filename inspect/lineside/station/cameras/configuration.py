"""The `cameras` section of a file: what each camera of a station is.

```yaml
cameras:
  default: {kind: virtual, rate_hz: 4}
  underside: {kind: folder, folder: pictures, pixel_format: mono8}
```
"""

import random
from collections.abc import Mapping
from typing import Any, Final

from lineside.inspection.file_models import SourceFile
from lineside.inspection.strict_yaml import KeyPath
from lineside.station.cameras.kinds import CAMERA_KINDS
from lineside.station.cameras.pixels import PixelRule
from lineside.station.cameras.protocol import Camera
from lineside.station.cameras.reconnecting import ReconnectingCamera
from lineside.station.cameras.settings import CameraContext, CameraSettings

MOST_CAMERAS: Final = 16


def parse_cameras(file: SourceFile, *, at: KeyPath = ("cameras",)) -> Mapping[str, CameraSettings]:
    """The cameras of a file, each by its name, in the file's order.

    Args:
        file: of any schema.
        at: where in it the section stands.

    Raises:
        LinesideError: of the file's own kind, with key and line.
    """
    section: Any = file.document.value
    for step in at:
        section = section.get(step) if isinstance(section, dict) else None
    if not isinstance(section, dict) or not section:
        raise file.problem(at, "expected at least one camera: its name, and below it `kind` and what this kind needs")
    if len(section) > MOST_CAMERAS:
        raise file.problem(at, f"{len(section)} cameras; at most {MOST_CAMERAS} belong to one station")
    return {name: parse_camera(file, at=(*at, name)) for name in section}


def parse_camera(file: SourceFile, *, at: KeyPath) -> CameraSettings:
    """One camera of a file, as its kind's own model.

    Raises:
        LinesideError: of the file's own kind, with key and line.
    """
    section: Any = file.document.value
    for step in at:
        section = section[step]
    named = section.get("kind") if isinstance(section, dict) else None
    kind = CAMERA_KINDS.get(str(named))
    if kind is None:
        raise file.problem((*at, "kind"), f"no kind of camera {named!r}; expected one of {', '.join(CAMERA_KINDS)}")
    return file.parse(kind.settings, at=at)


def open_camera(
    settings: CameraSettings, context: CameraContext, *, rng: random.Random | None = None
) -> ReconnectingCamera:
    """A camera that comes back by itself after it was lost; nothing connects before it is entered.

    Args:
        settings: of a kind's own model.
        context: name, clock and folder.
        rng: draws the waits between connections; seeded ones are for tests.

    Raises:
        CameraExtraMissing: its library is not installed.
        CameraMisconfigured: the settings contradict each other or name what is not there.
    """
    kind = CAMERA_KINDS[settings.kind]
    first = kind.build(settings, context)
    spare: list[Camera] = [first]  # the first one proves that the settings can be built, before anything runs

    def make() -> Camera:
        return spare.pop() if spare else kind.build(settings, context)

    return ReconnectingCamera(
        make,
        name=context.name,
        clock=context.clock,
        backoff=settings.backoff,
        rng=rng or random.Random(),  # noqa: S311 - jitter
        pixels=PixelRule.of(settings),
        connect_timeout_s=settings.connect_timeout_s,
        lost_after_timeouts=settings.lost_after_timeouts,
    )


def cameras_json_schema() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """JSON Schema (2020-12) of the section, and the definitions that it refers to at `#/$defs/`."""
    definitions: dict[str, Any] = {}
    for kind in CAMERA_KINDS.values():
        schema = kind.settings.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        definitions[kind.settings.__name__] = schema
    references = [{"$ref": f"#/$defs/{kind.settings.__name__}"} for kind in CAMERA_KINDS.values()]
    section = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MOST_CAMERAS,
        "additionalProperties": {"oneOf": references},
    }
    return section, definitions
