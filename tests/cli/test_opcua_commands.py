import json
from pathlib import Path

from typer.testing import CliRunner

from lineside.cli.main import app
from lineside.cli.opcua import UserRoleOption
from lineside.inspection.errors import LinesideError
from lineside.serving.delivery.opcua.trust import TrustList
from lineside.serving.delivery.opcua.users import UserBook, UserRoleName


def _certificate(folder: Path) -> dict[str, str]:
    done = CliRunner().invoke(
        app, ["opcua", "certificate", str(folder), "--host", "10.0.0.7", "--host", "aoi", "--json"]
    )
    assert done.exit_code == 0, done.output
    made: dict[str, str] = json.loads(done.stdout)
    return made


def test_the_commands_roles_are_the_servers() -> None:
    assert {role.value for role in UserRoleOption} == {role.value for role in UserRoleName}


def test_a_certificate_is_made_once_and_its_key_is_nobody_elses_to_read(tmp_path: Path) -> None:
    made = _certificate(tmp_path / "opcua")
    assert Path(made["private_key_file"]).stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(app, ["opcua", "certificate", str(tmp_path / "opcua"), "--host", "aoi"])
    assert isinstance(again.exception, LinesideError)
    assert "is there already" in str(again.exception)


def test_a_trusted_client_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    made = _certificate(tmp_path / "client")
    done = CliRunner().invoke(app, ["opcua", "trust", made["certificate_file"], "--trusted", str(tmp_path / "trusted")])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == made["fingerprint"]
    assert TrustList(tmp_path / "trusted").fingerprints() == {made["fingerprint"]}


def test_a_user_is_added_without_the_password_on_the_command_line(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    asked = CliRunner().invoke(
        app, ["opcua", "user", "plc", "--users", str(users)], input="a long enough one\na long enough one\n"
    )
    assert asked.exit_code == 0, asked.output
    (tmp_path / "password").write_text("another long one\n")
    told = ["opcua", "user", "cell", "--users", str(users), "--role", "operator"]
    assert CliRunner().invoke(app, [*told, "--password-file", str(tmp_path / "password")]).exit_code == 0
    assert UserBook(users).names() == {"plc": UserRoleName.VIEWER, "cell": UserRoleName.OPERATOR}
    assert "long" not in users.read_text()
    found = UserBook(users).sign_in("cell", "another long one")
    assert found is not None
    assert found.role is UserRoleName.OPERATOR


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["opcua", "user", "plc", "--users", str(tmp_path / "u.json")], input="short\nshort\n"
    )
    assert isinstance(done.exception, LinesideError)
    assert not (tmp_path / "u.json").exists()
