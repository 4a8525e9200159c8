"""The boundary where errors become HTTP: RFC 9457 problem details, one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.inspection.errors import (
    CatalogueError,
    CertificateRefused,
    FrameError,
    LinesideError,
    NothingUsable,
    RecipeError,
    ReleaseError,
)
from lineside.serving import errors
from lineside.serving.images import ImageMissing, ImageStoreUnavailable
from lineside.serving.ledger import LedgerBusy, LedgerClosed, LedgerUnavailable
from lineside.serving.twin.aas.results import aas_result, aas_status, is_aas_path
from lineside.serving.twin.line_model import ImpossibleLine

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 1  # s; where the error itself does not know better: a group commit takes milliseconds


class Problem(BaseModel):
    """Problem details (RFC 9457): what was found, what was expected, what to do."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One row of the table: how an error looks from outside.

    Attributes:
        slug: end of the type URI, `/problems/<slug>`.
        title: the same for every problem of this kind.
        status: HTTP status.
    """

    slug: str
    title: str
    status: HTTPStatus

    @property
    def type_uri(self) -> str:
        """The kind's relative URI."""
        return f"/problems/{self.slug}"


_INTERNAL = ProblemKind("internal", "The server failed", HTTPStatus.INTERNAL_SERVER_ERROR)
_INVALID = ProblemKind("invalid-request", "The request is not valid", HTTPStatus.UNPROCESSABLE_ENTITY)

PROBLEM_KINDS: Mapping[type[LinesideError], ProblemKind] = MappingProxyType(
    {
        errors.NotAuthenticated: ProblemKind("not-authenticated", "A valid key is needed", HTTPStatus.UNAUTHORIZED),
        errors.RoleRefused: ProblemKind("role-refused", "The key's role may not do that", HTTPStatus.FORBIDDEN),
        errors.StationRefused: ProblemKind(
            "station-refused", "A station's key acts for its own station only", HTTPStatus.FORBIDDEN
        ),
        errors.CrossSiteRefused: ProblemKind(
            "cross-site-refused", "The change did not come from our own page", HTTPStatus.FORBIDDEN
        ),
        errors.TooManyFailures: ProblemKind(
            "too-many-failures", "Too many bad keys from this address", HTTPStatus.TOO_MANY_REQUESTS
        ),
        errors.UnknownSink: ProblemKind("unknown-sink", "No such sink", HTTPStatus.NOT_FOUND),
        errors.UnknownStation: ProblemKind("unknown-station", "No such station", HTTPStatus.NOT_FOUND),
        errors.UnknownInspection: ProblemKind("unknown-inspection", "No such inspection", HTTPStatus.NOT_FOUND),
        errors.UnknownPart: ProblemKind("unknown-part", "No inspection of such a part", HTTPStatus.NOT_FOUND),
        errors.UnknownKnownPart: ProblemKind("unknown-known-part", "No such known part", HTTPStatus.NOT_FOUND),
        errors.UnknownRecipe: ProblemKind("unknown-recipe", "No such recipe", HTTPStatus.NOT_FOUND),
        errors.UnknownCatalogue: ProblemKind("unknown-catalogue", "No such defect catalogue", HTTPStatus.NOT_FOUND),
        errors.UnknownRelease: ProblemKind("unknown-release", "No such release", HTTPStatus.NOT_FOUND),
        errors.UnknownReference: ProblemKind("unknown-reference", "No such reference image", HTTPStatus.NOT_FOUND),
        errors.UnknownKey: ProblemKind("unknown-key", "No such key", HTTPStatus.NOT_FOUND),
        errors.UnknownDeployment: ProblemKind("unknown-deployment", "No such deployment", HTTPStatus.NOT_FOUND),
        errors.UnknownStudy: ProblemKind("unknown-study", "No such study", HTTPStatus.NOT_FOUND),
        errors.UnknownGateReport: ProblemKind("unknown-gate-report", "No such gate report", HTTPStatus.NOT_FOUND),
        errors.UnknownNote: ProblemKind("unknown-note", "No such note", HTTPStatus.NOT_FOUND),
        errors.UnknownExclusion: ProblemKind("unknown-exclusion", "No such exclusion", HTTPStatus.NOT_FOUND),
        errors.UnknownBaseline: ProblemKind("unknown-baseline", "No such chart baseline", HTTPStatus.NOT_FOUND),
        errors.UnknownLabelProject: ProblemKind(
            "unknown-label-project", "No such labelling project", HTTPStatus.NOT_FOUND
        ),
        errors.UnknownLabelPick: ProblemKind("unknown-label-pick", "No such pick", HTTPStatus.NOT_FOUND),
        errors.UnknownLabelAttention: ProblemKind(
            "unknown-label-attention", "Nothing like that needs a person", HTTPStatus.NOT_FOUND
        ),
        errors.UnknownClaim: ProblemKind("unknown-claim", "No such claim of a part", HTTPStatus.NOT_FOUND),
        errors.UnknownCertificate: ProblemKind("unknown-certificate", "No such certificate", HTTPStatus.NOT_FOUND),
        errors.UnknownHold: ProblemKind("unknown-hold", "No such hold", HTTPStatus.NOT_FOUND),
        errors.UnknownProposal: ProblemKind("unknown-proposal", "No such proposal", HTTPStatus.NOT_FOUND),
        errors.UnknownJob: ProblemKind("unknown-job", "No such job", HTTPStatus.NOT_FOUND),
        errors.UnknownOrder: ProblemKind("unknown-order", "No such order", HTTPStatus.NOT_FOUND),
        errors.UnknownLot: ProblemKind("unknown-lot", "No such lot", HTTPStatus.NOT_FOUND),
        errors.ImageGone: ProblemKind("image-gone", "The image is not kept", HTTPStatus.NOT_FOUND),
        errors.NotFound: ProblemKind("not-found", "No such thing", HTTPStatus.NOT_FOUND),
        errors.DeliveryUnfit: ProblemKind("delivery-unfit", "The log or the sink says otherwise", HTTPStatus.CONFLICT),
        errors.IdempotencyConflict: ProblemKind(
            "idempotency-conflict", "The idempotency key stands for another request", HTTPStatus.CONFLICT
        ),
        errors.ViewConflict: ProblemKind(
            "view-conflict", "The view was received with another body", HTTPStatus.CONFLICT
        ),
        errors.AttemptOutOfOrder: ProblemKind(
            "attempt-out-of-order", "The attempt does not follow the last one", HTTPStatus.CONFLICT
        ),
        errors.AttemptClosed: ProblemKind("attempt-closed", "The attempt has its verdict", HTTPStatus.CONFLICT),
        errors.VersionConflict: ProblemKind(
            "version-conflict", "The version does not follow the last one", HTTPStatus.CONFLICT
        ),
        errors.LooserRecipe: ProblemKind(
            "looser-recipe", "The recipe allows more than the one before", HTTPStatus.CONFLICT
        ),
        errors.DeploymentUnfit: ProblemKind(
            "deployment-unfit", "The deployment cannot be carried out here", HTTPStatus.CONFLICT
        ),
        errors.DeploymentWithdrawn: ProblemKind(
            "deployment-withdrawn", "The deployment was withdrawn", HTTPStatus.CONFLICT
        ),
        errors.StudyFiled: ProblemKind("study-filed", "Another study has that name", HTTPStatus.CONFLICT),
        errors.CertificateUnfit: ProblemKind(
            "certificate-unfit", "The certificate says nothing about this plant", HTTPStatus.CONFLICT
        ),
        errors.ClaimEnded: ProblemKind("claim-ended", "The part is held no more", HTTPStatus.CONFLICT),
        errors.CertificateEnded: ProblemKind("certificate-ended", "The certificate has ended", HTTPStatus.CONFLICT),
        errors.GateReportUnfit: ProblemKind(
            "gate-report-unfit", "The gate report does not speak for this recipe", HTTPStatus.CONFLICT
        ),
        errors.NoteWithdrawn: ProblemKind("note-withdrawn", "The note was withdrawn", HTTPStatus.CONFLICT),
        errors.ExclusionEnded: ProblemKind("exclusion-ended", "The exclusion was ended", HTTPStatus.CONFLICT),
        errors.NoTrustFile: ProblemKind("no-trust-file", "The server believes no signature", HTTPStatus.CONFLICT),
        errors.ReviewUnfit: ProblemKind("review-unfit", "The review does not fit the verdict", HTTPStatus.CONFLICT),
        errors.LabelPickUnfit: ProblemKind(
            "label-pick-unfit", "The inspection may not be picked so", HTTPStatus.CONFLICT
        ),
        errors.LabelTasksUnfit: ProblemKind(
            "label-tasks-unfit", "The tasks do not fit their pick", HTTPStatus.CONFLICT
        ),
        errors.LabelLeaseHeld: ProblemKind(
            "label-lease-held", "Somebody else works on the labelling project", HTTPStatus.CONFLICT
        ),
        errors.LabelAttentionSettled: ProblemKind(
            "label-attention-settled", "It was settled before", HTTPStatus.CONFLICT
        ),
        errors.PartAmbiguous: ProblemKind("part-ambiguous", "The part has several inspections", HTTPStatus.CONFLICT),
        errors.NoRecipeForProduct: ProblemKind(
            "no-recipe-for-product", "The product has no recipe", HTTPStatus.CONFLICT
        ),
        errors.OrderConflict: ProblemKind(
            "order-conflict", "The order's number stands for something else", HTTPStatus.CONFLICT
        ),
        errors.OrderTooLate: ProblemKind("order-too-late", "The order's beginning has passed", HTTPStatus.CONFLICT),
        errors.HoldReleased: ProblemKind("hold-released", "The hold was released", HTTPStatus.CONFLICT),
        errors.ProposalDecided: ProblemKind("proposal-decided", "The proposal was decided on", HTTPStatus.CONFLICT),
        errors.ProposalUnfit: ProblemKind("proposal-unfit", "The proposal cannot be carried out", HTTPStatus.CONFLICT),
        errors.JobUnfit: ProblemKind("job-unfit", "The station cannot do the job", HTTPStatus.CONFLICT),
        errors.JobEnded: ProblemKind("job-ended", "The job has ended", HTTPStatus.CONFLICT),
        errors.NoShifts: ProblemKind("no-shifts", "The calendar names no shifts", HTTPStatus.CONFLICT),
        errors.Contradiction: ProblemKind("conflict", "The request contradicts what stands", HTTPStatus.CONFLICT),
        errors.DigestMissing: ProblemKind(
            "digest-missing", "The Content-Digest header is missing", HTTPStatus.BAD_REQUEST
        ),
        errors.DigestUnreadable: ProblemKind(
            "digest-unreadable", "The Content-Digest header cannot be read", HTTPStatus.BAD_REQUEST
        ),
        errors.DigestMismatch: ProblemKind(
            "digest-mismatch", "The body does not match its Content-Digest", HTTPStatus.BAD_REQUEST
        ),
        errors.UnknownView: ProblemKind(
            "unknown-view", "The recipe does not ask for this view", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.BodyTooLarge: ProblemKind(
            "body-too-large", "The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        ),
        errors.BodyTooSlow: ProblemKind("body-too-slow", "The body did not arrive in time", HTTPStatus.REQUEST_TIMEOUT),
        errors.MediaTypeUnsupported: ProblemKind(
            "media-type-unsupported", "The body is of an unknown kind", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        ),
        errors.RecipeUnfit: ProblemKind(
            "recipe-unfit", "The recipe does not fit this server", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.ReferenceRefused: ProblemKind(
            "reference-refused", "The body is no usable reference image", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.StudyUnreadable: ProblemKind(
            "study-unreadable", "The study's file cannot be read", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.StudyRefused: ProblemKind(
            "study-refused", "The study cannot carry what is asked of it", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.PackageRefused: ProblemKind(
            "package-refused", "The archive is no release package", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.ChartRefused: ProblemKind(
            "chart-refused", "The counts cannot carry this chart", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.CalendarUnfit: ProblemKind(
            "calendar-unfit", "The calendar is not valid", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.DeliveryQuestionUnfit: ProblemKind(
            "delivery-question-unfit", "The question has no answer", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.RateQuestionUnfit: ProblemKind(
            "rate-question-unfit", "The rates cannot be asked for like this", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        errors.ScenarioRefused: ProblemKind(
            "scenario-refused", "The ledger cannot carry this question", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        ImpossibleLine: ProblemKind("line-impossible", "No line can be like this", HTTPStatus.UNPROCESSABLE_ENTITY),
        errors.Unacceptable: _INVALID,
        ImageMissing: ProblemKind("image-gone", "The image is not kept", HTTPStatus.NOT_FOUND),
        ImageStoreUnavailable: ProblemKind(
            "images-unavailable", "The image store cannot be written", HTTPStatus.SERVICE_UNAVAILABLE
        ),
        RecipeError: ProblemKind("recipe-invalid", "The recipe is not valid", HTTPStatus.UNPROCESSABLE_ENTITY),
        CatalogueError: ProblemKind(
            "catalogue-invalid", "The defect catalogue is not valid", HTTPStatus.UNPROCESSABLE_ENTITY
        ),
        FrameError: ProblemKind("image-invalid", "The image cannot be used", HTTPStatus.UNPROCESSABLE_ENTITY),
        CertificateRefused: ProblemKind(
            "certificate-refused", "The certificate may not be believed", HTTPStatus.CONFLICT
        ),
        ReleaseError: ProblemKind("release-unusable", "The release may not be loaded", HTTPStatus.CONFLICT),
        NothingUsable: ProblemKind("no-engine", "No engine here runs the release", HTTPStatus.CONFLICT),
        errors.PackageStoreUnavailable: ProblemKind(
            "releases-unavailable", "The folder of releases cannot be written", HTTPStatus.SERVICE_UNAVAILABLE
        ),
        errors.Shed: ProblemKind("shed", "The server is full", HTTPStatus.SERVICE_UNAVAILABLE),
        errors.ShuttingDown: ProblemKind("shutting-down", "The server is ending", HTTPStatus.SERVICE_UNAVAILABLE),
        LedgerBusy: ProblemKind("ledger-busy", "The ledger is full", HTTPStatus.SERVICE_UNAVAILABLE),
        LedgerUnavailable: ProblemKind(
            "ledger-unavailable", "The ledger cannot be written or read", HTTPStatus.SERVICE_UNAVAILABLE
        ),
        LedgerClosed: ProblemKind("shutting-down", "The server is ending", HTTPStatus.SERVICE_UNAVAILABLE),
    }
)
"""How each kind of error looks from outside; the nearest base class in the table counts."""

_HIDDEN = (
    LedgerUnavailable,
    ImageStoreUnavailable,
    errors.PackageStoreUnavailable,
)  # their messages name files and hosts, which are no caller's business


def problem_kind(error: LinesideError) -> ProblemKind:
    """The table's row for an error; an error that is in no row is the server's own fault."""
    for base in type(error).__mro__:
        kind = PROBLEM_KINDS.get(base)
        if kind is not None:
            return kind
    return _INTERNAL


def problem_response(
    request: Request,
    kind: ProblemKind,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """One problem as a response, counted."""
    services = getattr(request.app.state, "services", None)
    if services is not None:  # there are none before the app has started
        services.metrics.request_problem(kind.slug)
    if is_aas_path(request.url.path):
        status = aas_status(kind.status)
        at = None if services is None else services.clock.now()
        return JSONResponse(
            aas_result(status, slug=kind.slug, detail=detail, at=at), status_code=status.value, headers=headers
        )
    problem = Problem(
        type=kind.type_uri,
        title=kind.title,
        status=kind.status.value,
        detail=detail,
        instance=request.url.path,
        **more,
    )
    return JSONResponse(problem.model_dump(), status_code=kind.status.value, media_type=MEDIA_TYPE, headers=headers)


async def answer_lineside_error(request: Request, error: Exception) -> JSONResponse:
    """Answer with the table's row for an error of ours."""
    if not isinstance(error, LinesideError):
        raise TypeError(f"registered for LinesideError, called with {type(error).__name__}")
    kind = problem_kind(error)
    if kind is _INTERNAL:
        return answer_unexpected(request, error)
    headers: dict[str, str] = {}
    if kind.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="lineside"'
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is None and kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_s = _RETRY_AFTER_S
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    detail = str(error)
    if isinstance(error, _HIDDEN):
        _log.error(kind.slug.replace("-", "_"), path=request.url.path, reason=detail)
        detail = "the storage cannot be used at the moment and nothing was written; send the request again later"
    more = {}
    if isinstance(error, errors.InspectionStands) and error.inspection_id is not None:
        more["inspection_id"] = error.inspection_id
    return problem_response(request, kind, detail, headers=headers, **more)


async def answer_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not fit its schema; what was sent is not echoed, it may be a secret."""
    if not isinstance(error, RequestValidationError):
        raise TypeError(f"registered for RequestValidationError, called with {type(error).__name__}")
    faults = [{"where": _place(fault.get("loc", ())), "what": str(fault["msg"])} for fault in error.errors()]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
    return problem_response(request, _INVALID, detail, errors=faults)


async def answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework itself refuses: no such route, method not allowed, unreadable body."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"registered for HTTPException, called with {type(error).__name__}")
    status = HTTPStatus(error.status_code)
    kind = ProblemKind(status.phrase.lower().replace(" ", "-"), status.phrase, status)
    detail = str(error.detail)
    if status is HTTPStatus.NOT_FOUND and detail == status.phrase:
        detail = f"there is nothing at {request.url.path}; /openapi.json lists the routes"
    return problem_response(request, kind, detail, headers=error.headers)


def answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours without its internals; the log has them, once."""
    _log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return problem_response(
        request, _INTERNAL, "the server failed on this request; its log says why. Nothing was judged OK"
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error that leaves a handler of this app a problem document."""
    app.add_exception_handler(LinesideError, answer_lineside_error)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_middleware(UnexpectedErrors)


class UnexpectedErrors:
    """Answers what no handler expected, and logs it once.

    A handler for `Exception` would not do: Starlette raises the error again after calling it, and the server logs it
    a second time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 if it fails before its response began."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watch(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:  # nobody is left to answer, and it is no fault of ours
            _log.info("client_hung_up", method=scope["method"], path=scope["path"])
        except Exception as error:  # the process boundary: whatever it is, the caller gets an answer
            if has_begun:
                raise
            response = answer_unexpected(Request(scope), error)
            await response(scope, receive, send)


def _place(location: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in location) or "request"
