"""A station's own book on disk: every part's trigger, verdict and fate, until the server has them all, once."""

from lineside.station.spool.book import BookedPart, booked_parts
from lineside.station.spool.errors import (
    DiskFull,
    RecordContradicts,
    SpoolBroken,
    SpoolError,
    SpoolFull,
    SpoolInUse,
    SpoolMissing,
)
from lineside.station.spool.forwarder import Forwarder, ForwarderState
from lineside.station.spool.judgement import PartContext, StationJudgement, UsedRecipe, UsedRelease
from lineside.station.spool.limits import SpoolLimits
from lineside.station.spool.reconciliation import (
    Gap,
    GapKind,
    Reconciliation,
    reconcile,
    reconcile_with_server,
)
from lineside.station.spool.records import (
    AnsweredRecord,
    AskedRecord,
    DispositionRecord,
    JudgedRecord,
    JudgedView,
    ReportRecord,
    TriggerRecord,
)
from lineside.station.spool.spool import Spool
from lineside.station.spool.status import ParkedRecord, SpoolStatus, spool_status
from lineside.station.spool.unfinished import MOST_IN_EVIDENCE, UnfinishedPart, interrupted, listed

__all__ = [
    "MOST_IN_EVIDENCE",
    "AnsweredRecord",
    "AskedRecord",
    "BookedPart",
    "DiskFull",
    "DispositionRecord",
    "Forwarder",
    "ForwarderState",
    "Gap",
    "GapKind",
    "JudgedRecord",
    "JudgedView",
    "ParkedRecord",
    "PartContext",
    "Reconciliation",
    "RecordContradicts",
    "ReportRecord",
    "Spool",
    "SpoolBroken",
    "SpoolError",
    "SpoolFull",
    "SpoolInUse",
    "SpoolLimits",
    "SpoolMissing",
    "SpoolStatus",
    "StationJudgement",
    "TriggerRecord",
    "UnfinishedPart",
    "UsedRecipe",
    "UsedRelease",
    "booked_parts",
    "interrupted",
    "listed",
    "reconcile",
    "reconcile_with_server",
    "spool_status",
]
