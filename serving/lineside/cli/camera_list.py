"""`lineside camera list`."""

from typing import Annotated, Any

import typer

from lineside.cli.output import print_json, print_table, say


def list_kinds(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the kinds of cameras, what each needs installed, and the devices that can be found now."""
    from lineside.station.cameras import CAMERA_KINDS, CameraError

    found: list[dict[str, Any]] = []
    for kind in CAMERA_KINDS.values():
        row: dict[str, Any] = {"kind": kind.name, "about": kind.about, "extra": kind.extra, "looks": kind.can_look}
        try:
            row |= {"devices": list(kind.devices()), "trouble": None}
        except CameraError as error:
            row |= {"devices": [], "trouble": str(error)}
        found.append(row)
    if as_json:
        print_json(found)
        return
    print_table(
        ("kind", "what it is", "needs", "devices found"),
        [
            (
                row["kind"],
                row["about"],
                f"lineside[{row['extra']}]" if row["extra"] else "-",
                "; ".join(row["devices"]) or ("none" if row["looks"] and row["trouble"] is None else "-"),
            )
            for row in found
        ],
    )
    for row in found:
        if row["trouble"] is not None:
            say(f"{row['kind']}: {row['trouble']}")
