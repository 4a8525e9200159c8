import pytest

from lineside.inspection.catalogue import DefectClass, LimitSample, Severity, builtin_catalogue, load_catalogue
from lineside.inspection.errors import CatalogueError
from lineside.inspection.sizes import SizeDefinition


def catalogue_text(classes: str, *, version: int = 1, migrations: str = "[]") -> str:
    return f"schema: lineside.catalogue/1\nid: x\nversion: {version}\nclasses: {classes}\nmigrations: {migrations}\n"


def class_text(name: str) -> str:
    return f"{{name: {name}, name_ko: {name}, severity: minor, size_definition: width}}"


def test_the_pcb_catalogue_has_deeppcbs_six_classes_in_its_order_with_their_shop_floor_words() -> None:
    catalogue = builtin_catalogue("pcb")
    assert (catalogue.id, catalogue.version) == ("pcb", 1)
    assert {each.name: each.name_ko for each in catalogue.classes.values()} == {
        "open": "단선(오픈)",
        "short": "단락(쇼트)",
        "mousebite": "결손(마우스바이트)",
        "spur": "돌기",
        "copper": "잔동",
        "pin-hole": "핀홀",
    }
    assert list(catalogue.classes) == ["open", "short", "mousebite", "spur", "copper", "pin-hole"]


def test_a_class_carries_everything_the_file_says() -> None:
    text = catalogue_text(
        "[{name: dent, name_ko: 찍힘, severity: major, size_definition: area, mes_code: D1, description: A dent., "
        "limit_samples: [{image: dent.png, is_acceptable: false, note: too deep}]}]"
    )
    assert load_catalogue(text).classes["dent"] == DefectClass(
        name="dent",
        name_ko="찍힘",
        severity=Severity.MAJOR,
        size_definition=SizeDefinition.AREA,
        mes_code="D1",
        limit_samples=(LimitSample("dent.png", is_acceptable=False, note="too deep"),),
        description="A dent.",
    )


def test_a_class_that_was_split_and_then_renamed_leads_to_todays_classes() -> None:
    migrations = "[{since_version: 3, old: b, new: [d]}, {since_version: 2, old: a, new: [b, c]}]"
    catalogue = load_catalogue(
        catalogue_text(f"[{class_text('c')}, {class_text('d')}]", version=3, migrations=migrations)
    )
    assert catalogue.successors("a") == ("d", "c")
    assert catalogue.successors("b") == ("d",)
    assert catalogue.successors("c") == ("c",)
    assert catalogue.successors("never was") == ()


def test_merged_classes_lead_to_one() -> None:
    migrations = "[{since_version: 2, old: a, new: [c]}, {since_version: 2, old: b, new: [c]}]"
    catalogue = load_catalogue(catalogue_text(f"[{class_text('c')}]", version=2, migrations=migrations))
    assert (catalogue.successors("a"), catalogue.successors("b")) == (("c",), ("c",))


ONE = f"[{class_text('c')}]"
REFUSED = {
    "no class": (catalogue_text("[]"), "catalogue:4: classes: .*at least 1"),
    "a class twice": (
        catalogue_text(f"[{class_text('c')}, {class_text('c')}]"),
        r"catalogue:4: classes\[1\]\.name: the class 'c' is here twice",
    ),
    "an unknown severity": (
        catalogue_text(ONE.replace("minor", "bad")),
        r"severity: Input should be 'critical', 'major' or 'minor'",
    ),
    "a misspelt key": (
        catalogue_text(ONE.replace("name_ko", "nameko")),
        "unknown key 'nameko'; did you mean 'name_ko'",
    ),
    "a migration that leads nowhere": (
        catalogue_text(ONE, version=2, migrations="[{since_version: 2, old: a, new: [z]}]"),
        r"catalogue:5: migrations\[0\]\.new: it leads to 'z'; known classes: c",
    ),
    "a migration of a class that is still there": (
        catalogue_text(ONE, version=2, migrations="[{since_version: 2, old: c, new: [c]}]"),
        "the class 'c' is still in the catalogue",
    ),
    "a migration from the future": (
        catalogue_text(ONE, version=2, migrations="[{since_version: 3, old: a, new: [c]}]"),
        "version 3 lies after this one, 2",
    ),
    "no YAML": ("a: [", "catalogue:1: not YAML"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_catalogue_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        load_catalogue(text)


def test_an_unknown_builtin_catalogue_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CatalogueError, match=r"no catalogue '\.\./pcb' comes with the program; it has: pcb"):
        builtin_catalogue("../pcb")
