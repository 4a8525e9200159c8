"""How commands are told which camera is meant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lineside.station.camera_trials import Selected

FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="A file with `cameras`, e.g. station.yaml; without it give --kind."),
]
CameraOption = Annotated[
    str | None, typer.Option("--camera", help="Which camera of the file, if it has several.", metavar="NAME")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="Instead of a file: a camera of this kind; see `camera list`.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="With --kind: one of its keys, e.g. rate_hz=10; may be given several times."),
]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds that each frame may take.", min=0.01, max=600)]


def selected_camera(file: Path | None, *, camera: str | None, kind: str | None, keys: list[str] | None) -> "Selected":
    """The camera that the options name.

    Raises:
        CameraMisconfigured: the file or the keys do not describe it.
        typer.BadParameter: both a file and a kind, or neither.
    """
    from lineside.station.camera_trials import camera_of_file, camera_of_words

    if (file is None) == (kind is None):
        raise typer.BadParameter("give a file with `cameras` in it, or --kind")
    if file is not None:
        if keys:
            raise typer.BadParameter("goes with --kind; change the file instead", param_hint="--set")
        return camera_of_file(file, name=camera)
    return camera_of_words(str(kind), keys or [], name=camera or "camera")
