"""`twin.yaml`: what only the plant knows of its lines."""

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from lineside.serving import Settings
from lineside.serving.twin.aas.errors import TwinFileInvalid
from lineside.serving.twin.aas.twin_file import NOT_STATED, TwinFile, twin_json_schema

WHOLE = """\
schema: lineside.twin/1
identifiers: https://plant.example/twin
api_url: https://lineside.plant.example:8470/
nameplate:
  manufacturer: Kim Automation
  year_of_construction: 2024
  contact: {company: Kim Automation, city: Changwon, country: KR}
lines:
  smt-1:
    serial_number: "0042"
    contact: {city: Seoul}
"""


def test_a_line_has_what_is_said_of_it_and_the_rest_from_the_plant() -> None:
    file = TwinFile.parse(WHOLE, source="twin.yaml")
    plate = file.nameplate_of("smt-1")
    assert (plate.manufacturer, plate.serial_number, plate.year_of_construction) == ("Kim Automation", "0042", "2024")
    assert (plate.contact.city, plate.contact.country, plate.contact.street) == ("Seoul", "KR", NOT_STATED)
    assert file.nameplate_of("smt-2").serial_number is None
    assert file.nameplate_of("smt-2").contact.city == "Changwon"
    assert file.api_url == "https://lineside.plant.example:8470"


def test_without_a_file_nothing_is_made_up() -> None:
    plate = TwinFile.read(None).nameplate_of("smt-1")
    assert {plate.manufacturer, plate.designation, plate.year_of_construction, plate.contact.country} == {NOT_STATED}
    assert (plate.serial_number, plate.country_of_origin, plate.contact.email) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("schema: lineside.twin/2\n", "schema", id="another version"),
        pytest.param("nameplate: {}\n", "schema", id="no version"),
        pytest.param(WHOLE.replace("manufacturer", "manufakturer"), "did you mean 'manufacturer'", id="unknown key"),
        pytest.param(WHOLE.replace("smt-1", "smt/1"), "smt/1", id="no line's name"),
        pytest.param(WHOLE.replace("2024", "20240"), "20240", id="a year to come"),
        pytest.param(WHOLE.replace("KR", "Korea"), "Korea", id="no country code"),
        pytest.param(WHOLE.replace("https://lineside", "ftp://lineside"), "api_url", id="another protocol"),
        pytest.param(WHOLE.replace("https://plant.example/twin", "plant"), "identifiers", id="no URI"),
        pytest.param("", "empty", id="empty"),
        pytest.param("{", "not YAML", id="not YAML"),
    ],
)
def test_a_file_that_says_something_odd_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(TwinFileInvalid, match=r"twin\.yaml") as refused:
        TwinFile.parse(text, source="twin.yaml")
    assert said in str(refused.value)


def test_the_schema_for_editors_takes_the_same_files() -> None:
    validator = jsonschema.Draft202012Validator(twin_json_schema())
    validator.check_schema(twin_json_schema())
    validator.validate(yaml.safe_load(WHOLE))
    with pytest.raises(jsonschema.ValidationError, match="manufakturer"):
        validator.validate(yaml.safe_load(WHOLE.replace("manufacturer", "manufakturer")))


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "twin.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(TwinFileInvalid, match="UTF-8"):
        TwinFile.read(tmp_path / "twin.yaml")
    with pytest.raises(TwinFileInvalid, match="No such file"):
        TwinFile.read(tmp_path / "none.yaml")


def test_the_file_in_the_data_folder_counts_if_no_other_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.twin_path is None
    (tmp_path / "twin.yaml").write_text(WHOLE)
    assert settings.twin_path == tmp_path / "twin.yaml"
    assert Settings(data_dir=tmp_path, twin_file=tmp_path / "other.yaml").twin_path == tmp_path / "other.yaml"
