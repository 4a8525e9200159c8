"""GET and PUT of studies."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy import RowMapping

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.security import Action, Principal, allow
from lineside.serving.studies import store
from lineside.serving.studies.capability_files import judge_capability, read_capability
from lineside.serving.studies.pod_file import judge_pod_study, read_pod_study
from lineside.serving.studies.schemas import (
    CapabilityResult,
    CapabilityStudyIn,
    CapabilityStudyOut,
    PodResult,
    PodStudyIn,
    PodStudyOut,
    StudyArea,
    StudyList,
)
from lineside.statistics.agreement import AgreementStudy
from lineside.statistics.gauge import GaugeStudy
from lineside.statistics.pod import ProductionUse

router = APIRouter(prefix="/v1", tags=["studies"])

StudyId = Annotated[Name, Path()]
_WRITER = Annotated[Principal, Depends(allow(Action.WRITE_STUDIES))]


@router.get("/pod", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_pod_studies(services: ServicesDep) -> StudyList:
    """The filed studies of detection probability."""
    return await _list(services, StudyArea.POD)


@router.get("/pod/{study_id}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_pod_study(study_id: StudyId, services: ServicesDep) -> PodStudyOut:
    """A filed study of detection probability with its curve, a90 and a90/95."""
    return PodStudyOut.model_validate(_fields(await _read(services, StudyArea.POD, study_id)))


@router.put("/pod/{study_id}")
async def put_pod_study(
    study_id: StudyId, content: PodStudyIn, services: ServicesDep, principal: _WRITER
) -> PodStudyOut:
    """File a study of detection probability; its figures are made here, from its file. Harmless when repeated."""
    result = await asyncio.to_thread(_judge_pod, content)
    study = store.NewStudy(
        StudyArea.POD,
        study_id,
        "pod",
        content.model_dump(mode="json"),
        result.model_dump(mode="json"),
        principal.name,
    )
    row = await services.ledger.write(lambda transaction: store.file_study(transaction, study))
    return PodStudyOut.model_validate(_fields(row))


@router.get("/capability", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_capability_studies(services: ServicesDep) -> StudyList:
    """The filed capability studies."""
    return await _list(services, StudyArea.CAPABILITY)


@router.get("/capability/{study_id}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_capability_study(study_id: StudyId, services: ServicesDep) -> CapabilityStudyOut:
    """A filed capability study: agreement of people and detector, or gauge R&R of sizes."""
    return CapabilityStudyOut.model_validate(_fields(await _read(services, StudyArea.CAPABILITY, study_id)))


@router.put("/capability/{study_id}")
async def put_capability_study(
    study_id: StudyId, content: CapabilityStudyIn, services: ServicesDep, principal: _WRITER
) -> CapabilityStudyOut:
    """File a capability study; its figures are made here, from its sheet and key. Harmless when repeated."""
    kind, result = await asyncio.to_thread(_judge_capability, content)
    study = store.NewStudy(
        StudyArea.CAPABILITY,
        study_id,
        kind,
        content.model_dump(mode="json"),
        result.model_dump(mode="json"),
        principal.name,
    )
    row = await services.ledger.write(lambda transaction: store.file_study(transaction, study))
    return CapabilityStudyOut.model_validate(_fields(row))


def _judge_pod(content: PodStudyIn) -> PodResult:
    study = read_pod_study(content.study, source="study")
    production = ProductionUse.INDICATIVE if content.indicative else ProductionUse.REFUSE
    return PodResult(unit=study.unit, design=study.design, estimate=judge_pod_study(study, production=production))


def _judge_capability(content: CapabilityStudyIn) -> tuple[str, CapabilityResult]:
    study = read_capability(content.sheet, content.key)
    judged = judge_capability(study)
    return study.key.kind.value, CapabilityResult(
        detector=study.key.detector,
        unit=study.key.unit,
        borderline_parts=study.key.borderline,
        agreement=judged if isinstance(judged, AgreementStudy) else None,
        gauge=judged if isinstance(judged, GaugeStudy) else None,
    )


async def _list(services: ServicesDep, area: StudyArea) -> StudyList:
    found = await services.ledger.read(lambda connection: store.list_studies(connection, services.settings.plant, area))
    return StudyList(items=tuple(found))


async def _read(services: ServicesDep, area: StudyArea, study_id: str) -> RowMapping:
    return await services.ledger.read(
        lambda connection: store.read_study(connection, services.settings.plant, area, study_id)
    )


def _fields(row: RowMapping) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in ("plant", "area")}
