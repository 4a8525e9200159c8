"""The typed client of the HTTP API."""

from lineside.client.backoff import Backoff
from lineside.client.client import LinesideClient, content_digest
from lineside.client.errors import (
    AnswerUnreadable,
    ClientError,
    Contradicted,
    KeyRefused,
    KeyUnusable,
    NothingThere,
    ProblemDetail,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
    Shed,
    TryAgainLater,
)
from lineside.client.packages import ReleasePackage, pack_release
from lineside.client.picture_calls import KeptImage
from lineside.client.records import (
    BoundRecipe,
    Cause,
    Defect,
    InspectionAnswer,
    KeptFrame,
    LedgerEvent,
    Pending,
    Reason,
    UsedRelease,
)
from lineside.client.sending import Pace

__all__ = [
    "AnswerUnreadable",
    "Backoff",
    "BoundRecipe",
    "Cause",
    "ClientError",
    "Contradicted",
    "Defect",
    "InspectionAnswer",
    "KeptFrame",
    "KeptImage",
    "KeyRefused",
    "KeyUnusable",
    "LedgerEvent",
    "LinesideClient",
    "NothingThere",
    "Pace",
    "Pending",
    "ProblemDetail",
    "Reason",
    "ReleasePackage",
    "RequestRefused",
    "ServerFailed",
    "ServerUnreachable",
    "Shed",
    "TryAgainLater",
    "UsedRelease",
    "content_digest",
    "pack_release",
]
