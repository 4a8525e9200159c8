"""What is believed of a release's recall before its line has told anything: its reading of the golden set.

Source: the `metrics` of the release's manifest, as its evaluation left them: `escapes` of `units` defective parts that
were judged, by product where there are several. The manifest is found by its digest, so it is the one that was
verified when the release was loaded. Only an evaluation on golden or sealed parts counts: figures from parts that
chose the model or its thresholds are better than the truth.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineside.inspection.canonical_json import parse_json
from lineside.inspection.release.manifest import MANIFEST_NAME
from lineside.serving.errors import UnknownRelease
from lineside.serving.releases import ReleaseRef, ReleaseShelf
from lineside.statistics.rates import KnownReads

_JUDGING_SPLITS = frozenset({"golden", "sealed"})


class RecallBelief(StrEnum):
    """What an estimate believes of the recall beforehand.

    `golden`: half the golden set's reading, half anything, where there is such a reading. `vague`: anything. Vague is
    right where nothing watches the recall: after a silent loss the golden half is believed until the audit refutes it.
    """

    GOLDEN = "golden"
    VAGUE = "vague"


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed beforehand, and why.

    Attributes:
        reads: hits and misses on the golden set; None for a vague belief.
        source: in words.
    """

    reads: KnownReads | None
    source: str


class RecallPriors:
    """Looks recall up in the manifests of the releases that judged.

    Args:
        releases: where the manifests are.
    """

    def __init__(self, releases: ReleaseShelf) -> None:
        self._releases = releases
        self._metrics: dict[str, Mapping[str, Any]] = {}

    def of(
        self,
        digests: frozenset[str],
        *,
        products: frozenset[str],
        class_name: str | None = None,
        recall: RecallBelief = RecallBelief.GOLDEN,
    ) -> Prior:
        """The belief for the parts of a span; reads files, so call it off the event loop.

        Args:
            digests: of all releases that judged in the span.
            products: of the parts.
            class_name: where the rate is of one class: the golden set's figures are of parts.
            recall: with `vague` no golden set is asked.
        """
        if recall is RecallBelief.VAGUE:
            return Prior(None, "vague: asked for without the golden set")
        if class_name is not None:
            return Prior(None, "vague: the golden set's recall is of parts, not of one class")
        if len(digests) != 1:
            found = "no release" if not digests else f"{len(digests)} releases"
            return Prior(None, f"vague: {found} judged in the span, so no golden set speaks for all of it")
        (digest,) = digests
        release = f"release {digest[:12]}"
        metrics = self._metrics_of(digest)
        if not metrics:
            return Prior(None, f"vague: {release} carries no evaluation, or is no longer here")
        splits = metrics.get("splits") or ()
        if not splits or not _JUDGING_SPLITS.issuperset(splits):
            where = " and ".join(map(str, splits)) or "parts of no split"
            return Prior(None, f"vague: {release} was evaluated on {where}, on no golden set")
        by_product = metrics.get("by_product") or {}
        product = next(iter(products)) if len(products) == 1 else None
        is_of_product = isinstance(by_product, Mapping) and product in by_product
        reads = _reads(by_product[product] if is_of_product else metrics)
        if reads is None:
            return Prior(None, f"vague: the evaluation of {release} counts no defective parts")
        which = f" of product {product!r}" if is_of_product else ""
        return Prior(reads, f"golden set{which}, from the manifest of {release}")

    def _metrics_of(self, digest: str) -> Mapping[str, Any]:
        if digest not in self._metrics:
            self._metrics[digest] = self._read(digest)
        return self._metrics[digest]

    def _read(self, digest: str) -> Mapping[str, Any]:
        for name in ("", *self._releases.names()):  # an uploaded one is found by its digest alone
            try:
                text = (self._releases.folder_of(ReleaseRef(name, digest)) / MANIFEST_NAME).read_bytes()
            except (UnknownRelease, OSError):
                continue
            if hashlib.sha256(text).hexdigest() == digest:
                metrics = parse_json(text).get("metrics")
                return metrics if isinstance(metrics, Mapping) else {}
        return {}


def _reads(figures: Any) -> KnownReads | None:
    """Hits and misses of a record of figures; None where it has none that make sense."""
    escapes = figures.get("escapes") if isinstance(figures, Mapping) else None
    if not isinstance(escapes, Mapping):
        return None
    misses, units = escapes.get("events"), escapes.get("units")
    if type(misses) is not int or type(units) is not int or not 0 <= misses <= units or units == 0:
        return None
    return KnownReads(hits=units - misses, misses=misses)
