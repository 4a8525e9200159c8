"""A view learnt from good parts, and the recipe drafted from it."""

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from good_parts import LARGEST_SHIFT_PX, SERIAL_BOX_XYXY_PX, SIZE_WH_PX, good_parts
from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.errors import RecipeError, RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.image_health import HealthFault, assess
from lineside.inspection.recipe import (
    DraftTerms,
    LearntView,
    defective_parts_needed,
    draft_recipe,
    learn_view,
    load_recipe,
    summary_lines,
)
from lineside.inspection.reference import PreparedReference, Reference, register

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def named(images: list[Image]) -> dict[str, Image]:
    return {f"part-{index}": image for index, image in enumerate(images)}


@pytest.fixture(scope="module")
def learnt() -> LearntView:
    return learn_view(named(list(good_parts(16))))


@pytest.fixture
def terms() -> DraftTerms:
    catalogue = builtin_catalogue("pcb")
    return DraftTerms(
        recipe_id="board-a",
        product="BRD-A",
        catalogue_id=catalogue.id,
        catalogue_version=catalogue.version,
        catalogue_classes=tuple(catalogue.classes),
        release="pcb-reference",
        view="top",
        golden_file="references/golden-1.png",
        approved_by="quality lead",
        approved_at=NOW,
        deadline_ms=800,
        scale=None,
    )


def reference_of(learnt: LearntView) -> PreparedReference:
    return PreparedReference.prepare(Reference("golden-1", learnt.golden, "quality lead", NOW))


def test_a_flaw_of_one_part_is_not_in_the_golden_image() -> None:
    parts = list(good_parts(11, has_serial=False))
    clean = learn_view(named(parts)).golden
    cv2.circle(parts[4], (150, 130), 9, 0, -1)

    assert np.abs(learn_view(named(parts)).golden.astype(int) - clean).max() < 40


def test_the_serial_number_is_what_varies(learnt: LearntView) -> None:
    left, top, right, bottom = SERIAL_BOX_XYXY_PX
    [zone, *others] = learnt.zones

    assert zone.parts_share > 0.25
    assert zone.box_xyxy_px[0] >= left - 16
    assert zone.box_xyxy_px[1] >= top - 16
    assert zone.box_xyxy_px[2] <= right + 16
    assert zone.box_xyxy_px[3] <= bottom + 16
    assert all(other.box_xyxy_px[0] >= left - 16 and other.box_xyxy_px[3] <= bottom + 16 for other in others)


def test_good_parts_without_a_number_do_not_vary() -> None:
    assert learn_view(named(list(good_parts(12, has_serial=False)))).zones == ()


def test_how_far_parts_lie_apart_is_found(learnt: LearntView) -> None:
    assert 1 <= learnt.largest_shift_px <= LARGEST_SHIFT_PX
    assert learnt.registration.max_shift_px >= 2 * learnt.largest_shift_px
    assert learnt.size_wh_px == SIZE_WH_PX


def test_further_good_parts_keep_the_learnt_limits(learnt: LearntView) -> None:
    reference = reference_of(learnt)
    for image in good_parts(30, seed=2):
        assert assess(image, learnt.health, previous_digest=None, digest="").is_healthy
        register(image, [reference], limits=learnt.registration, now=NOW)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 4.0), HealthFault.DEFOCUSED),
        (lambda image: (image * 0.3).astype(np.uint8), HealthFault.UNDER_EXPOSED),
        (lambda image: np.clip(image * 2.0, 0, 255).astype(np.uint8), HealthFault.OVER_EXPOSED),
    ],
    ids=["out of focus", "lamp failing", "lamp too bright"],
)
def test_a_picture_unlike_the_good_ones_is_refused(learnt: LearntView, spoil, fault: HealthFault) -> None:  # type: ignore[no-untyped-def]  # a table of pictures' changes
    [image] = good_parts(1, seed=3)

    assert fault in assess(spoil(image), learnt.health, previous_digest=None, digest="").faults


def test_another_product_does_not_fit(learnt: LearntView) -> None:
    [other] = good_parts(1, board=8)

    with pytest.raises(RegistrationRefused):
        register(other, [reference_of(learnt)], limits=learnt.registration, now=NOW)


def test_a_part_of_another_product_is_named() -> None:
    images = named(list(good_parts(12)))
    [images["stranger"]] = good_parts(1, board=8)

    with pytest.raises(RecipeError, match="stranger does not look like the other parts"):
        learn_view(images)


def test_too_few_parts_are_refused() -> None:
    with pytest.raises(RecipeError, match="9 good parts; expected 10 to 30"):
        learn_view(named(list(good_parts(9))))


def test_a_picture_of_another_size_is_named() -> None:
    images = named(list(good_parts(11)))
    images["small"] = np.ascontiguousarray(images["part-3"][:200])

    with pytest.raises(RecipeError, match="small has 320x200 px and the others 320x256"):
        learn_view(images)


def test_a_draft_is_a_recipe_in_learn_mode(learnt: LearntView, terms: DraftTerms) -> None:
    recipe = load_recipe(draft_recipe(learnt, terms), catalogue=builtin_catalogue("pcb"))
    view = recipe.views["top"]

    assert (recipe.id, recipe.version, recipe.product, recipe.release) == ("board-a", 1, "BRD-A", "pcb-reference")
    assert recipe.audit_share == 1.0
    assert recipe.retention.ok_share == 1.0
    assert all(limit.max_count == 0 and limit.confidence is None for limit in recipe.limits.values())
    assert view.zones == (), "a proposed zone is not in force"
    assert view.size_wh_px == SIZE_WH_PX
    assert view.registration.max_shift_px == learnt.registration.max_shift_px
    assert recipe.health == replace(learnt.health, refuse_repeats=True)
    assert recipe.scale is None


def test_a_proposed_zone_is_valid_once_its_comment_signs_are_gone(learnt: LearntView, terms: DraftTerms) -> None:
    lines = draft_recipe(learnt, terms).splitlines()
    start = lines.index("    # zones:")
    count = 1 + 3 * len(learnt.zones)
    uncommented = [line.replace("    # ", "    ", 1) for line in lines[start : start + count]]
    recipe = load_recipe(
        "\n".join(lines[:start] + uncommented + lines[start + count :]), catalogue=builtin_catalogue("pcb")
    )

    zones = recipe.views["top"].zones
    assert len(zones) == len(learnt.zones)
    assert all(zone.is_ignored for zone in zones)


def test_any_name_survives_the_file(learnt: LearntView, terms: DraftTerms) -> None:
    awkward = replace(terms, product='기판 "A": #1 {x}', approved_by="yes", recipe_id="null")
    recipe = load_recipe(draft_recipe(learnt, awkward), catalogue=builtin_catalogue("pcb"))

    assert recipe.product == '기판 "A": #1 {x}'
    assert recipe.views["top"].references[0].approved_by == "yes"
    assert recipe.id == "null"


def test_what_a_certificate_needs_is_said(learnt: LearntView, terms: DraftTerms) -> None:
    assert defective_parts_needed() == {0.1: 29, 0.05: 59, 0.01: 299}
    said = "\n".join(summary_lines(learnt, terms))
    assert "at most 5% misses: 59 defective parts each of open, short" in said
    assert "no scale" in said
