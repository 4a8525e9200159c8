"""Certifying a release's thresholds on a calibration sample, judged on the engine that serves.

The deploy key signs. A guarantee that the sample cannot carry is refused, with the number of parts that are missing;
nothing is then signed.
"""

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from lineside.datasets.augment import PROVENANCE_KEY as AUGMENTATION_KEY
from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import find_leaks_by_identity
from lineside.datasets.revisions import Revision, RevisionSelection, RevisionStore
from lineside.datasets.sample_origins import describe_picked, picked_among
from lineside.datasets.splits import ancestral_images
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.release import (
    CERTIFICATE_SCHEMA,
    CalibrationData,
    Certificate,
    CertifiedScope,
    Release,
    ReleaseReference,
    Sampling,
    SigningKey,
    TrustStore,
    parse_manifest,
    read_manifest,
    read_release,
    run_canary,
    verify_certificate,
)
from lineside.statistics.errors import MissedAtEveryThreshold, TooFewParts
from lineside.statistics.thresholds import (
    CertifiedThreshold,
    ThresholdMethod,
    certified_threshold,
    conformal_average_threshold,
)
from lineside.training.evaluation.judging import JudgedPart, PartJudge, parts_of
from lineside.workflows.calibration_scores import CalibrationScores, calibration_scores
from lineside.workflows.errors import GuaranteeRefused, SampleUnfit
from lineside.workflows.recipe_rules import RecipeFile, rules_for

SIGNATURE_SUFFIX = ".sig.json"
_STEP = 1_000_000
"""Thresholds are rounded down to six decimals, as answers show them: never laxer than what was found."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class CertificationTask:
    """What to certify.

    Attributes:
        release: folder of the release.
        data: revision; its `calibration` split is the sample.
        store: where revisions live, a folder or a URL.
        recipe: the recipe by which the line judges; None for one that allows nothing.
        engine: "auto", or an engine's name; the one that serves.
        engine_cache: where the choice of engine is remembered; None measures anew.
        plant: whose line it is.
        line: whose parts the sample was drawn from.
        classes: to certify; empty for every class of the release.
        with_part: also certify parts with any defect.
        miss_rate: wanted at most.
        confidence: of the guarantee; of no meaning for `CONFORMAL_AVERAGE`.
        method: exact, or on average only.
        sampled: how the sample came together.
        declared_by: who answers for that.
        days: until the certificates expire.
    """

    release: Path
    data: RevisionSelection
    store: str
    recipe: RecipeFile | None
    engine: str
    engine_cache: Path | None
    plant: str
    line: str
    classes: tuple[str, ...]
    with_part: bool
    miss_rate: float
    confidence: float
    method: ThresholdMethod
    sampled: Sampling
    declared_by: str
    days: float


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate with its signature.

    Attributes:
        certificate: what was signed.
        document: its exact bytes.
        signature: the content of its signature file.
    """

    certificate: Certificate
    document: bytes
    signature: bytes


def certify(
    task: CertificationTask,
    key: SigningKey,
    trust: TrustStore,
    *,
    now: datetime,
    on_part: Callable[[int, int], None] | None = None,
) -> tuple[SignedCertificate, ...]:
    """Judge the sample and sign a certificate for each class that was asked for, and for the part.

    Args:
        task: what and on what.
        key: the deploy key.
        trust: the plant's trust file: what it would not believe is not signed.
        now: aware UTC instant.
        on_part: called after each part with how many are judged and how many there are.

    Returns:
        In the order of the release's classes, the part last.

    Raises:
        GuaranteeRefused: a guarantee that was asked for cannot be carried; says by how many parts for each.
        SampleUnfit: the parts are no sample that certifies anything.
        CertificateRefused: the key may not sign certificates here.
        LinesideError: release, recipe, engine or data cannot be used.
    """
    release = read_release(task.release)
    store = RevisionStore(task.store)
    revision = store.read(task.data.revision)
    manifest = parse_manifest(read_manifest(task.release), source=str(task.release))
    sample = _sample(task, store, revision, trained_on=manifest.dataset_revision)
    asked = _asked_classes(task, release)
    classes = (*revision.classes, *(name for name in release.classes if name not in revision.classes))
    parts, engine = _judge(task, release, sample, store, classes, now, on_part)
    scopes: list[str | None] = [*asked, None] if task.with_part else list(asked)
    found = [calibration_scores(parts, classes, class_name=name) for name in scopes]
    figures = _figures(task, found)
    issued_at = now.replace(microsecond=0)
    reference = ReleaseReference(release.name, release.version, release.digest)
    return tuple(
        _signed(
            Certificate(
                plant=task.plant,
                release=reference,
                scope=CertifiedScope(task.line, release.digest, engine, scores.class_name),
                figures=each,
                data=CalibrationData(
                    revision=revision.id,
                    split=Split.CALIBRATION.value,
                    sampled=task.sampled,
                    declared_by=task.declared_by,
                    groups=scores.groups,
                    not_inspected=scores.not_inspected,
                ),
                issued_at=issued_at,
                expires_at=issued_at + timedelta(seconds=round(task.days * 86400)),
            ),
            key,
            trust,
            now,
        )
        for scores, each in zip(found, figures, strict=True)
    )


def write_certificates(signed: Sequence[SignedCertificate], folder: Path) -> tuple[Path, ...]:
    """Write each document and, beside it, its signature.

    Returns:
        The documents' files, named after their class.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for each in signed:
        scope = each.certificate.scope
        safe = re.sub(r"[^A-Za-z0-9_-]+", "_", scope.label)
        name = safe if scope.class_name is None else f"class-{safe}"
        is_taken = folder / f"{name}.json" in written  # two classes that differ in what no file name has
        path = folder / (f"{name}-{len(written)}.json" if is_taken else f"{name}.json")
        path.write_bytes(each.document)
        path.with_suffix(SIGNATURE_SUFFIX).write_bytes(each.signature)
        written.append(path)
    return tuple(written)


def read_certificates(paths: Sequence[Path]) -> tuple[SignedCertificate, ...]:
    """Read what `write_certificates` wrote.

    Args:
        paths: documents, or folders of them.

    Raises:
        CertificateRefused: a document is no certificate.
        SampleUnfit: a folder holds none.
        OSError: a file or its signature cannot be read.
    """
    documents: list[Path] = []
    for path in paths:
        inside = sorted(file for file in path.glob("*.json") if not file.name.endswith(SIGNATURE_SUFFIX))
        if path.is_dir() and not inside:
            raise SampleUnfit(f"{path} holds no certificate; `lineside threshold certify --out {path}` writes them")
        documents += inside if path.is_dir() else [path]
    return tuple(
        SignedCertificate(
            Certificate.from_bytes(path.read_bytes()),
            path.read_bytes(),
            path.with_suffix(SIGNATURE_SUFFIX).read_bytes(),
        )
        for path in documents
    )


def _sample(
    task: CertificationTask, store: RevisionStore, revision: Revision, *, trained_on: str | None
) -> tuple[LabelledImage, ...]:
    """The calibration split, if it may certify.

    Raises:
        SampleUnfit: it was picked, made, trained on, held back for judging, or comes from another line.
    """
    if task.data.splits not in ((), (Split.CALIBRATION,)):
        raise SampleUnfit(
            f"parts of {', '.join(task.data.splits)} certify no threshold: what makes or judges a model, and what got "
            f"away before, is no sample of the line's defects; expected {revision.id[:12]}:calibration"
        )
    if not task.declared_by.strip():
        raise SampleUnfit("nobody answers for how the sample came together; give a name")
    if AUGMENTATION_KEY in revision.provenance:
        raise SampleUnfit(f"revision {revision.id[:12]} has made images, and what is made is no sample of a line")
    sample = RevisionSelection(revision.id, (Split.CALIBRATION,)).images(revision)
    elsewhere = sorted({str(image.line) for image in sample if image.line not in (None, task.line)})
    if elsewhere:
        raise SampleUnfit(
            f"the sample has parts of line {', '.join(elsewhere)}; a guarantee for line {task.line!r} needs parts of it"
        )
    others = [*revision.images, *ancestral_images(store, revision)]
    if trained_on is not None:
        with suppress(RevisionUnknown):  # it lies elsewhere: who declares the sample answers for that as well
            others += store.read(trained_on).images
    picked = picked_among(sample, lineage=others)
    if picked:
        raise SampleUnfit(
            f"{describe_picked(picked)} among the {len(sample)} of the sample: they were chosen for what they show, "
            "and what holds for them need not hold for the line. Certify on random or designed samples"
        )
    used = [image for image in others if image.split not in (None, Split.CALIBRATION)]
    leaks = find_leaks_by_identity(sample, used)
    if leaks:
        shown = "; ".join(leak.detail for leak in leaks[:_NAMED])
        raise SampleUnfit(
            f"{len(leaks)} of {len(sample)} images are tied to parts that made or judged a model, or got away: "
            f"{shown}. A sample is drawn at random or designed, and used for nothing else"
        )
    return sample


def _asked_classes(task: CertificationTask, release: Release) -> tuple[str, ...]:
    unknown = sorted(set(task.classes) - set(release.classes))
    if unknown:
        raise SampleUnfit(
            f"release {release.name} finds no {', '.join(unknown)}; it finds {', '.join(release.classes)}"
        )
    return task.classes or (() if task.with_part else tuple(release.classes))


def _judge(
    task: CertificationTask,
    release: Release,
    sample: Sequence[LabelledImage],
    store: RevisionStore,
    classes: Sequence[str],
    now: datetime,
    on_part: Callable[[int, int], None] | None,
) -> tuple[list[JudgedPart], str]:
    """Every part judged, everything kept that was found, and the engine's name."""
    rules, _ = rules_for(task.recipe, release)
    detector = open_detector(release, choose_engine(release, cache_dir=task.engine_cache, requested=task.engine))
    try:
        if release.canary:
            run_canary(detector, release)
        parts = parts_of(sample)
        judged = []
        for part in PartJudge(detector, store, classes, rules=rules, now=now).judge_all(parts):
            judged.append(part)
            if on_part is not None:
                on_part(len(judged), len(parts))
        return judged, detector.engine_name
    finally:
        detector.close()


def _figures(task: CertificationTask, found: Sequence[CalibrationScores]) -> list[CertifiedThreshold]:
    """The threshold of each; all or none: who asks for a guarantee of six classes does not get one of five."""
    figures: list[CertifiedThreshold] = []
    refused: list[str] = []
    missing: dict[str, int] = {}
    for scores in found:
        label = "part" if scores.class_name is None else scores.class_name
        try:
            figures.append(_threshold(task, scores.scores))
        except TooFewParts as error:
            missing[label] = error.needed - error.found
            beside = f" ({scores.not_inspected} more were not inspected)" if scores.not_inspected else ""
            refused.append(f"{label}: {error}{beside}")
        except MissedAtEveryThreshold as error:
            refused.append(f"{label}: {error}")
    if refused:
        raise GuaranteeRefused(f"{'; '.join(refused)}. Nothing was signed", missing=missing)
    return figures


def _threshold(task: CertificationTask, scores: Sequence[float]) -> CertifiedThreshold:
    if task.method is ThresholdMethod.LTT:
        found = certified_threshold(scores, miss_rate=task.miss_rate, confidence=task.confidence)
    else:
        found = conformal_average_threshold(scores, miss_rate=task.miss_rate)
    return replace(found, threshold=math.floor(found.threshold * _STEP) / _STEP)


def _signed(certificate: Certificate, key: SigningKey, trust: TrustStore, now: datetime) -> SignedCertificate:
    document = certificate.to_bytes()
    signature = key.sign(document, schema=CERTIFICATE_SCHEMA)
    verify_certificate(document, signature, trust, plant=certificate.plant, now=now)
    return SignedCertificate(certificate, document, signature)
