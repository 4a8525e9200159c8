"""POST and GET of what-if questions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.idempotency import RequestKeyDep
from lineside.serving.security import Action, Principal, allow
from lineside.serving.twin.scenarios.schemas import ScenarioIn, ScenarioList, ScenarioOut, ScenarioState
from lineside.serving.twin.scenarios.service import Once

router = APIRouter(prefix="/v1/twin/scenarios", tags=["twin"])


@router.post("", status_code=202)
async def ask_scenario(
    asked: ScenarioIn,
    response: Response,
    services: ServicesDep,
    key: RequestKeyDep,
    principal: Annotated[Principal, Depends(allow(Action.RUN_SCENARIOS))],
) -> ScenarioOut:
    """Ask what would be if: answered in the background, `GET` of its identifier says how far it is."""
    once = None if key is None else Once(key, principal.key_id)
    scenario = await services.scenarios.ask(asked, by=principal.name, once=once)
    response.headers["Location"] = f"{router.prefix}/{scenario.id}"
    return scenario


@router.get("", dependencies=[Depends(allow(Action.READ_TWIN))])
async def list_scenarios(
    services: ServicesDep,
    station: Annotated[Name | None, Query()] = None,
    state: Annotated[ScenarioState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ScenarioList:
    """What was asked, newest first, without the answers."""
    return ScenarioList(items=tuple(await services.scenarios.newest(station=station, state=state, limit=limit)))


@router.get("/{scenario_id}", dependencies=[Depends(allow(Action.READ_TWIN))])
async def get_scenario(scenario_id: Annotated[Name, Path()], services: ServicesDep) -> ScenarioOut:
    """One question, how far it is, and its answer."""
    return await services.scenarios.get(scenario_id)
