"""Every error of the service, in one tree. None of them knows HTTP: `problems.py` maps them at the boundary.

```
LinesideError
├── LedgerError ...                        see lineside.serving.ledger.errors
└── ServingError
    ├── NotAllowed                         the caller may not do that
    │   ├── NotAuthenticated               no key, or one that is unknown, expired or revoked
    │   ├── RoleRefused                    the key's role may not do that
    │   ├── StationRefused                 a station's key acts for another station
    │   ├── CrossSiteRefused               a change by session cookie without its CSRF token, or from another site
    │   └── TooManyFailures                too many bad keys from one address
    ├── NotFound (LookupError)             the request names what does not exist
    │   ├── UnknownStation, UnknownInspection, UnknownPart, UnknownKnownPart, UnknownRecipe, UnknownCatalogue,
    │   ├── UnknownRelease, UnknownReference, UnknownKey, UnknownDeployment, UnknownGateReport,
    │   ├── UnknownCertificate, UnknownStudy, UnknownNote, UnknownExclusion, UnknownBaseline,
    │   ├── UnknownClaim, UnknownDriftAlarm, UnknownLabelProject, UnknownLabelPick, UnknownLabelAttention,
    │   ├── UnknownHold, UnknownProposal, UnknownJob, UnknownOrder, UnknownLot, UnknownScenario
    │   ├── UnknownSink                    no sink of that name ever delivered
    │   └── ImageGone                      the image was not kept, or its retention ended
    ├── Contradiction                      it contradicts what was received or what stands
    │   ├── InspectionStands               another inspection stands there
    │   │   ├── IdempotencyConflict        the same idempotency key for another request
    │   │   ├── ViewConflict               the same view of an attempt with another body
    │   │   └── AttemptClosed              an attempt that has its verdict
    │   ├── AttemptOutOfOrder              an attempt skips one, or comes while the one before is open
    │   ├── VersionConflict                not the version that follows the last one
    │   ├── LooserRecipe                   a recipe allows more than the one before, without an override
    │   ├── DeploymentUnfit                a signed deployment that this server cannot carry out
    │   ├── DeploymentWithdrawn            it was withdrawn before
    │   ├── CertificateUnfit               a signed certificate that says nothing about this plant's lines or engines
    │   ├── CertificateEnded               it ended before, or another came after it
    │   ├── DriftAlarmAcknowledged         somebody looked after it before
    │   ├── GateReportUnfit                a gate report that does not speak for this recipe
    │   ├── NoteWithdrawn, ExclusionEnded  it was taken back before
    │   ├── StudyFiled                     another study is filed under that name
    │   ├── NoTrustFile                    the server believes no signature
    │   ├── ClaimEnded                     a part at the review place is held no more, or was read
    │   ├── ReviewUnfit                    a review does not fit the verdict it speaks of
    │   ├── LabelPickUnfit                 an inspection that may not be picked for labelling, or not for that reason
    │   ├── LabelTasksUnfit                tasks that do not show a picked part whole, or others than those pushed
    │   ├── LabelLeaseHeld                 somebody else works on the labelling project
    │   ├── LabelAttentionSettled          somebody settled it before
    │   ├── PartAmbiguous                  a part was inspected at several stations: say which inspection is meant
    │   ├── NoShifts                       rates by shift, and the calendar names none
    │   ├── DeliveryUnfit                  events not in the log, or delivered already; a report ahead of the log
    │   ├── NoRecipeForProduct             an order for a product that has no recipe
    │   ├── OrderConflict                  an order's number stands for another product or lot
    │   ├── OrderTooLate                   an order from a part that was judged, or from a passed encoder count
    │   ├── HoldReleased                   the hold was released before
    │   ├── ProposalDecided                somebody decided before
    │   ├── ProposalUnfit                  what is proposed cannot be carried out
    │   ├── JobUnfit                       a job that the station cannot do, or has under another name
    │   └── JobEnded                       the job was done, or aborted before
    ├── Unacceptable (ValueError)          the request itself is at fault
    │   ├── DigestMissing, DigestUnreadable, DigestMismatch
    │   ├── UnknownView                    a view that the recipe does not ask for
    │   ├── BodyTooLarge, BodyTooSlow, MediaTypeUnsupported
    │   ├── RecipeUnfit                    a valid recipe that this server cannot judge with
    │   ├── ReferenceRefused               bytes that are no usable reference image
    │   ├── PackageRefused                 an archive that is unsafe, too large or no archive
    │   ├── StudyUnreadable                a study's file says something odd, with line and column
    │   ├── StudyRefused                   a study that cannot carry what it is made for
    │   ├── ChartRefused                   a chart that the counts or the request cannot carry
    │   ├── CursorUnreadable               a page cursor that this server did not give out
    │   ├── CalendarUnfit                  no plant's calendar can be like this
    │   ├── RateQuestionUnfit              what is asked of the rates has no answer
    │   ├── ScenarioRefused                what-if asked of a line whose ledger cannot carry it
    │   ├── WhatIfFileInvalid              the file that says which alarms ask what-if questions
    │   ├── DeliveryQuestionUnfit          a period that is none
    │   └── KeyRefused                     a key that may not be made like this
    ├── Shed (RuntimeError)                no room, or the deadline cannot be met: retry later
    ├── PackageStoreUnavailable (RuntimeError)  the disk does not take a release: retry later
    ├── ShuttingDown (RuntimeError)        the server is ending: retry later
    └── UnguardedRoute (RuntimeError)      an app with a route that nothing guards: it must not start
```
"""

from lineside.inspection.errors import LinesideError


class ServingError(LinesideError):
    """Base of the service's errors."""


class NotAllowed(ServingError):
    """The caller may not do that."""


class NotAuthenticated(NotAllowed):
    """There is no key, or one that is unknown, expired or revoked."""


class RoleRefused(NotAllowed):
    """The key's role may not do that."""


class StationRefused(NotAllowed):
    """A station's key acts for another station."""


class CrossSiteRefused(NotAllowed):
    """A change by session cookie came without its CSRF token, or from another site."""


class TooManyFailures(NotAllowed):
    """Too many bad keys came from one address.

    Args:
        message: what to do.
        retry_after_s: whole seconds after which another try is looked at.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotFound(ServingError, LookupError):
    """The request names what does not exist."""


class UnknownSink(NotFound):
    """No sink of that name ever delivered."""


class UnknownStation(NotFound):
    """No station of that name."""


class UnknownInspection(NotFound):
    """No inspection of that identifier."""


class UnknownPart(NotFound):
    """No inspection of a part of that name."""


class UnknownRecipe(NotFound):
    """No recipe of that name, or no such version."""


class UnknownCatalogue(NotFound):
    """No defect catalogue of that name, or no such version."""


class UnknownRelease(NotFound):
    """No release of that name."""


class UnknownKnownPart(NotFound):
    """No part of that name is known to be defective or good."""


class UnknownReference(NotFound):
    """No stored reference image of that digest."""


class UnknownKey(NotFound):
    """No key of that identifier."""


class UnknownDeployment(NotFound):
    """No deployment of that identifier."""


class UnknownGateReport(NotFound):
    """No stored gate report of that digest."""


class UnknownStudy(NotFound):
    """No study of that name is filed."""


class UnknownNote(NotFound):
    """There is no such note."""


class UnknownExclusion(NotFound):
    """Nothing was excluded from charts under that identifier."""


class UnknownBaseline(NotFound):
    """There is no such chart baseline."""


class UnknownScenario(NotFound):
    """No what-if question of that identifier."""


class UnknownDriftAlarm(NotFound):
    """No drift alarm of that identifier."""


class UnknownLabelProject(NotFound):
    """No labelling project of that name."""


class UnknownHold(NotFound):
    """No hold of that identifier."""


class UnknownProposal(NotFound):
    """No proposal of that identifier."""


class UnknownJob(NotFound):
    """No job of that identifier."""


class UnknownOrder(NotFound):
    """No order of that number."""


class UnknownLot(NotFound):
    """No part, order or hold names that lot."""


class UnknownLabelPick(NotFound):
    """No pick of that identifier, in that labelling project."""


class UnknownLabelAttention(NotFound):
    """Nothing of that identifier is on the list of what needs a person."""


class ImageGone(NotFound):
    """The image was not kept, or its retention ended."""


class UnknownClaim(NotFound):
    """No claim of a part at the review place of that identifier, made with that key."""


class UnknownCertificate(NotFound):
    """No certificate of that identifier."""


class Contradiction(ServingError):
    """The request contradicts what was received before, or what stands."""


class InspectionStands(Contradiction):
    """Another inspection stands where this one was to go.

    Args:
        message: what was found.
        inspection_id: the one that stands, where it is known.
    """

    def __init__(self, message: str, *, inspection_id: str | None = None) -> None:
        super().__init__(message)
        self.inspection_id = inspection_id


class IdempotencyConflict(InspectionStands):
    """The idempotency key was used for another request."""


class ViewConflict(InspectionStands):
    """This view of this attempt was received with another body."""


class AttemptOutOfOrder(Contradiction):
    """The attempt skips one, or comes while the one before has no verdict."""


class AttemptClosed(InspectionStands):
    """The attempt has its verdict."""


class VersionConflict(Contradiction):
    """The version is not the one that follows the last."""


class LooserRecipe(Contradiction):
    """The recipe allows more than the version before it, and nobody answers for that by name."""


class DeploymentUnfit(Contradiction):
    """The deployment is signed and valid, and this server cannot carry it out: what was live stays live."""


class DeploymentWithdrawn(Contradiction):
    """The deployment was withdrawn before."""


class CertificateUnfit(Contradiction):
    """The certificate is signed and valid, and says nothing about any line or engine here."""


class ClaimEnded(Contradiction):
    """The part is held no more: it was read, let go, or somebody else has it."""


class CertificateEnded(Contradiction):
    """The certificate ended before, or what it was calibrated on is older than what ended another one."""


class DriftAlarmAcknowledged(Contradiction):
    """Somebody looked after the drift alarm before."""


class GateReportUnfit(Contradiction):
    """The gate report does not speak for this recipe against the version in force."""


class StudyFiled(Contradiction):
    """Another study is filed under that name; a filed study is never changed."""


class NoteWithdrawn(Contradiction):
    """The note was taken back before."""


class ExclusionEnded(Contradiction):
    """The exclusion was ended before."""


class NoTrustFile(Contradiction):
    """The server has no trust file, so it believes no signature."""


class ReviewUnfit(Contradiction):
    """The review does not fit the verdict that it speaks of."""


class LabelPickUnfit(Contradiction):
    """The inspection may not be picked for labelling, or not for that reason."""


class LabelTasksUnfit(Contradiction):
    """The tasks do not show the picked part whole, or are others than those that people already have."""


class LabelLeaseHeld(Contradiction):
    """Somebody else works on the labelling project.

    Args:
        message: who, at what and until when.
        retry_after_s: whole seconds after which another try makes sense.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LabelAttentionSettled(Contradiction):
    """Somebody settled it before."""


class PartAmbiguous(Contradiction):
    """The part was inspected at several stations: it is not clear which inspection is meant."""


class DeliveryUnfit(Contradiction):
    """Events that the log does not have or that were delivered, or a report that is ahead of the log."""


class NoRecipeForProduct(Contradiction):
    """The ordered product has no recipe."""


class OrderConflict(Contradiction):
    """The order's number stands for another product or lot."""


class OrderTooLate(Contradiction):
    """The order is from a part that was taken in already, or from an encoder count that has passed."""


class HoldReleased(Contradiction):
    """The hold was released before, by somebody else or for another reason."""


class ProposalDecided(Contradiction):
    """Somebody decided on the proposal before."""


class ProposalUnfit(Contradiction):
    """What is proposed cannot be carried out as things stand."""


class JobUnfit(Contradiction):
    """The station cannot do the job, or has one for that part under another name."""


class JobEnded(Contradiction):
    """The job was done, or aborted by somebody else."""


class NoShifts(Contradiction):
    """Rates by shift are asked for, and the plant's calendar names none."""


class Unacceptable(ServingError, ValueError):
    """The request itself is at fault."""


class DigestMissing(Unacceptable):
    """The body's Content-Digest is required and absent."""


class DigestUnreadable(Unacceptable):
    """The Content-Digest header holds nothing that can be checked."""


class DigestMismatch(Unacceptable):
    """The body is not what its sender hashed."""


class UnknownView(Unacceptable):
    """The recipe does not ask for that view."""


class BodyTooLarge(Unacceptable):
    """The body is longer than the limit."""


class BodyTooSlow(Unacceptable):
    """The body did not arrive in time."""


class MediaTypeUnsupported(Unacceptable):
    """The body is of a kind that is not taken here."""


class RecipeUnfit(Unacceptable):
    """The recipe is valid by itself and this server cannot judge with it."""


class ReferenceRefused(Unacceptable):
    """The bytes are no usable reference image."""


class PackageRefused(Unacceptable):
    """The archive is unsafe, too large, or none."""


class StudyUnreadable(Unacceptable):
    """A study's file says something odd."""


class StudyRefused(Unacceptable):
    """A study cannot carry what it is made for."""


class ChartRefused(Unacceptable):
    """A chart that the counts or the request cannot carry."""


class CursorUnreadable(Unacceptable):
    """The page cursor was not given out by this server."""


class CalendarUnfit(Unacceptable):
    """No plant's calendar can be like this."""


class RateQuestionUnfit(Unacceptable):
    """What is asked of the rates has no answer: a span that ends before it begins, or too many windows."""


class ScenarioRefused(Unacceptable):
    """A what-if question that the ledger of its line cannot carry."""


class WhatIfFileInvalid(Unacceptable):
    """The file that says which alarms ask what-if questions cannot be used."""


class DeliveryQuestionUnfit(Unacceptable):
    """What is asked of delivery has no answer."""


class KeyRefused(Unacceptable):
    """A key may not be made like this."""


class Shed(ServingError, RuntimeError):
    """There is no room, or the deadline cannot be met.

    Args:
        message: what was found and what to do.
        retry_after_s: whole seconds after which another try makes sense.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PackageStoreUnavailable(ServingError, RuntimeError):
    """The disk does not take a release."""


class ShuttingDown(ServingError, RuntimeError):
    """The server is ending."""


class UnguardedRoute(ServingError, RuntimeError):
    """The app has a route that nothing guards."""
