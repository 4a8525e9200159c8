"""GET of inspections, their images and overlays."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy import Connection, Row

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.verdict import Verdict
from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Instant, Name
from lineside.serving.history import store
from lineside.serving.history.cursor import inspection_before
from lineside.serving.history.lookup import inspection_row
from lineside.serving.history.overlay import Mark, draw_overlay
from lineside.serving.history.schemas import InspectionPage, PendingInspection, StoredInspection
from lineside.serving.images import ImageStore
from lineside.serving.reviews.store import reviews_of
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/inspections", tags=["inspections"])

InspectionId = Annotated[Name, Path()]
View = Annotated[Name | None, Query()]
_IMAGE_CACHING = "private, max-age=31536000, immutable"  # the address of bytes that never change


@router.get("", dependencies=[Depends(allow(Action.READ_INSPECTIONS))])
async def list_inspections(
    services: ServicesDep,
    station: Annotated[Name | None, Query()] = None,
    lot: Annotated[Name | None, Query()] = None,
    part_id: Annotated[Name | None, Query()] = None,
    parent_id: Annotated[Name | None, Query()] = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    product: Annotated[Name | None, Query()] = None,
    class_name: Annotated[Name | None, Query()] = None,
    audit: Annotated[bool | None, Query()] = None,
    opened_from: Annotated[Instant | None, Query(alias="from")] = None,
    opened_to: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> InspectionPage:
    """Inspections, newest first; `next_cursor` leads to the next page."""
    wanted = store.InspectionFilter(
        station=station,
        lot=lot,
        part_id=part_id,
        parent_id=parent_id,
        verdict=verdict,
        product=product,
        class_name=class_name,
        audit=audit,
        opened_from=opened_from,
        opened_to=opened_to,
    )
    after_id = None if cursor is None else inspection_before(cursor)
    return await services.ledger.read(
        lambda connection: store.read_page(connection, services.settings.plant, wanted, after_id=after_id, limit=limit)
    )


@router.get("/{inspection_id}")
async def get_inspection(
    inspection_id: InspectionId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_ONE_INSPECTION))],
) -> StoredInspection | PendingInspection:
    """One inspection: the answer as its station got it, and what came of it since; a station reads only its own."""
    found = await services.ledger.read(
        lambda connection: store.read_one(connection, services.settings.plant, inspection_id)
    )
    principal.require_station(found.station)
    return found


@router.get("/{inspection_id}/image", dependencies=[Depends(allow(Action.READ_IMAGES))])
async def get_image(
    inspection_id: InspectionId, request: Request, services: ServicesDep, view: View = None
) -> Response:
    """The image of one view, byte for byte as it was sent."""
    frame = await services.ledger.read(
        lambda connection: store.find_frame(connection, services.settings.plant, inspection_id, view=view)
    )
    headers = {"ETag": f'"{frame.digest}"', "Cache-Control": _IMAGE_CACHING}
    if frame.raw_geometry is not None:
        headers |= {
            "Lineside-Width": str(frame.raw_geometry["width_px"]),
            "Lineside-Height": str(frame.raw_geometry["height_px"]),
            "Lineside-Pixel-Format": str(frame.raw_geometry["pixel_format"]),
        }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = await asyncio.to_thread(services.images.read, frame.digest)
    return Response(body, media_type=frame.media_type, headers=headers)


@router.get("/{inspection_id}/overlay", dependencies=[Depends(allow(Action.READ_IMAGES))])
async def get_overlay(inspection_id: InspectionId, services: ServicesDep, view: View = None) -> Response:
    """The image of one view with its defects drawn (red), and what reviewers drew (blue), as PNG."""

    def query(connection: Connection) -> tuple[Row[Any], list[Mark]]:
        plant = services.settings.plant
        frame = store.find_frame(connection, plant, inspection_id, view=view)
        marks = [
            Mark((row.x1_px, row.y1_px, row.x2_px, row.y2_px), f"{row.class_name} {row.confidence:.2f}")
            for row in store.defect_rows(connection, inspection_id, view=frame.view)
        ]
        row = inspection_row(connection, plant, inspection_id)
        if row.verdict is not None:
            marks += [
                Mark(box.box_xyxy_px, box.class_name, is_drawn_by_human=True)
                for review in reviews_of(connection, row)
                for box in review.boxes
                if box.view == frame.view
            ]
        return frame, marks

    frame, marks = await services.ledger.read(query)
    limits = DecodingLimits(max_pixels=services.settings.max_pixels, max_bytes=services.settings.max_body_bytes)
    png = await asyncio.to_thread(_overlay, frame, marks, images=services.images, limits=limits)
    return Response(png, media_type="image/png")


def _overlay(frame: Row[Any], marks: Sequence[Mark], *, images: ImageStore, limits: DecodingLimits) -> bytes:
    raw = None
    if frame.raw_geometry is not None:
        geometry = frame.raw_geometry
        raw = RawGeometry(geometry["width_px"], geometry["height_px"], PixelFormat(geometry["pixel_format"]))
    decoded = decode(images.read(frame.digest), MediaType(frame.media_type), limits=limits, raw=raw, view=frame.view)
    return draw_overlay(decoded.image, marks)
