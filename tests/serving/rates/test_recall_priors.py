"""What a release's manifest lets one believe of its recall, and what it does not."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.errors import UnknownRelease
from lineside.serving.rates.priors import RecallBelief, RecallPriors
from lineside.serving.releases import ReleaseRef
from lineside.statistics.rates import KnownReads

ESCAPES = {"events": 2, "units": 100}
GOLDEN = {
    "splits": ["golden"],
    "escapes": ESCAPES,
    "by_product": {"BRD": {"escapes": {"events": 1, "units": 40}}},
}


class OneRelease:
    """A shelf with one release in a folder."""

    def __init__(self, folder: Path, metrics: Any) -> None:
        self._folder = folder
        content = json.dumps({"metrics": metrics}).encode()
        (folder / "manifest.json").write_bytes(content)
        self.digest = hashlib.sha256(content).hexdigest()

    def names(self) -> tuple[str, ...]:
        return ("blobs",)

    def folder_of(self, ref: ReleaseRef) -> Path:
        if ref.digest != self.digest:
            raise UnknownRelease("no such release")
        return self._folder


@pytest.mark.parametrize(
    ("metrics", "products", "reads"),
    [
        pytest.param(GOLDEN, {"BRD", "XYZ"}, KnownReads(98, 2), id="all products together"),
        pytest.param(GOLDEN, {"BRD"}, KnownReads(39, 1), id="the product's own figures"),
        pytest.param(GOLDEN, {"XYZ"}, KnownReads(98, 2), id="a product that the golden set does not know"),
        pytest.param({**GOLDEN, "splits": ["val"]}, {"BRD"}, None, id="parts that chose the thresholds"),
        pytest.param({**GOLDEN, "splits": ["golden", "train"]}, {"BRD"}, None, id="parts that made the model"),
        pytest.param({}, {"BRD"}, None, id="no evaluation"),
        pytest.param({"splits": ["golden"], "escapes": {"events": 3, "units": 2}}, set(), None, id="impossible"),
        pytest.param({"splits": ["golden"], "escapes": {"events": 0, "units": 0}}, set(), None, id="no defective part"),
    ],
)
def test_only_a_golden_sets_reading_is_believed(
    tmp_path: Path, metrics: Any, products: set[str], reads: KnownReads | None
) -> None:
    shelf = OneRelease(tmp_path, metrics)
    prior = RecallPriors(shelf).of(  # type: ignore[arg-type]  # what is asked of a shelf
        frozenset({shelf.digest}), products=frozenset(products)
    )
    assert prior.reads == reads
    assert prior.source.startswith("golden set" if reads else "vague")


def test_several_releases_or_a_class_or_a_strange_release_leave_the_belief_vague(tmp_path: Path) -> None:
    shelf = OneRelease(tmp_path, GOLDEN)
    priors = RecallPriors(shelf)  # type: ignore[arg-type]  # what is asked of a shelf
    products = frozenset({"BRD"})
    assert priors.of(frozenset({shelf.digest, "a" * 64}), products=products).reads is None
    assert priors.of(frozenset({"a" * 64}), products=products).reads is None
    assert priors.of(frozenset({shelf.digest}), products=products, class_name="open").reads is None
    assert priors.of(frozenset({shelf.digest}), products=products, recall=RecallBelief.VAGUE).reads is None


@pytest.mark.parametrize(("splits", "where"), [((), "parts of no split"), (("train", "val"), "train and val")])
def test_a_vague_belief_says_what_the_release_was_evaluated_on(
    tmp_path: Path, splits: tuple[str, ...], where: str
) -> None:
    shelf = OneRelease(tmp_path, {**GOLDEN, "splits": list(splits)})
    prior = RecallPriors(shelf).of(  # type: ignore[arg-type]  # what is asked of a shelf
        frozenset({shelf.digest}), products=frozenset({"BRD"})
    )
    assert prior.source.endswith(f"was evaluated on {where}, on no golden set")
