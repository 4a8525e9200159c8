"""Reviews: by inspection, or by part for an escape found downstream."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Connection, Row, select

from lineside.inspection.decoding import DecodingLimits
from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.history.lookup import inspection_row, last_judged_of_part
from lineside.serving.idempotency import RequestKey, RequestKeyDep, answered_once
from lineside.serving.images import ImageStore
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import frames
from lineside.serving.reviews import store
from lineside.serving.reviews.frame_sizes import check_boxes, frame_sizes
from lineside.serving.reviews.schemas import ReviewIn, ReviewList, ReviewRecorded
from lineside.serving.reviews.standing import standing_of
from lineside.serving.security import Action, Principal, allow
from lineside.serving.services import Services

router = APIRouter(prefix="/v1", tags=["reviews"])

InspectionId = Annotated[Name, Path()]


@router.get("/inspections/{inspection_id}/reviews", dependencies=[Depends(allow(Action.READ_INSPECTIONS))])
async def list_reviews(inspection_id: InspectionId, services: ServicesDep) -> ReviewList:
    """The reviews of an inspection and what they amount to."""

    def query(connection: Connection) -> ReviewList:
        row = inspection_row(connection, services.settings.plant, inspection_id)
        items = store.reviews_of(connection, row)
        return ReviewList(items=tuple(items), standing=standing_of(items))

    return await services.ledger.read(query)


@router.post("/inspections/{inspection_id}/reviews")
async def post_review(
    inspection_id: InspectionId,
    review: ReviewIn,
    services: ServicesDep,
    key: RequestKeyDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_REVIEW))],
) -> ReviewRecorded:
    """Say what a human finds of an inspection; its images are kept from now on."""
    row = await services.ledger.read(
        lambda connection: inspection_row(connection, services.settings.plant, inspection_id)
    )
    return await _record(services, row, review, key=key, principal=principal)


@router.post("/parts/{part_id}/reviews")
async def post_part_review(
    part_id: Annotated[Name, Path()],
    review: ReviewIn,
    services: ServicesDep,
    key: RequestKeyDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_REVIEW))],
    station: Annotated[Name | None, Query()] = None,
) -> ReviewRecorded:
    """The same of the last judged attempt of a part, for what is found downstream, where only the part is known."""
    row = await services.ledger.read(
        lambda connection: last_judged_of_part(connection, services.settings.plant, part_id, station=station)
    )
    return await _record(services, row, review, key=key, principal=principal)


async def _record(
    services: Services, row: Row[Any], review: ReviewIn, *, key: RequestKey | None, principal: Principal
) -> ReviewRecorded:
    frame_rows = await services.ledger.read(
        lambda connection: connection.execute(select(frames).where(frames.c.inspection_id == row.id)).all()
    )
    if review.boxes:
        limits = DecodingLimits(max_pixels=services.settings.max_pixels, max_bytes=services.settings.max_body_bytes)
        check_boxes(review.boxes, await frame_sizes(frame_rows, services.images, limits=limits))
    stored = await asyncio.to_thread(_stored, services.images, [frame.digest for frame in frame_rows])

    def write(transaction: Transaction) -> Mapping[str, Any]:
        current = inspection_row(transaction.connection, transaction.plant, row.id)
        return answered_once(
            transaction,
            key,
            caller=principal.key_id,
            request_body=review.model_dump(mode="json"),
            inspection_id=row.id,
            act=lambda: store.record(
                transaction, current, review, recorded_by=principal.name, stored_digests=stored
            ).model_dump(mode="json"),
        )

    recorded = ReviewRecorded.model_validate(await services.ledger.write(write))
    await services.shadowing.reviewed(row.id)
    return recorded


def _stored(images: ImageStore, digests: Sequence[str]) -> list[str]:
    return [digest for digest in digests if images.contains(digest)]
