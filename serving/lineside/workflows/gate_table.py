"""The gate's answer as a table: for the terminal and for pages."""

from lineside.training.gate import Criterion, GateReport

GATE_COLUMNS = ("where", "criterion", "answer", "figure", "limit", "detail")


def gate_rows(report: GateReport) -> list[tuple[str, ...]]:
    """One row for each criterion, those that concern everything first; the cells fit `GATE_COLUMNS`."""
    rows = [_row("everywhere", criterion) for criterion in report.criteria]
    for result in report.scopes:
        rows += [_row(str(result.scope), criterion) for criterion in result.criteria]
    return rows


def _row(where: str, criterion: Criterion) -> tuple[str, ...]:
    answer = criterion.outcome.value.replace("_", " ")
    return (
        where,
        criterion.title,
        f"{answer} (blocks)" if criterion.blocks else answer,
        "-" if criterion.figure is None else f"{criterion.figure:.4g}",
        "-" if criterion.limit is None else f"{criterion.limit:.4g}",
        criterion.detail,
    )
