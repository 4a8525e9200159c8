"""With which chance an inspection's images were kept: who draws among kept ones must know it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_

from lineside.inspection.recipe import Retention
from lineside.inspection.recipe.file_format import RetentionInFile
from lineside.inspection.strict_yaml import read_yaml
from lineside.inspection.verdict import Verdict
from lineside.serving.labelling.schemas import ViewOut
from lineside.serving.ledger.tables import recipes

RecipeVersion = tuple[str, int]


def kept_chances(
    connection: Connection, inspections: Sequence[Row[Any]], views: Mapping[str, Sequence[ViewOut]]
) -> Mapping[str, float | None]:
    """The chances, by inspection id.

    Rejected parts, audit draws, passed parts near a threshold and what a station handed in are kept for sure, other
    passed parts by the share of their recipe. None where that share is 0: then something kept them that nobody drew.

    Args:
        connection: where to read.
        inspections: rows of the table.
        views: of each, with their peak scores.
    """
    passed = [
        row
        for row in inspections
        if row.verdict == Verdict.OK.value and row.judged_by == "server" and not row.audit and row.recipe_id
    ]
    rules = _retentions(connection, {(row.recipe_id, row.recipe_version) for row in passed})
    chances: dict[str, float | None] = {row.id: 1.0 for row in inspections}
    for row in passed:
        retention = rules[row.recipe_id, row.recipe_version]
        peaks = [view.peak_score for view in views.get(row.id, ()) if view.peak_score is not None]
        if not retention.is_near_threshold(max(peaks, default=None), row.thresholds):
            chances[row.id] = retention.ok_share or None
    return chances


def _retentions(connection: Connection, versions: Iterable[RecipeVersion]) -> Mapping[RecipeVersion, Retention]:
    """What each recipe keeps; only that part of its text is read, so that no catalogue is needed."""
    rows = connection.execute(
        select(recipes.c.id, recipes.c.version, recipes.c.text).where(
            tuple_(recipes.c.id, recipes.c.version).in_(sorted(versions))
        )
    )
    return {(row.id, row.version): _retention(row.text) for row in rows}


def _retention(text: str) -> Retention:
    content = read_yaml(text).value
    given = content.get("retention", {}) if isinstance(content, dict) else {}
    return Retention(**RetentionInFile.model_validate(given).model_dump())
