import json
from pathlib import Path

_LOCK = Path(__file__).parent / "support" / "node" / "package-lock.json"


def test_the_lock_file_of_the_foreign_readers_pins_every_package_and_names_no_registry() -> None:
    packages = json.loads(_LOCK.read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert all(package["version"] and package["integrity"] for package in installed.values())
    assert not [name for name, package in installed.items() if "resolved" in package]
