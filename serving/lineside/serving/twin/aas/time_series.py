"""The line's last hours as Time Series Data (IDTA 02008-1-1): points within, and links to the whole history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from basyx.aas import model

from lineside.serving.twin.aas.elements import count, group, instant, number, said, submodel, text
from lineside.serving.twin.aas.facts import LineFacts, PlantFacts, PointFact

_IDTA: Final = "https://admin-shell.io/idta/TimeSeries"
TEMPLATE: Final = f"{_IDTA}/1/1"
_SEGMENT: Final = f"{_IDTA}/Segment"
_RECORD: Final = f"{_IDTA}/Record/1/1"
_UTC_TIME: Final = f"{_IDTA}/UtcTime/1/1"
_SAMPLING: Final = timedelta(hours=1)


def time_series_submodel(plant: PlantFacts, line: LineFacts) -> model.Submodel:
    """Rates and control chart points by the hour."""
    return submodel(
        plant.identifier("time-series", line.name),
        "TimeSeries",
        group(
            "Metadata",
            said("Name", f"Defect rate of line {line.name}", f"{_IDTA}/Metadata/Name/1/1"),
            said(
                "Description",
                "One record for each hour: parts inspected, flagged (NG) and not inspected; the detector rate, which "
                "is the raw share of NG parts; the defect rate, from what people confirmed and the audit of passed "
                "parts found; both with their 95 % intervals; and the p' chart of the confirmed share with its limits. "
                "A value that is not known is not there.",
                f"{_IDTA}/Metadata/Description/1/1",
            ),
            group("Record", *_record(None), meaning=_RECORD),
            meaning=f"{_IDTA}/Metadata/1/1",
        ),
        group(
            "Segments",
            _internal(plant, line),
            _linked(plant, "Rates", "Rates of any time, by hour", "/v1/rates", {"line": line.name, "bucket": "hour"}),
            _linked(
                plant, "Charts", "Control charts of any time", "/v1/charts/p-prime", {"line": line.name, "by": "hour"}
            ),
            *(
                _linked(
                    plant,
                    f"Inspections{position:02d}",
                    f"Every inspection at station {station.id}, newest first",
                    "/v1/inspections",
                    {"station": station.id},
                )
                for position, station in enumerate(line.stations, 1)
            ),
            meaning=f"{_IDTA}/Segments/1/1",
        ),
        meaning=TEMPLATE,
        about="The line's defect rate and control chart, hour by hour.",
        version="1",
        revision="1",
    )


def _internal(plant: PlantFacts, line: LineFacts) -> model.SubmodelElementCollection:
    points = line.points
    note = "" if line.chart_note is None else f" Of the chart: {line.chart_note}."
    elements: list[model.SubmodelElement] = [
        said("Name", "The last hours", f"{_SEGMENT}/Name/1/1"),
        said(
            "Description",
            f"The last {len(points)} hours up to the last event; the last of them is not over.{note}",
            f"{_SEGMENT}/Description/1/1",
        ),
        count("RecordCount", len(points), f"{_SEGMENT}/RecordCount/1/1"),
        *_ends(points),
        count("SamplingInterval", int(_SAMPLING.total_seconds()), f"{_SEGMENT}/SamplingInterval/1/1"),
        text("State", "in progress", f"{_SEGMENT}/State/1/1"),
        instant("LastUpdate", plant.as_of, f"{_SEGMENT}/LastUpdate/1/1"),
    ]
    if points:
        records = [
            group(f"Record{position:02d}", *_record(point), meaning=_RECORD) for position, point in enumerate(points, 1)
        ]
        elements.append(group("Records", *records, meaning=f"{_IDTA}/Records/1/1"))
    return group("HourlyPoints", *elements, meaning=f"{_IDTA}/Segments/InternalSegment/1/1")


def _ends(points: Sequence[PointFact]) -> Sequence[model.Property]:
    if not points:
        return ()
    first, last = points[0], points[-1]
    return (
        instant("StartTime", first.start, f"{_SEGMENT}/StartTime/1/1"),
        instant("EndTime", last.start, f"{_SEGMENT}/EndTime/1/1"),
        text("Duration", _duration(first.start, last.end), f"{_SEGMENT}/Duration/1/1"),
    )


def _duration(start: datetime, end: datetime) -> str:
    """ISO 8601, in seconds."""
    return f"PT{int((end - start).total_seconds())}S"


def _record(point: PointFact | None) -> list[model.SubmodelElement]:
    """A record; None for the description of one, which has all variables and no values."""
    variables: list[tuple[model.SubmodelElement, bool]] = [
        (instant("Time", None if point is None else point.start, _UTC_TIME), True),
        (count("Inspected", None if point is None else point.inspected), True),
        (count("Flagged", None if point is None else point.flagged), True),
        (count("NotInspected", None if point is None else point.not_inspected), True),
    ]
    for name, attribute in (
        ("DetectorRate", "detector_rate"),
        ("DetectorRateLower", "detector_rate_lower"),
        ("DetectorRateUpper", "detector_rate_upper"),
        ("Rate", "rate"),
        ("RateLower", "rate_lower"),
        ("RateUpper", "rate_upper"),
        ("ChartValue", "chart_value"),
        ("ChartLower", "chart_lower"),
        ("ChartCentre", "chart_centre"),
        ("ChartUpper", "chart_upper"),
    ):
        value = None if point is None else getattr(point, attribute)
        variables.append((number(name, value), point is None or value is not None))
    rules = None if point is None else ", ".join(point.rules)
    variables.append((text("RulesBroken", rules), point is None or bool(rules)))
    return [element for element, is_there in variables if is_there]


def _linked(
    plant: PlantFacts, id_short: str, about: str, path: str, query: dict[str, str]
) -> model.SubmodelElementCollection:
    return group(
        id_short,
        said("Name", about, f"{_SEGMENT}/Name/1/1"),
        said(
            "Description",
            "GET the endpoint with the query, and a key of this server as the bearer token.",
            f"{_SEGMENT}/Description/1/1",
        ),
        text("Endpoint", f"{plant.api_url}{path}", f"{_IDTA}/Endpoint/1/1"),
        text("Query", urlencode(query), f"{_IDTA}/Query/1/1"),
        meaning=f"{_IDTA}/Segments/LinkedSegment/1/1",
    )
