"""The operator's guide knows every setting, role and reason not to be ready."""

import re
from pathlib import Path

import pytest

from lineside.serving.security import Role
from lineside.serving.settings import Settings

GUIDE = (Path(__file__).parents[2] / "docs/guides/operating.md").read_text(encoding="utf-8")
FIRST_CELLS = {name for row in re.findall(r"^\| (.*?) \|", GUIDE, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("name", [*Settings.model_fields, *Role])
def test_every_setting_and_role_has_its_row(name: str) -> None:
    assert name in FIRST_CELLS


def test_no_row_is_about_a_setting_that_is_gone() -> None:
    table = GUIDE.split("## Settings")[1]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(Settings.model_fields)
