"""Records as the server's API takes them. They are stored in this form, so that a retry sends the very same."""

import re
from datetime import datetime
from typing import Any, Final

from lineside.inspection.verdict import Defect, Reason
from lineside.station.rig import Lane
from lineside.station.spool.records import DispositionRecord, JudgedRecord, JudgedView, ReportRecord

Json = dict[str, Any]

_MOST_SAID: Final = 4000  # characters of a report's message, as the API takes them
_UNPLAIN: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters but the line's end, and lone surrogates: what no JSON or no database holds."""

DISPOSITION_KINDS: Final = {Lane.PASS: "passed", Lane.REJECT: "rejected", Lane.REINSPECT: "set_aside"}
"""What the ledger calls a part that went there."""


def inspection_body(record: JudgedRecord, *, station: str) -> Json:
    """The record of `PUT /v1/inspections/{id}`."""
    judgement = record.judgement
    recipe, release, context = judgement.recipe, judgement.release, judgement.context
    return {
        "station": station,
        "part_id": record.part_id,
        "product": context.product,
        "lot": context.lot,
        "order_id": context.order_id,
        "recipe_id": None if recipe is None else recipe.id,
        "recipe_version": None if recipe is None else recipe.version,
        "release": None
        if release is None
        else {"name": release.name, "version": release.version, "digest": release.digest},
        "engine": judgement.engine,
        "verdict": judgement.verdict.value,
        "reasons": [_reason(reason) for reason in judgement.reasons],
        "defects": [_defect(defect) for defect in judgement.defects],
        "thresholds": {name: round(value, 6) for name, value in judgement.thresholds.items()},
        "opened_at": _instant(record.opened_at),
        "judged_at": _instant(max(record.opened_at, record.judged_at)),
        "frames": [_frame(name, view) for name, view in record.views.items()],
    }


def disposition_body(record: DispositionRecord) -> Json:
    """The arguments of the client's `dispose`."""
    return {
        "kind": DISPOSITION_KINDS[record.lane],
        "confirmed_by_sensor": record.is_confirmed,
        "at": _instant(record.at),
    }


def report_body(record: ReportRecord) -> Json:
    """The arguments of the client's `station_report`."""
    return {
        "kind": record.kind,
        "severity": record.severity,
        "message": _prose(record.message) or record.kind,
        "at": _instant(record.at),
        "part_id": record.part_id,
        "acquisition_id": record.acquisition_id,
        "lot": record.lot,
        "evidence": None if record.evidence is None else dict(record.evidence),
    }


def _prose(text: str) -> str:
    """Text as the API takes it: messages come from drivers and file systems, and none may keep its report back."""
    lines = text.replace("\r\n", "\n").replace("\t", " ")
    plain = _UNPLAIN.sub("\N{REPLACEMENT CHARACTER}", lines)
    return plain if len(plain) <= _MOST_SAID else f"{plain[: _MOST_SAID - 1]}…"


def _reason(reason: Reason) -> Json:
    return {"code": reason.code.value, "message": reason.message, "view": reason.view}


def _defect(defect: Defect) -> Json:
    return {
        "view": defect.view,
        "class_name": defect.class_name,
        "confidence": round(float(defect.confidence), 4),
        "box_xyxy_px": [round(float(side), 2) for side in defect.box_xyxy_px],
        "size_mm": None if defect.size_mm is None else round(float(defect.size_mm), 4),
        "size_definition": defect.size_definition.value,
        "zone": defect.zone,
        "severity": defect.severity.value,
    }


def _frame(name: str, view: JudgedView) -> Json:
    encoded = view.encoded
    raw = encoded.raw
    return {
        "view": name,
        "digest": encoded.digest,
        "size_bytes": len(encoded.body),
        "media_type": encoded.media_type.value,
        "width": None if raw is None else raw.width_px,
        "height": None if raw is None else raw.height_px,
        "pixel_format": None if raw is None else raw.pixel_format.value,
        "captured_at": None if encoded.captured_at is None else _instant(encoded.captured_at),
        "sequence": view.sequence,
        "encoder": view.encoder,
    }


def _instant(at: datetime) -> str:
    return at.isoformat()
