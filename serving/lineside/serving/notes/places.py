"""Where a note or an exclusion is about, and whether that exists."""

from lineside.serving.errors import UnknownStation
from lineside.serving.notes.schemas import PlaceIn
from lineside.serving.stations import StationDirectory


def check_place(stations: StationDirectory, place: PlaceIn) -> None:
    """Refuse a place that the plant does not have.

    Raises:
        UnknownStation: no such station, or no station on such a line.
    """
    if place.station is not None:
        stations.get(place.station)
    if place.line is not None and place.line not in {station.line for station in stations.all()}:
        raise UnknownStation(f"no station is on line {place.line!r}; GET /v1/stations shows the lines")


def concerns(place_station: str | None, place_line: str | None, *, station: str | None, lines: frozenset[str]) -> bool:
    """Whether what happened at a place concerns a chart.

    What happened at one station of a line is shown on the line's chart too, and what happened at the whole line or
    plant on the chart of each of its stations.

    Args:
        place_station: where it happened; None for a whole line or plant.
        place_line: the line where it happened, or that the station is on; None for the whole plant.
        station: the chart's station; None for all.
        lines: the lines that the chart is of; empty for all.
    """
    if place_station is not None and station is not None:
        return place_station == station
    return place_line is None or not lines or place_line in lines
