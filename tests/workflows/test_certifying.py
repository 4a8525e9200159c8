"""Certifying on a calibration sample: what counts as found, which samples certify nothing, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blob_detector import BLOB_CLASSES, Blob, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from lineside.datasets.labelled import SampleOrigin, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionSelection, RevisionStore
from lineside.inspection.errors import CertificateRefused
from lineside.inspection.release import Sampling, read_release
from lineside.statistics.thresholds import ThresholdMethod
from lineside.workflows.certifying import (
    CertificationTask,
    SignedCertificate,
    certify,
    read_certificates,
    write_certificates,
)
from lineside.workflows.errors import GuaranteeRefused, SampleUnfit
from signing import TestKeys, a_certificate

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PARTS = 29  # for 10 % without a miss
ALL = tuple(Blob(index, 8 + 24 * index, 64) for index in range(len(BLOB_CLASSES)))
OPEN, SHORT = Blob(0, 8, 64), Blob(1, 32, 64)


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


class Bench:
    """A folder with the release and a store; certifies samples of it."""

    def __init__(self, folder: Path, keys: TestKeys) -> None:
        self.keys = keys
        self.release = TinyRelease().write(folder / "blobs")
        self.store = RevisionStore(str(folder / "store"))
        self._folder = folder

    def revision(self, images: Sequence[BlobImage]) -> Revision:
        return write_blob_revision(self.store, images)

    def certify(self, revision: Revision, *, splits: tuple[Split, ...] = (), **changes: Any) -> Sequence[Any]:
        task = CertificationTask(
            release=self.release,
            data=RevisionSelection(revision.id, splits),
            store=str(self._folder / "store"),
            recipe=None,
            engine="onnxruntime-fp32",
            engine_cache=None,
            plant="plant-1",
            line="line-1",
            classes=(),
            with_part=False,
            miss_rate=0.1,
            confidence=0.95,
            method=ThresholdMethod.LTT,
            sampled=Sampling.RANDOM,
            declared_by="Kim",
            days=90.0,
        )
        found = certify(replace(task, **changes), self.keys.deploy, self.keys.trust, now=NOW)
        return [signed.certificate for signed in found]


@pytest.fixture
def bench(tmp_path: Path, keys: TestKeys) -> Bench:
    return Bench(tmp_path, keys)


def sample(count: int = PARTS, *, drawn: Sequence[Blob] = ALL, name: str = "p", **fields: Any) -> list[BlobImage]:
    return [BlobImage(f"{name}{at}", drawn=drawn, split=Split.CALIBRATION, **fields) for at in range(count)]


def test_every_class_gets_a_certificate_for_this_release_line_and_engine(bench: Bench) -> None:
    revision = bench.revision([*sample(), BlobImage("good", split=Split.CALIBRATION)])
    found = bench.certify(revision)
    assert [each.scope.class_name for each in found] == list(BLOB_CLASSES)
    for each in found:
        assert each.release.digest == read_release(bench.release).digest
        assert (each.scope.line, each.scope.engine, each.plant) == ("line-1", "onnxruntime-fp32", "plant-1")
        assert (each.figures.parts, each.figures.misses, each.figures.confidence) == (PARTS, 0, 0.95)
        assert 0.9 < each.figures.threshold <= 1
        assert (each.data.revision, each.data.split, each.data.groups) == (revision.id, "calibration", PARTS)
        assert (each.data.sampled, each.data.declared_by) == (Sampling.RANDOM, "Kim")
        assert (each.expires_at - each.issued_at).days == 90


def test_a_guarantee_that_so_few_parts_cannot_carry_is_refused_with_the_number_missing(bench: Bench) -> None:
    images = [*sample(PARTS - 2, drawn=[OPEN, SHORT]), *sample(2, drawn=[OPEN], name="q")]
    with pytest.raises(GuaranteeRefused, match="Nothing was signed") as refused:
        bench.certify(bench.revision(images), classes=("open", "short", "spur"))
    assert refused.value.missing == {"short": 2, "spur": PARTS}
    assert len(bench.certify(bench.revision(images), classes=("open",))) == 1


def test_what_was_never_found_is_a_miss_at_every_threshold(bench: Bench) -> None:
    one_miss = [*sample(45), BlobImage("escape", labelled=[OPEN], split=Split.CALIBRATION)]
    [certificate] = bench.certify(bench.revision(one_miss), classes=("open",))
    assert (certificate.figures.parts, certificate.figures.misses, certificate.figures.never_found) == (46, 1, 1)
    too_many = [*one_miss, BlobImage("another", labelled=[OPEN], split=Split.CALIBRATION)]
    with pytest.raises(GuaranteeRefused, match="2 of 47 defective parts were not found") as refused:
        bench.certify(bench.revision(too_many), classes=("open",))
    assert refused.value.missing == {}, "more parts would not help"


def test_a_class_is_found_as_itself_and_a_part_by_whatever_lies_on_its_defect(bench: Bench) -> None:
    mistaken = Blob(1, 8, 64)
    images = sample(drawn=[OPEN], labelled=[mistaken])
    with pytest.raises(GuaranteeRefused, match="short: 29 of 29 defective parts were not found"):
        bench.certify(bench.revision(images), classes=("short",))
    [part] = bench.certify(bench.revision(images), with_part=True)
    assert (part.scope.class_name, part.figures.misses, part.figures.parts) == (None, 0, PARTS)
    elsewhere = sample(drawn=[Blob(0, 100, 8)], labelled=[OPEN], name="e")
    with pytest.raises(GuaranteeRefused, match="not found at any threshold"):
        bench.certify(bench.revision(elsewhere), with_part=True)


def test_one_defect_of_several_is_enough_and_a_part_counts_once(bench: Bench) -> None:
    images = sample(drawn=[OPEN], labelled=[OPEN, Blob(0, 100, 8)])
    [certificate] = bench.certify(bench.revision(images), classes=("open",))
    assert (certificate.figures.parts, certificate.figures.misses) == (PARTS, 0)


def test_parts_that_were_not_inspected_are_beside_the_sample(bench: Bench) -> None:
    blank = [BlobImage(f"blank{at}", labelled=[OPEN], is_blank=True, split=Split.CALIBRATION) for at in range(3)]
    [certificate] = bench.certify(bench.revision([*sample(), *blank]), classes=("open",))
    assert (certificate.figures.parts, certificate.data.not_inspected) == (PARTS, 3)


def test_the_average_is_signed_as_what_it_is(bench: Bench) -> None:
    [certificate] = bench.certify(
        bench.revision(sample(9)), classes=("open",), method=ThresholdMethod.CONFORMAL_AVERAGE
    )
    assert (certificate.is_guarantee, certificate.figures.confidence) == (False, None)


def with_splits(bench: Bench, *others: BlobImage) -> Revision:
    return bench.revision([*sample(), *others])


@pytest.mark.parametrize("split", [Split.TRAIN, Split.VAL, Split.GOLDEN, Split.SEALED, Split.ESCAPE_BANK])
def test_parts_that_make_or_judge_a_model_or_got_away_certify_nothing(bench: Bench, split: Split) -> None:
    other = BlobImage("other", drawn=[OPEN], split=split)
    fine = with_splits(bench, other)
    assert bench.certify(fine, classes=("open",))
    with pytest.raises(SampleUnfit, match=f"parts of {split} certify no threshold"):
        bench.certify(fine, splits=(split,))
    with pytest.raises(SampleUnfit, match="certify no threshold"):
        bench.certify(fine, splits=(Split.CALIBRATION, split))
    with pytest.raises(SampleUnfit, match="tied to parts that made or judged a model, or got away"):
        bench.certify(with_splits(bench, replace(other, group="p3")), classes=("open",))


def test_what_an_earlier_revision_used_otherwise_stays_used(bench: Bench) -> None:
    earlier = bench.revision([replace(image, split=Split.ESCAPE_BANK) for image in sample()])
    now_calibration = RevisionDraft(
        classes=earlier.classes,
        images=tuple(replace(image, split=Split.CALIBRATION) for image in earlier.images),
        source="drawn",
        licence_note="made by this test",
        parent=earlier.id,
    )
    with pytest.raises(SampleUnfit, match="or got away"):
        bench.certify(bench.store.write(now_calibration), classes=("open",))


def test_what_the_release_was_trained_on_stays_used(bench: Bench, tmp_path: Path) -> None:
    trained_on = bench.revision([replace(image, split=Split.TRAIN) for image in sample()])
    release = TinyRelease(changes={"dataset_revision": trained_on.id}).write(tmp_path / "trained")
    with pytest.raises(SampleUnfit, match="made or judged a model"):
        bench.certify(bench.revision(sample()), classes=("open",), release=release)


def test_a_sample_of_another_line_made_pictures_and_nobodys_word_are_refused(bench: Bench) -> None:
    with pytest.raises(SampleUnfit, match="has parts of line line-2; a guarantee for line 'line-1'"):
        bench.certify(bench.revision(sample(line="line-2")), classes=("open",))
    assert bench.certify(bench.revision(sample(line="line-1")), classes=("open",))
    revision = bench.revision(sample())
    with pytest.raises(SampleUnfit, match="nobody answers"):
        bench.certify(revision, declared_by=" ")
    with pytest.raises(SampleUnfit, match="finds no dent; it finds open"):
        bench.certify(revision, classes=("dent",))
    made = RevisionDraft(
        classes=revision.classes,
        images=revision.images,
        source="drawn",
        licence_note="made by this test",
        provenance={"augmentation": {"seed": 1}},
    )
    with pytest.raises(SampleUnfit, match="made images"):
        bench.certify(bench.store.write(made))


def test_a_key_that_no_server_would_believe_signs_nothing(bench: Bench) -> None:
    bench.keys = TestKeys(deploy=TestKeys().deploy, build=bench.keys.build)
    revision = bench.revision(sample())
    assert bench.certify(revision, classes=("open",))
    bench.keys = TestKeys(deploy=bench.keys.build, build=TestKeys().build)
    with pytest.raises(CertificateRefused, match="not signed as it must be"):
        bench.certify(revision, classes=("open",))


def test_files_are_read_back_as_they_were_signed(tmp_path: Path, keys: TestKeys) -> None:
    signed = []
    for class_name in ("short", "a/b", "a:b", "part", None):
        certificate = a_certificate(class_name=class_name)
        signed.append(SignedCertificate(certificate, *keys.sign_certificate(certificate)))
    files = write_certificates(signed, tmp_path / "out")
    assert [file.name for file in files] == [
        "class-short.json",
        "class-a_b.json",
        "class-a_b-2.json",
        "class-part.json",
        "part.json",
    ]
    assert set(read_certificates([tmp_path / "out"])) == set(signed)
    assert read_certificates([files[0]]) == (signed[0],)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SampleUnfit, match="holds no certificate"):
        read_certificates([tmp_path / "empty"])


def test_a_sample_of_picked_parts_certifies_nothing(bench: Bench) -> None:
    """The sample itself cannot say so, no revision would hold it; the revision that the release learnt from can."""
    revision = bench.revision(sample())
    picked = [replace(each, split=None, origin=SampleOrigin.picked("near_threshold")) for each in revision.images[:3]]
    learnt = bench.store.write(
        RevisionDraft(classes=revision.classes, images=tuple(picked), source="drawn", licence_note="made by this test")
    )
    bench.release = TinyRelease(changes={"dataset_revision": learnt.id}).write(bench.release.parent / "learnt")
    with pytest.raises(SampleUnfit, match=r"3 picked images \('p0-default', .* among the 29 of the sample"):
        bench.certify(revision)


@pytest.mark.parametrize("origin", [SampleOrigin.random("random", 0.05), SampleOrigin.designed("limit samples")])
def test_a_sample_that_was_drawn_or_designed_certifies(bench: Bench, origin: SampleOrigin) -> None:
    revision = bench.revision(sample())
    images = tuple(replace(each, origin=origin) for each in revision.images)
    said = bench.store.write(
        RevisionDraft(classes=revision.classes, images=images, source="drawn", licence_note="made by this test")
    )
    assert bench.certify(said, classes=("open",))
