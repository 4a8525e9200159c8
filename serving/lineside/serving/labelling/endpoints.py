"""The labelling loop over HTTP: projects, candidates, picks, tasks and what needs a person."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Instant, Name
from lineside.serving.history.cursor import cursor_after, inspection_before
from lineside.serving.labelling import attention, candidates, picks, projects, task_rows
from lineside.serving.labelling.cursors import change_before, cursor_after_change
from lineside.serving.labelling.project_schemas import (
    LabelProjectIn,
    LabelProjectList,
    LabelProjectOut,
    LeaseIn,
    LeaseOut,
    Number,
)
from lineside.serving.labelling.schemas import (
    AttentionOut,
    AttentionPage,
    AttentionShown,
    AttentionsIn,
    AttentionsMade,
    CandidatePage,
    PickOut,
    PickPage,
    PicksIn,
    PicksMade,
    PickState,
    PickWithdrawalIn,
    SettlementIn,
)
from lineside.serving.labelling.task_schemas import (
    LabelTaskPage,
    LabelTasksIn,
    LabelTasksMade,
    PushedTasksIn,
    TaskStateAnswers,
    TaskStatesIn,
    Uuid,
)
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1", tags=["labelling"])

ProjectName = Annotated[Name, Path()]
ProjectQuery = Annotated[Name, Query()]
Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=500)]
Writer = Annotated[Principal, Depends(allow(Action.WRITE_LABELS))]
_IS_SETTLED = {AttentionShown.OPEN: False, AttentionShown.SETTLED: True, AttentionShown.ALL: None}
_READING = [Depends(allow(Action.READ_LABELS))]
_WRITING = [Depends(allow(Action.WRITE_LABELS))]


@router.get("/label-projects", dependencies=_READING)
async def list_label_projects(services: ServicesDep) -> LabelProjectList:
    """Every labelling project."""
    plant, now = services.settings.plant, services.clock.now()
    return LabelProjectList(items=await services.ledger.read(partial(projects.read_all, plant=plant, now=now)))


@router.get("/label-projects/{project}", dependencies=_READING)
async def get_label_project(project: ProjectName, services: ServicesDep) -> LabelProjectOut:
    """One labelling project: how far it was pulled, what waits, and who works on it."""
    plant, now = services.settings.plant, services.clock.now()
    return await services.ledger.read(partial(projects.get, plant=plant, name=project, now=now))


@router.put("/label-projects/{project}")
async def put_label_project(
    project: ProjectName, given: LabelProjectIn, services: ServicesDep, principal: Writer
) -> LabelProjectOut:
    """Make a labelling project, or change what the request names of it."""
    return await services.ledger.write(partial(projects.put, name=project, given=given, changed_by=principal.name))


@router.post("/label-projects/{project}/lease", dependencies=_WRITING)
async def post_label_lease(project: ProjectName, wanted: LeaseIn, services: ServicesDep) -> LeaseOut:
    """Work on a project alone for a while; the same holder renews it in the same way."""
    return await services.ledger.write(partial(projects.take_lease, name=project, wanted=wanted))


@router.delete("/label-projects/{project}/lease", status_code=204, dependencies=_WRITING)
async def delete_label_lease(project: ProjectName, services: ServicesDep, holder: Annotated[Name, Query()]) -> None:
    """Let a project go; harmless where another holds it."""
    await services.ledger.write(partial(projects.end_lease, name=project, holder=holder))


@router.get("/label-candidates", dependencies=_READING)
async def list_label_candidates(
    services: ServicesDep,
    project: ProjectQuery,
    start: Annotated[Instant | None, Query(alias="from", description="Judged then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Judged before.")] = None,
    station: Annotated[Name | None, Query()] = None,
    product: Annotated[Name | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> CandidatePage:
    """Inspections that may be picked for a project, oldest verdict first."""
    wanted = candidates.CandidateFilter(project, start, end, station, product)
    after = None if cursor is None else candidates.Place.of_cursor(cursor)
    plant = services.settings.plant
    return await services.ledger.read(
        lambda connection: candidates.read_page(connection, plant, wanted, after=after, limit=limit)
    )


@router.post("/label-picks")
async def post_label_picks(given: PicksIn, services: ServicesDep, principal: Writer) -> PicksMade:
    """Pick inspections for labelling, each once a project; their images are kept from now on."""
    return PicksMade(items=tuple(await services.labels.pick(given, key_name=principal.name)))


@router.get("/label-picks", dependencies=_READING)
async def list_label_picks(
    services: ServicesDep,
    project: ProjectQuery,
    state: Annotated[PickState | None, Query()] = None,
    after_change: Annotated[
        Number | None,
        Query(description="Only picks whose label changed after this `change`, in the order of the changes."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> PickPage:
    """Picks with their inspection's facts, their tasks and what people say of them."""
    plant = services.settings.plant
    if after_change is not None:
        known = (after_change, "~") if cursor is None else change_before(cursor)  # "~" follows every identifier
        changed, last = await services.ledger.read(
            lambda connection: picks.read_changed(connection, plant, project, after=known, limit=limit)
        )
        return PickPage(items=changed, next_cursor=None if last is None else cursor_after_change(*last))
    after_id = None if cursor is None else inspection_before(cursor)
    found, last_id = await services.ledger.read(
        lambda connection: picks.read_page(connection, plant, project, state=state, after_id=after_id, limit=limit)
    )
    return PickPage(items=found, next_cursor=None if last_id is None else cursor_after(last_id))


@router.get("/label-picks/{pick_id}", dependencies=_READING)
async def get_label_pick(pick_id: Annotated[Uuid, Path()], services: ServicesDep) -> PickOut:
    """One pick."""
    return await services.ledger.read(partial(picks.get, plant=services.settings.plant, pick_id=pick_id))


@router.post("/label-picks/{pick_id}/withdrawal", dependencies=_WRITING)
async def post_label_pick_withdrawal(
    pick_id: Annotated[Uuid, Path()], given: PickWithdrawalIn, services: ServicesDep
) -> PickOut:
    """Take a pick back, for good; the review that its label was is withdrawn."""
    return await services.labels.withdraw(pick_id, given)


@router.post("/label-tasks", dependencies=_WRITING)
async def post_label_tasks(given: LabelTasksIn, services: ServicesDep) -> LabelTasksMade:
    """Make the tasks of picks, all of a pick at once; the same again changes nothing."""
    return LabelTasksMade(items=tuple(await services.labels.make_tasks(given)))


@router.get("/label-tasks", dependencies=_READING)
async def list_label_tasks(
    services: ServicesDep,
    project: ProjectQuery,
    pushed: Annotated[bool | None, Query(description="Only those that Label Studio has, or has not.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> LabelTaskPage:
    """Tasks with their last known states."""
    plant = services.settings.plant
    after_id = None if cursor is None else inspection_before(cursor)
    found = await services.ledger.read(
        lambda connection: task_rows.read_page(
            connection, plant, project, is_pushed=pushed, after_id=after_id, limit=limit + 1
        )
    )
    more = cursor_after(found[limit - 1].id) if len(found) > limit else None
    return LabelTaskPage(items=tuple(found[:limit]), next_cursor=more)


@router.post("/label-tasks/pushed", dependencies=_WRITING)
async def post_pushed_tasks(given: PushedTasksIn, services: ServicesDep) -> LabelTasksMade:
    """Say which tasks Label Studio has, under which number."""
    return LabelTasksMade(items=tuple(await services.labels.mark_pushed(given)))


@router.post("/label-tasks/states")
async def post_task_states(given: TaskStatesIn, services: ServicesDep, principal: Writer) -> TaskStateAnswers:
    """Say what Label Studio has of tasks now; parts that are read become reviews in the same transaction."""
    return TaskStateAnswers(items=tuple(await services.labels.apply_states(given, recorded_by=principal.name)))


@router.get("/label-attention", dependencies=_READING)
async def list_label_attention(
    services: ServicesDep,
    project: Annotated[Name | None, Query()] = None,
    show: Annotated[AttentionShown, Query()] = AttentionShown.OPEN,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> AttentionPage:
    """What needs a person, oldest first."""
    plant = services.settings.plant
    after_id = None if cursor is None else inspection_before(cursor)
    found = await services.ledger.read(
        lambda connection: attention.read_page(
            connection, plant, project, is_settled=_IS_SETTLED[show], after_id=after_id, limit=limit + 1
        )
    )
    more = cursor_after(found[limit - 1].id) if len(found) > limit else None
    return AttentionPage(items=tuple(found[:limit]), next_cursor=more)


@router.post("/label-attention")
async def post_label_attention(given: AttentionsIn, services: ServicesDep, principal: Writer) -> AttentionsMade:
    """Put things on the list of what needs a person; what is there already is not put there twice."""
    return AttentionsMade(items=tuple(await services.labels.raise_attention(given, raised_by=principal.name)))


@router.post("/label-attention/{attention_id}/settled", dependencies=_WRITING)
async def post_label_settlement(
    attention_id: Annotated[Name, Path()], given: SettlementIn, services: ServicesDep
) -> AttentionOut:
    """Take something off the list: a person looked after it, and says how."""
    return await services.labels.settle_attention(attention_id, given)
