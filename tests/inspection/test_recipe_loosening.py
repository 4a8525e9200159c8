from dataclasses import replace

import numpy as np
import pytest

from lineside.inspection.recipe import ClassLimit, Recipe, Zone, looser_than
from lineside.inspection.verdict import Verdict, judge
from lineside.inspection.zones import Polygon
from recipes import HEAD, NOW, ONE_VIEW, SCALE, findings, recipe, view_with_zones

REFERENCE = "{id: a, image: a.png, approved_by: q, approved_at: 2026-01-01T00:00:00Z, expires_at: 2026-09-01T00:00:00Z}"
SMALL = "[[0, 0], [50, 0], [50, 50], [0, 50]]"
LARGE = "[[0, 0], [90, 0], [90, 90], [0, 90]]"


def with_references(*references: str) -> str:
    return f"views: {{default: {{references: [{', '.join(references)}]}}}}\n"


def ignoring(polygon: str) -> str:
    return view_with_zones(f"- {{name: z, polygon_px: {polygon}, ignore: true}}\n")


def limiting(polygon: str, allowed: int) -> str:
    return view_with_zones(f"- {{name: z, polygon_px: {polygon}, limits: {{spur: {{max_count: {allowed}}}}}}}\n")


def limits(text: str) -> str:
    return ONE_VIEW + SCALE + f"limits: {{{text}}}\n"


NEW_YEAR_2027, NEW_YEAR_2028 = "2027-01-01 00:00:00+00:00", "2028-01-01 00:00:00+00:00"

LOOSER = {
    "a higher count": (limits("spur: {}"), limits("spur: {max_count: 2}"), ["limits.spur.max_count: 0 -> 2"]),
    "a higher threshold": (
        limits("spur: {confidence: 0.2}"),
        limits("spur: {confidence: 0.3}"),
        ["limits.spur.confidence: 0.2 -> 0.3"],
    ),
    "a threshold left to the release": (
        limits("spur: {confidence: 0.2}"),
        limits("spur: {}"),
        ["limits.spur.confidence: 0.2 -> the release's default"],
    ),
    "a smallest size": (limits("spur: {}"), limits("spur: {min_size_mm: 1}"), ["limits.spur.min_size: null -> 1 mm"]),
    "a larger largest size": (
        limits("spur: {max_count: 1, max_size_mm: 1}"),
        limits("spur: {max_count: 1, max_size_mm: 2}"),
        ["limits.spur.max_size: 1 -> 2 mm"],
    ),
    "no largest size any more": (
        limits("spur: {max_count: 1, max_size_mm: 1}"),
        limits("spur: {max_count: 1}"),
        ["limits.spur.max_size: 1 -> null mm"],
    ),
    "another size": (
        limits("spur: {max_count: 1, max_size_mm: 1}"),
        limits("spur: {max_count: 1, max_size_mm: 1, size_definition: width}"),
        ["limits.spur.size_definition: length -> width, which cannot be compared"],
    ),
    "a smaller scale": (
        ONE_VIEW + SCALE,
        ONE_VIEW + SCALE.replace("0.1", "0.09"),
        ["views.default.scale.mm_per_px: 0.1 -> 0.09"],
    ),
    "an old calibration prolonged": (
        ONE_VIEW + SCALE,
        ONE_VIEW + SCALE.replace("2027", "2028"),
        [
            (
                "views.default.scale.calibration.expires_at: "
                "2027-01-01 00:00:00+00:00 -> 2028-01-01 00:00:00+00:00, not calibrated anew"
            )
        ],
    ),
    "a view less": ("views: {a: {}, b: {}}\n", "views: {a: {}}\n", ["views.b: no longer asked for"]),
    "any size of frame": (ONE_VIEW, "views: {default: {}}\n", ["views.default.size_wh_px: [640, 480] -> any"]),
    "a new ignore zone": (
        ONE_VIEW,
        ignoring(SMALL),
        ["views.default.zones.z: ignores what no single zone ignored before"],
    ),
    "a larger ignore zone": (
        ignoring(SMALL),
        ignoring(LARGE),
        ["views.default.zones.z: ignores what no single zone ignored before"],
    ),
    "a limit zone that ignores now": (
        limiting(SMALL, 0),
        ignoring(SMALL),
        ["views.default.zones.z: ignores what no single zone ignored before"],
    ),
    "a new zone that counts apart": (
        ONE_VIEW,
        limiting(SMALL, 1),
        ["views.default.zones.z: a new zone, in which defects count apart"],
    ),
    "a zone that allows more": (
        limiting(SMALL, 1),
        limiting(SMALL, 2),
        ["views.default.zones.z.limits.spur.max_count: 1 -> 2"],
    ),
    "a stricter zone is gone": (
        limiting(SMALL, 0) + "limits: {spur: {max_count: 3}}\n",
        ONE_VIEW + "limits: {spur: {max_count: 3}}\n",
        ["views.default.zones.z: removed, though it was stricter"],
    ),
    "a new reference image": (
        with_references(REFERENCE),
        with_references(REFERENCE, REFERENCE.replace("id: a, image: a", "id: b, image: b")),
        ["views.default.references.b: a new reference image"],
    ),
    "a reference image that lasts longer": (
        with_references(REFERENCE),
        with_references(REFERENCE.replace("2026-09", "2026-10")),
        ["views.default.references.a.expires_at: 2026-09-01 00:00:00+00:00 -> 2026-10-01 00:00:00+00:00"],
    ),
    "no reference image any more": (
        with_references(REFERENCE),
        with_references(),
        ["views.default.references: no longer compared with a reference image"],
    ),
    "a weaker health limit": (ONE_VIEW, ONE_VIEW + "health: {min_std: 1}\n", ["health.min_std: 4 -> 1"]),
    "a health check switched off": (ONE_VIEW, ONE_VIEW + "health: {min_std: null}\n", ["health.min_std: 4 -> null"]),
    "repeats accepted": (
        ONE_VIEW,
        ONE_VIEW + "health: {refuse_repeats: false}\n",
        ["health.refuse_repeats: true -> false"],
    ),
    "noise of repeats accepted": (
        ONE_VIEW,
        ONE_VIEW + "health: {max_repeat_correlation: 0.99}\n",
        ["health.max_repeat_correlation: 0.9 -> 0.99"],
    ),
    "lines may be dropped": (
        ONE_VIEW,
        ONE_VIEW + "health: {max_dropped_lines: 2}\n",
        ["health.max_dropped_lines: 0 -> 2"],
    ),
    "light may step": (
        ONE_VIEW + "health: {max_mean_drift: 10}\n",
        ONE_VIEW + "health: {max_mean_drift: null}\n",
        ["health.max_mean_drift: 10 -> null"],
    ),
    "a weaker registration limit": (
        "views: {default: {registration: {max_residual: 0.2}}}\n",
        "views: {default: {registration: {max_residual: 0.5}}}\n",
        ["views.default.registration.max_residual: 0.2 -> 0.5"],
    ),
    "another motion": (
        "views: {default: {registration: {motion: translation}}}\n",
        "views: {default: {registration: {motion: affine}}}\n",
        ["views.default.registration.motion: translation -> affine"],
    ),
    "another rule for 16-bit frames": (
        "views: {default: {sixteen_bit: {shift_right: 4}}}\n",
        "views: {default: {sixteen_bit: {shift_right: 8}}}\n",
        ["views.default.sixteen_bit: ShiftRight(bits=4) -> ShiftRight(bits=8), which cannot be compared"],
    ),
    "fewer audits": (
        ONE_VIEW + "audit: {share: 0.02}\n",
        ONE_VIEW + "audit: {share: 0.01}\n",
        ["audit.share: 0.02 -> 0.01, so that escapes are seen later"],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), LOOSER.values(), ids=LOOSER)
def test_what_is_looser_is_named(old: str, new: str, expected: list[str]) -> None:
    assert list(looser_than(recipe(new), recipe(old))) == expected


NOT_LOOSER = {
    "nothing changed": (ONE_VIEW, ONE_VIEW),
    "a lower count": (limits("spur: {max_count: 2}"), limits("spur: {}")),
    "a lower threshold": (limits("spur: {confidence: 0.3}"), limits("spur: {confidence: 0.2}")),
    "no smallest size any more": (limits("spur: {min_size_mm: 1}"), limits("spur: {}")),
    "a largest size where none is allowed": (limits("spur: {max_size_mm: 1}"), limits("spur: {max_size_mm: 2}")),
    "a larger scale": (ONE_VIEW + SCALE, ONE_VIEW + SCALE.replace("0.1", "0.11")),
    "calibrated anew": (ONE_VIEW + SCALE, ONE_VIEW + SCALE.replace("CAL-1", "CAL-2").replace("2027", "2028")),
    "a view more": ("views: {a: {}}\n", "views: {a: {}, b: {}}\n"),
    "a smaller ignore zone": (ignoring(LARGE), ignoring(SMALL)),
    "no ignore zone any more": (ignoring(LARGE), ONE_VIEW),
    "a new zone that allows nothing": (ONE_VIEW, limiting(SMALL, 0)),
    "a stricter zone grows": (limiting(SMALL, 0), limiting(LARGE, 0)),
    "a looser zone is gone": (limiting(SMALL, 4), ONE_VIEW),
    "a reference image less": (
        with_references(REFERENCE, REFERENCE.replace("id: a, image: a", "id: b, image: b")),
        with_references(REFERENCE),
    ),
    "a stronger health limit": (ONE_VIEW, ONE_VIEW + "health: {min_std: 5, max_mean: 200}\n"),
    "a longer deadline and another retention": (ONE_VIEW, ONE_VIEW + "retention: {days: 1}\n"),
}


@pytest.mark.parametrize(("old", "new"), NOT_LOOSER.values(), ids=NOT_LOOSER)
def test_what_is_at_least_as_strict_passes(old: str, new: str) -> None:
    assert looser_than(recipe(new), recipe(old)) == ()


def test_a_longer_deadline_is_not_looser() -> None:
    assert looser_than(recipe(head=HEAD.replace("500", "900")), recipe()) == ()


def test_another_release_or_product_cannot_be_compared() -> None:
    changed = recipe(head=HEAD.replace("pcb-reference", "pcb-single").replace("BRD", "BRD-2"))
    assert looser_than(changed, recipe()) == (
        "product: BRD -> BRD-2, which cannot be compared",
        "release: pcb-reference -> pcb-single, which cannot be compared",
    )


def test_with_the_releases_thresholds_known_a_stricter_own_one_passes() -> None:
    old, new = recipe(limits("spur: {}")), recipe(limits("spur: {confidence: 0.2}"))
    assert looser_than(new, old) == ("limits.spur.confidence: the release's default -> 0.2",)
    assert looser_than(new, old, release_thresholds={"spur": 0.25}) == ()
    assert looser_than(old, new, release_thresholds={"spur": 0.25}) == ("limits.spur.confidence: 0.2 -> 0.25",)


# The promise itself: where nothing is listed, no part that the old recipe stops passes under the new one.

Part = list[tuple[str, float, tuple[float, ...]]]

CLASSES = ("spur", "copper")
POLYGONS = tuple(
    Polygon(tuple((float(x), float(y)) for x, y in corners))
    for corners in (
        ((0, 0), (60, 0), (60, 60), (0, 60)),
        ((0, 0), (90, 0), (90, 90), (0, 90)),
        ((30, 30), (120, 40), (60, 110)),
        ((0, 0), (120, 0), (120, 120), (80, 120), (80, 30), (40, 30), (40, 120), (0, 120)),
    )
)
BASE = recipe("views: {default: {size_wh_px: [160, 160]}}\n" + SCALE)


def random_limit(rng: np.random.Generator, class_name: str) -> ClassLimit:
    return replace(
        BASE.limits[class_name],
        max_count=int(rng.integers(0, 3)),
        confidence=[0.3, 0.6][rng.integers(2)],
        min_size_mm=[None, 0.5, 1.0][rng.integers(3)],
        max_size_mm=[None, 2.0, 3.0][rng.integers(3)],
    )


def random_zone(rng: np.random.Generator, name: str, limits: dict[str, ClassLimit]) -> Zone:
    polygon = POLYGONS[rng.integers(len(POLYGONS))]
    if rng.random() < 0.3:
        return Zone(name, polygon, None)
    own = {
        each: replace(random_limit(rng, each), confidence=limits[each].confidence, max_count=int(rng.integers(0, 2)))
        for each in CLASSES
        if rng.random() < 0.6
    }
    return Zone(name, polygon, {**limits, **own})


def random_recipe(rng: np.random.Generator, old: Recipe | None = None) -> Recipe:
    """A recipe at random or, given an old one, with about one in four of its rules changed at random."""

    def is_kept() -> bool:
        return old is not None and rng.random() < 0.75

    kept = BASE if old is None else old
    limits = {**BASE.limits}
    for name in CLASSES:
        limits[name] = kept.limits[name] if is_kept() else random_limit(rng, name)
    before = {zone.name: zone for zone in kept.views["default"].zones}
    zones = []
    for name in ("one", "two"):
        zone = before.get(name)
        if not is_kept():
            zone = random_zone(rng, name, limits) if rng.random() < 0.6 else None
        if zone is not None:
            zones.append(zone)
    view = replace(BASE.views["default"], zones=tuple(zones))
    assert view.scale is not None
    scale = kept.views["default"].scale if is_kept() else replace(view.scale, mm_per_px=[0.1, 0.12][rng.integers(2)])
    return replace(BASE, limits=limits, views={"default": replace(view, scale=scale)})


def random_part(rng: np.random.Generator) -> Part:
    part: Part = []
    for _ in range(rng.integers(1, 5)):
        left, top = (float(each) for each in rng.integers(0, 110, 2))
        width, height = (float(each) for each in rng.integers(2, 40, 2))
        box = (left, top, left + width, top + height)
        part.append((CLASSES[rng.integers(2)], float(rng.choice([0.2, 0.4, 0.7])), box))
    return part


def test_what_is_not_listed_as_looser_passes_no_part_that_was_stopped() -> None:
    """2,500 pairs of recipes at random, 6 parts each; both outcomes must occur often enough to mean something."""
    rng = np.random.default_rng(20260601)
    counts = {
        "at least as strict": 0,
        "and strictly so for a part": 0,
        "listed": 0,
        "listed, and a part got through": 0,
    }

    def verdict(rules: Recipe, part: Part) -> Verdict:
        seen = {"default": findings(*part, size_wh_px=(160, 160))}
        return judge(rules, seen, release_thresholds=dict.fromkeys(BASE.limits, 0.3), now=NOW).verdict

    for _ in range(2500):
        old = random_recipe(rng)
        new = random_recipe(rng, old)
        listed = looser_than(new, old)
        verdicts = [(verdict(old, part), verdict(new, part)) for part in (random_part(rng) for _ in range(6))]
        got_through = (Verdict.NG, Verdict.OK) in verdicts
        if listed:
            counts["listed"] += 1
            counts["listed, and a part got through"] += got_through
        else:
            assert not got_through, (old, new)
            counts["at least as strict"] += 1
            counts["and strictly so for a part"] += (Verdict.OK, Verdict.NG) in verdicts
    assert min(counts.values()) > 50, counts
