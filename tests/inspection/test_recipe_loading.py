import contextlib
import json
import re
import runpy
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.catalogue import Severity, builtin_catalogue, load_catalogue
from lineside.inspection.decoding import LinearWindow, ShiftRight
from lineside.inspection.errors import RecipeError
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe import (
    ClassLimit,
    check_release_fits,
    load_recipe,
    recipe_digest,
    recipe_json_schema,
)
from lineside.inspection.recipe.file_format import HealthInFile, RegistrationInFile
from lineside.inspection.reference import RegistrationLimits
from lineside.inspection.sizes import SizeDefinition
from recipes import HEAD, ONE_VIEW, SCALE, recipe, recipe_text, view_with_zones

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/recipes.md").read_text(encoding="utf-8")
EXAMPLE, CATALOGUE_EXAMPLE = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
PCB = builtin_catalogue("pcb")


def test_the_guides_example_loads_and_means_what_the_guide_says() -> None:
    loaded = load_recipe(EXAMPLE, catalogue=PCB, source="docs/guides/recipes.md")
    assert (loaded.id, loaded.version, loaded.release, loaded.deadline_ms) == ("board-a", 3, "pcb-reference", 400)
    view = loaded.views["top"]
    assert view.references[0].approved_at == datetime(2026, 4, 12, 0, 30, tzinfo=UTC)
    assert view.references[0].sha256 is None
    assert view.scale == loaded.scale
    assert (view.registration.max_shift_px, view.registration.max_residual) == (12, 0.12)
    fiducials, fingers = view.zones
    assert fiducials.is_ignored
    assert not fingers.is_ignored
    assert fingers.limit_for("spur").max_count == 0
    assert fingers.limit_for("copper") == loaded.limit_for("copper")
    assert loaded.limit_for("copper") == ClassLimit(1, SizeDefinition.AREA, Severity.MAJOR, max_size_mm=0.04)
    assert loaded.limit_for("open").confidence == 0.2
    assert loaded.health == HealthLimits(min_sharpness=0.1, max_black_share=0.9)
    assert (loaded.audit_share, loaded.retention.max_gigabytes) == (0.02, 200)


def test_the_guides_catalogue_loads() -> None:
    assert load_catalogue(CATALOGUE_EXAMPLE).successors("scratch") == ("deep scratch", "scuff")


def test_the_committed_schemas_are_what_the_models_give() -> None:
    """After a change: python docs/schemas/generate.py."""
    texts = runpy.run_path(str(ROOT / "docs/schemas/generate.py"))["schema_texts"]()
    for name, text in texts.items():
        assert (ROOT / "docs/schemas" / name).read_text(encoding="utf-8") == text


def test_the_schema_accepts_the_guides_example_and_refuses_an_unknown_key() -> None:
    validator = jsonschema.Draft202012Validator(recipe_json_schema())
    validator.check_schema(recipe_json_schema())
    content = json.loads(json.dumps(yaml.safe_load(EXAMPLE), default=str))
    validator.validate(content)
    content["views"]["top"]["zonse"] = []
    with pytest.raises(jsonschema.ValidationError, match="zonse"):
        validator.validate(content)


def test_a_class_that_the_recipe_does_not_mention_allows_nothing() -> None:
    loaded = recipe(ONE_VIEW + "limits: {spur: {max_count: 3}}\n")
    assert loaded.limit_for("spur").max_count == 3
    assert {name: loaded.limit_for(name).max_count for name in PCB.classes if name != "spur"} == {
        "open": 0,
        "short": 0,
        "mousebite": 0,
        "copper": 0,
        "pin-hole": 0,
    }
    assert loaded.limit_for("never heard of") == ClassLimit(0, severity=Severity.CRITICAL)
    assert loaded.named_classes == {"spur"}


@pytest.mark.parametrize(
    ("near", "peak", "is_near"),
    [
        pytest.param("0.5", 0.1, True, id="half of the lowest threshold"),
        pytest.param("0.5", 0.099, False, id="not quite"),
        pytest.param("0.5", None, False, id="not measured"),
        pytest.param("null", 0.19, False, id="not asked for"),
    ],
)
def test_a_part_is_near_when_its_surest_score_reaches_a_share_of_the_lowest_threshold(
    near: str, peak: float | None, *, is_near: bool
) -> None:
    retention = recipe(ONE_VIEW + f"retention: {{near_threshold: {near}}}\n").retention
    assert retention.is_near_threshold(peak, {"open": 0.2, "short": 0.9}) is is_near
    assert not retention.is_near_threshold(peak, {})


@pytest.mark.parametrize("near", ["0", "1.5", "-0.5", "near"])
def test_a_share_of_the_threshold_that_is_none_is_refused(near: str) -> None:
    with pytest.raises(RecipeError, match=r"retention\.near_threshold"):
        recipe(ONE_VIEW + f"retention: {{near_threshold: {near}}}\n")


def test_a_size_definition_of_the_recipe_overrides_the_catalogues() -> None:
    assert PCB.classes["copper"].size_definition is SizeDefinition.AREA
    loaded = recipe(ONE_VIEW + SCALE + "limits: {copper: {size_definition: length, max_size_mm: 0.5}}\n")
    assert loaded.limit_for("copper").size_definition is SizeDefinition.LENGTH


def test_a_views_own_scale_goes_before_the_recipes() -> None:
    own = SCALE.replace("0.1", "0.5").replace("CAL-1", "CAL-2")
    body = "views:\n  near: {}\n  far:\n" + "".join(f"    {line}\n" for line in own.splitlines()) + SCALE
    loaded = recipe(body)
    near, far = loaded.views["near"].scale, loaded.views["far"].scale
    assert near is not None
    assert far is not None
    assert (near.mm_per_px, far.mm_per_px, far.calibration.id) == (0.1, 0.5, "CAL-2")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("{shift_right: 4}", ShiftRight(4)), ("{window: [100, 4000]}", LinearWindow(100, 4000))],
)
def test_a_view_may_say_how_its_16_bit_frames_are_read(rule: str, expected: ShiftRight | LinearWindow) -> None:
    assert recipe(f"views: {{default: {{sixteen_bit: {rule}}}}}\n").views["default"].sixteen_bit == expected


@pytest.mark.parametrize("rule", ["{}", "{shift_right: 4, window: [0, 9]}", "{window: [9, 9]}", "{shift_right: 9}"])
def test_a_16_bit_rule_is_one_rule_that_makes_sense(rule: str) -> None:
    with pytest.raises(RecipeError, match="sixteen_bit"):
        recipe(f"views: {{default: {{sixteen_bit: {rule}}}}}\n")


def test_every_health_and_registration_limit_can_be_set_in_the_file() -> None:
    assert set(HealthInFile.model_fields) == {field.name for field in fields(HealthLimits)}
    assert set(RegistrationInFile.model_fields) == {field.name for field in fields(RegistrationLimits)}
    loaded = recipe()
    assert loaded.health == HealthLimits()
    assert loaded.views["default"].registration == RegistrationLimits()


def test_null_switches_a_health_check_off() -> None:
    assert recipe(ONE_VIEW + "health: {min_std: null}\n").health == HealthLimits(min_std=None)


def with_reference_image(image: str) -> str:
    reference = f"{{id: a, image: {image}, approved_by: q, approved_at: 2026-01-01T00:00:00Z}}"
    return f"views: {{default: {{references: [{reference}]}}}}\n"


SQUARE = "[[0, 0], [9, 0], [9, 9], [0, 9]]"
REFUSED = {
    "unknown key, near one": (
        ONE_VIEW + "limit: {}\n",
        r"recipe:9: limit: unknown key 'limit'; did you mean 'limits'\?",
    ),
    "unknown key, deep": (
        "views:\n  default:\n    size: [1, 2]\n",
        r"recipe:10: views\.default\.size: unknown key 'size'; did you mean 'size_wh_px'\?",
    ),
    "duplicate key": (ONE_VIEW + ONE_VIEW, r"recipe:9: the key 'views' is here twice \(first in line 8\)"),
    "unknown class": (
        ONE_VIEW + "limits:\n  scratch: {}\n",
        r"recipe:10: limits\.scratch: no class 'scratch' in catalogue 'pcb' version 1; it has: open, short, ",
    ),
    "unknown class in a zone": (
        view_with_zones(f"- name: z\n  polygon_px: {SQUARE}\n  limits: {{scratch: {{}}}}\n"),
        r"recipe:14: views\.default\.zones\[0\]\.limits\.scratch: no class 'scratch'",
    ),
    "no view": ("views: {}\n", r"recipe:8: views: .*at least 1"),
    "views missing": ("", r"recipe:1: views: required, but not there"),
    "negative count": (
        ONE_VIEW + "limits: {open: {max_count: -1}}\n",
        r"limits\.open\.max_count: .*greater than or equal to 0 \(found -1\)",
    ),
    "a count that is a fraction": (ONE_VIEW + "limits: {open: {max_count: 1.5}}\n", "valid integer"),
    "a count that is text": (ONE_VIEW + "limits: {open: {max_count: '1'}}\n", "valid integer"),
    "a count that is yes": (ONE_VIEW + "limits: {open: {max_count: true}}\n", "valid integer"),
    "NaN": (ONE_VIEW + "limits: {open: {confidence: .nan}}\n", "valid number"),
    "infinity": (ONE_VIEW + "limits: {open: {confidence: 1e999}}\n", "valid number"),
    "confidence above 1": (ONE_VIEW + "limits: {open: {confidence: 25}}\n", "less than or equal to 1"),
    "size limit without a scale": (
        ONE_VIEW + "limits: {open: {max_size_mm: 1}}\n",
        r"limits\.open: a size limit, but view 'default' has no scale",
    ),
    "size limit of a zone without a scale": (
        view_with_zones(f"- name: z\n  polygon_px: {SQUARE}\n  limits: {{open: {{min_size_mm: 1}}}}\n"),
        r"zones\[0\]\.limits\.open: a size limit, but view 'default' has no scale",
    ),
    "an area in mm": (
        ONE_VIEW + SCALE + "limits: {copper: {max_size_mm: 1}}\n",
        r"limits\.copper\.max_size_mm: this class is measured by its area, in mm²; write max_size_mm2",
    ),
    "a length in mm2": (
        ONE_VIEW + SCALE + "limits: {open: {min_size_mm2: 1}}\n",
        r"limits\.open\.min_size_mm2: this class is measured by its length, in mm; write min_size_mm$",
    ),
    "smallest above largest": (
        ONE_VIEW + SCALE + "limits: {open: {min_size_mm: 2, max_size_mm: 1}}\n",
        "above the largest",
    ),
    "scale of zero": (ONE_VIEW + SCALE.replace("0.1", "0"), "greater than 0"),
    "scale without its calibration": (ONE_VIEW + "scale: {mm_per_px: 0.1}\n", "scale.calibration: required"),
    "calibration that ends before it begins": (
        ONE_VIEW + SCALE.replace("2027", "2025"),
        r"scale\.calibration\.expires_at: not after `at`",
    ),
    "local time": (ONE_VIEW + SCALE.replace("00:00Z", "00:00"), "expected an instant with its offset"),
    "a day that does not exist": (ONE_VIEW + SCALE.replace("2026-01-01", "2026-02-30"), "expected an instant"),
    "the first instant of the calendar": (
        ONE_VIEW + SCALE.replace("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"),
        "expected an instant",
    ),
    "zones without a size": (
        f"views: {{default: {{zones: [{{name: z, polygon_px: {SQUARE}, ignore: true}}]}}}}\n",
        "size_wh_px",
    ),
    "two corners": (view_with_zones("- {name: z, polygon_px: [[0, 0], [1, 1]], ignore: true}\n"), "at least 3"),
    "a corner with three numbers": (
        view_with_zones("- {name: z, polygon_px: [[0, 0, 0], [1, 1], [2, 0]], ignore: true}\n"),
        "at most 2",
    ),
    "a bow tie": (
        view_with_zones("- {name: z, polygon_px: [[0, 0], [9, 9], [9, 0], [0, 9]], ignore: true}\n"),
        r"zones\[0\]\.polygon_px: the polygon's edge 1 .* crosses",
    ),
    "outside the view": (
        view_with_zones("- {name: z, polygon_px: [[0, 0], [641, 0], [9, 9]], ignore: true}\n"),
        "outside the view of 640x480 px",
    ),
    "neither ignore nor limits": (
        view_with_zones(f"- {{name: z, polygon_px: {SQUARE}}}\n"),
        "either `ignore: true` or",
    ),
    "both ignore and limits": (
        view_with_zones(f"- {{name: z, polygon_px: {SQUARE}, ignore: true, limits: {{}}}}\n"),
        "either `ignore: true` or",
    ),
    "ignore: yes": (view_with_zones(f"- {{name: z, polygon_px: {SQUARE}, ignore: yes}}\n"), "should be True"),
    "a threshold in a zone": (
        view_with_zones(f"- {{name: z, polygon_px: {SQUARE}, limits: {{open: {{confidence: 0.5}}}}}}\n"),
        "unknown key 'confidence'",
    ),
    "one zone name twice": (
        view_with_zones(f"- {{name: z, polygon_px: {SQUARE}, ignore: true}}\n" * 2),
        r"zones\[1\]\.name: 'z' is here twice",
    ),
    "another catalogue": (ONE_VIEW, "'glass' version 1, but the catalogue at hand is 'pcb' version 1"),
    "another schema": (ONE_VIEW, "lineside.recipe/1"),
    "no deadline": (ONE_VIEW, "deadline_ms: required"),
    "share above 1": (ONE_VIEW + "audit: {share: 2}\n", r"audit\.share: .*less than or equal to 1"),
    "a health limit off its scale": (ONE_VIEW + "health: {min_std: 300}\n", "health: gray levels"),
    "a reference outside the folder": (
        with_reference_image("../x.png"),
        r"references\[0\]\.image: expected sha256:<hex> or a path below the recipe's own folder",
    ),
    "a reference with half a digest": (
        with_reference_image("'sha256:ab'"),
        "64 lowercase hex digits",
    ),
}
HEADS = {
    "another catalogue": HEAD.replace("pcb,", "glass,"),
    "another schema": HEAD.replace("recipe/1", "recipe/2"),
    "no deadline": HEAD.replace("deadline_ms: 500\n", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_recipe_is_refused_with_its_place_and_remedy(name: str) -> None:
    body, message = REFUSED[name]
    with pytest.raises(RecipeError, match=message) as refused:
        recipe(body, head=HEADS.get(name, HEAD))
    assert str(refused.value).startswith("recipe:")
    assert "\n" not in str(refused.value)


def test_the_release_must_find_every_class_that_the_recipe_names() -> None:
    loaded = recipe(ONE_VIEW + "limits: {spur: {max_count: 3}}\n")
    check_release_fits(loaded, ["spur", "open"], PCB)
    with pytest.raises(RecipeError, match="cannot find 'spur', which recipe 'board' limits"):
        check_release_fits(loaded, ["open"], PCB)


def test_a_class_named_only_in_a_zone_must_be_found_too() -> None:
    zones = f"- {{name: z, polygon_px: {SQUARE}, limits: {{short: {{}}}}}}\n"
    with pytest.raises(RecipeError, match="cannot find 'short'"):
        check_release_fits(recipe(view_with_zones(zones)), ["open"], PCB)


def test_the_release_may_only_find_classes_of_the_catalogue() -> None:
    with pytest.raises(RecipeError, match=r"finds 'dent', not in catalogue 'pcb' version 1 \('open', 'short'"):
        check_release_fits(recipe(), ["open", "dent"], PCB)


def test_a_release_is_not_compared_under_another_catalogue() -> None:
    other = load_catalogue(CATALOGUE_EXAMPLE)
    with pytest.raises(RecipeError, match="uses catalogue 'pcb' version 1; it was compared with 'plant-7' version 2"):
        check_release_fits(recipe(), ["open"], other)


def test_the_digest_is_that_of_the_text() -> None:
    assert recipe_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert recipe_digest(recipe_text()) != recipe_digest(recipe_text() + "\n")


PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\n",
        "  ",
        "- ",
        "&a ",
        "*a",
        "!!x ",
        "'",
        '"',
        "\\U",
        "FFFFFFFF",
        "\\ud800",
        "|",
        ">",
        "<<",
        "%YAML 9",
        "---",
        "...",
        "0",
        ".nan",
        "schema",
        "views",
        "limits",
        "lineside.recipe/1",
        "~",
        "?",
        "#",
        "\x00",
        "\t",
        "é",
    ]
)


@given(st.lists(PIECES, max_size=60), st.integers(min_value=0, max_value=len(EXAMPLE)))
@settings(max_examples=300, deadline=None)
def test_whatever_the_text_a_recipe_loads_or_is_refused(pieces: list[str], at: int) -> None:
    text = EXAMPLE[:at] + "".join(pieces) + EXAMPLE[at:]
    with contextlib.suppress(RecipeError):
        load_recipe(text, catalogue=PCB)
