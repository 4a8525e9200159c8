"""An option as a change that a person can approve."""

from collections.abc import Mapping
from typing import Any

from lineside.serving.errors import ServingError
from lineside.serving.proposals import ProposalBook, ProposalKind
from lineside.serving.recipes import RecipeBook
from lineside.serving.stations import StationDirectory
from lineside.serving.twin.line_model import Measure, Standing
from lineside.serving.twin.scenarios.schemas import OptionIn, OptionOut, ResultOut, ScenarioOut


class Proposing:
    """Puts the cheapest option before a person, where it is shown to be cheaper.

    Args:
        proposals: where people decide.
        stations: what is in force at each.
        recipes: whose thresholds are proposed.
    """

    def __init__(self, proposals: ProposalBook, *, stations: StationDirectory, recipes: RecipeBook) -> None:
        self._proposals = proposals
        self._stations = stations
        self._recipes = recipes

    async def propose(self, scenario: ScenarioOut, result: ResultOut, *, by: str) -> tuple[str, ...]:
        """Propose the first option that is cheaper and can be proposed; the proposal's id, or nothing.

        Args:
            scenario: the question.
            result: its answer.
            by: whose proposal it is.
        """
        options = {option.name: option for option in scenario.question.options}
        for outcome in result.options:
            if outcome.standing is not Standing.CHEAPER:
                continue
            change = self._change(scenario.station, options[outcome.name])
            if change is None:
                continue
            kind, content = change
            try:
                proposal = await self._proposals.propose(
                    kind=kind.value,
                    change=content,
                    reason=_reason(outcome, scenario),
                    by=by,
                    evidence=_evidence(scenario, outcome),
                    scenario_id=scenario.id,
                )
            except (ServingError, ValueError):  # it names what is gone by now, or cannot be written into the recipe
                continue
            return (proposal.id,)
        return ()

    def _change(self, station: str, option: OptionIn) -> tuple[ProposalKind, Mapping[str, Any]] | None:
        """What approving would carry out; None for what nobody can approve here: a pace, or places of rework."""
        if option.pace is not None or option.rework_places is not None:
            return None
        wanted = [option.threshold is not None, option.stations is not None, option.order is not None]
        if sum(wanted) != 1:  # one proposal is one change
            return None
        if option.order is not None:
            return ProposalKind.ORDER, {"station": station, "order": option.order.model_dump(by_alias=True)}
        if option.stations is not None:
            note = f"{option.stations} stations at the queue of {station}"
            return ProposalKind.SECOND_STATION, {"station": station, "note": note}
        context = self._stations.get(station).context
        if context.recipe_id is None:
            return None
        recipe = self._recipes.get(context.recipe_id, context.recipe_version).recipe
        return ProposalKind.THRESHOLD, {
            "recipe_id": recipe.id,
            "thresholds": dict.fromkeys(sorted(recipe.limits), option.threshold),
        }


def _reason(outcome: OptionOut, scenario: ScenarioOut) -> str:
    saved = outcome.differences[Measure.COST_PER_PART]
    why = "" if scenario.cause is None else f" Asked by an alarm: {scenario.cause.message}"
    return (
        f"The model of station {scenario.station!r}, which reproduces its last period, says that {outcome.name!r} "
        f"costs {-saved.mean:.4g} less per part ({-saved.upper:.4g} to {-saved.lower:.4g}).{why}"
    )


def _evidence(scenario: ScenarioOut, outcome: OptionOut) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = [
        {
            "scenario_id": scenario.id,
            "option": outcome.name,
            "differences": {
                measure.value: {"mean": figure.mean, "lower": figure.lower, "upper": figure.upper}
                for measure, figure in outcome.differences.items()
            },
        }
    ]
    if scenario.cause is not None:
        found.append(scenario.cause.model_dump(mode="json"))
    return tuple(found)
