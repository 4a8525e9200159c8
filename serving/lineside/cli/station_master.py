"""`lineside station master`: the next part at a station that runs is a master sample."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import say


def master(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The station's file, station.yaml.")],
    part_id: Annotated[str, typer.Argument(metavar="PART_ID", help="The master sample, as the file names it.")],
) -> None:
    """Announce the next part as a master sample: the station is Ready for it, and it passes under no verdict.

    Needed where no PLC names the parts before their trigger. Lay the master on the line after this command ends.
    """
    from lineside.station.agent import MasterRefused, load_station, request_master

    configuration = load_station(file)
    rules = configuration.rules.masters
    known = () if rules is None else sorted(rules.parts)
    if part_id not in known:
        raise MasterRefused(f"{file}: no master {part_id!r}; expected one of {', '.join(known) or 'none: it has none'}")
    request_master(configuration.spool_folder, part_id)
    say(f"station {configuration.station}: the next part is master {part_id}")
