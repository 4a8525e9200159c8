"""What the thresholds in force rest on now: one row for each line, product and release that judges there."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from lineside.inspection.release import ANY_DEFECT, CertifiedScope
from lineside.inspection.release.certificates import LEAST_CONFIDENCE
from lineside.inspection.verdict import effective_thresholds
from lineside.serving.certificates.book import CertificateBook, ThresholdStatus
from lineside.serving.certificates.schemas import ClassStanding, LineStanding, StandingList
from lineside.serving.deployments.book import Scope
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.recipes import StoredRecipe
from lineside.serving.releases import LoadedRelease, Purpose, ReleaseShelf


def standing_now(
    deployments: DeploymentService,
    releases: ReleaseShelf,
    book: CertificateBook,
    *,
    now: datetime,
    line: str | None = None,
) -> StandingList:
    """What is certified where stations work; a canary's release has a row of its own.

    Args:
        deployments: which releases judge.
        releases: those in memory, and the engines that run them.
        book: the certificates.
        now: aware UTC instant.
        line: only this one; None for all.
    """
    rows = tuple(
        row
        for scope, stored in sorted(deployments.scopes(), key=lambda item: (item[0].line, item[0].product))
        if line in (None, scope.line)
        for row in _rows(deployments, releases, book, scope, stored, now)
    )
    is_certified = bool(rows) and all(row.threshold_status is ThresholdStatus.CERTIFIED for row in rows)
    return StandingList(
        threshold_status=ThresholdStatus.CERTIFIED if is_certified else ThresholdStatus.UNCERTIFIED, items=rows
    )


def _rows(
    deployments: DeploymentService,
    releases: ReleaseShelf,
    book: CertificateBook,
    scope: Scope,
    stored: StoredRecipe,
    now: datetime,
) -> Iterator[LineStanding]:
    for key in deployments.keys_for(stored, scope.line):
        if key.purpose is not Purpose.JUDGE:
            continue
        loaded = releases.loaded(key.ref)
        if loaded is None:
            yield LineStanding(
                line=scope.line,
                product=scope.product,
                release_name=scope.release_name,
                release_digest=key.ref.digest,
                engine=None,
                threshold_status=ThresholdStatus.UNCERTIFIED,
                part=None,
                classes=(),
                why_not=f"release {key.ref} is not loaded, so no part is judged by it",
            )
        else:
            thresholds = effective_thresholds(stored.recipe, loaded.release.thresholds)
            yield _row(book, scope, loaded, thresholds, now)


def _row(
    book: CertificateBook, scope: Scope, loaded: LoadedRelease, thresholds: Mapping[str, float], now: datetime
) -> LineStanding:
    digest, engine = loaded.release.digest, loaded.detector.engine_name

    def standing(class_name: str | None, threshold: float) -> ClassStanding:
        return _class(book, CertifiedScope(scope.line, digest, engine, class_name), threshold, now)

    classes = tuple(standing(name, threshold) for name, threshold in sorted(thresholds.items()))
    lacking = [each.class_name for each in classes if each.certificate is None]
    return LineStanding(
        line=scope.line,
        product=scope.product,
        release_name=loaded.release.name,
        release_digest=digest,
        engine=engine,
        threshold_status=book.status(
            line=scope.line, release_digest=digest, engine=engine, thresholds=thresholds, now=now
        ),
        part=standing(None, max(thresholds.values())) if thresholds else None,
        classes=classes,
        why_not=f"nothing is guaranteed of {', '.join(lacking)}" if lacking else None,
    )


def _class(book: CertificateBook, scope: CertifiedScope, threshold: float, now: datetime) -> ClassStanding:
    found = book.in_force(scope, now=now)
    guarantee = book.guarantee(scope, threshold=threshold, now=now)
    why_not = None
    if found is None:
        why_not = f"no certificate of line {scope.line}, engine {scope.engine} and this release is in force"
    elif not found.certificate.is_guarantee:
        figures = found.certificate.figures
        sure = f"on average only ({figures.method.value})"
        if figures.confidence is not None:
            sure = f"at {figures.confidence:g} confidence only, and {LEAST_CONFIDENCE:g} is needed"
        why_not = f"certificate {found.id} holds {sure}"
    elif guarantee is None:
        certified = found.certificate.figures.threshold
        why_not = f"the threshold in force, {threshold:g}, is laxer than the certified {certified:g}"
    return ClassStanding(
        class_name=ANY_DEFECT if scope.class_name is None else scope.class_name,
        threshold=threshold,
        certified_threshold=None if found is None else found.certificate.figures.threshold,
        miss_rate=None if found is None else found.certificate.figures.miss_rate,
        certificate=None if guarantee is None else guarantee.id,
        why_not=why_not,
    )
