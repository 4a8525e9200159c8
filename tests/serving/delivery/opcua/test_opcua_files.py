"""What the sink says of files that do not do, without starting a server."""

import asyncio
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.delivery import PersonNeeded, SinkMisconfigured, TryAgain
from lineside.serving.delivery.configuration import parse_delivery
from lineside.serving.delivery.errors import DeliveryFileRefused
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.opcua.certificates import make_certificate
from lineside.serving.delivery.opcua.job_orders import JobOrder, StoredOrders
from lineside.serving.delivery.opcua.sink import OpcUaSink
from lineside.serving.delivery.opcua.trust import Standing, TrustList
from lineside.serving.delivery.opcua.users import UserBook, UserRoleName, UsersFileRefused
from lineside.serving.delivery.settings import SinkSettings
from opcua_line import opcua_settings, write_opcua_files
from told_events import sink_context, told

FILE = """\
schema: lineside.delivery/1
sinks:
  - name: cell
    kind: opcua
    certificate_file: server.der
    private_key_file: server.key.pem
    trusted_dir: trusted
    users_file: users.json
    {extra}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as the commands make them; keys take their time."""
    folder = tmp_path_factory.mktemp("made")
    write_opcua_files(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(made, tmp_path / "files"))


def _check(folder: Path, *, now: datetime | None = None) -> None:
    (folder / "sink").mkdir()
    with sink_context(folder / "sink", clock=ManualClock(now or datetime.now(UTC))) as context:
        settings = opcua_settings(
            certificate_file=str(folder / "server.der"),
            private_key_file=str(folder / "server.key.pem"),
            users_file=str(folder / "users.json"),
        )
        asyncio.run(OpcUaSink(settings, context).check())


def test_files_as_the_commands_make_them_do(folder: Path) -> None:
    _check(folder)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        pytest.param("server.der", b"no certificate", "no X.509 certificate", id="certificate that is none"),
        pytest.param("server.der", None, "cannot read the certificate", id="no certificate"),
        pytest.param("server.key.pem", b"no key", "cannot be used", id="key that is none"),
        pytest.param("users.json", None, "nobody may log in", id="no users"),
        pytest.param("users.json", b'{"schema": "x", "users": []}', "schema", id="users of another kind"),
    ],
)
def test_a_file_that_does_not_do_needs_a_person(folder: Path, file: str, content: bytes | None, says: str) -> None:
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(PersonNeeded, match=says):
        _check(folder)


def test_another_certificates_key_and_an_ended_certificate_need_a_person(folder: Path) -> None:
    with pytest.raises(PersonNeeded, match="ended at"):
        _check(folder, now=datetime.now(UTC) + timedelta(days=31))
    (folder / "sink" / "ledger.sqlite").unlink()
    (folder / "sink").rename(folder / "sink-before")
    (folder / "client" / "server.key.pem").replace(folder / "server.key.pem")
    with pytest.raises(PersonNeeded, match="another certificate's key"):
        _check(folder)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7"])
def test_a_port_that_is_taken_or_an_address_of_others_is_tried_again(folder: Path, host: str) -> None:
    (folder / "sink").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken, sink_context(folder / "sink") as context:
        settings = opcua_settings(
            endpoint=f"opc.tcp://{host}:{taken.getsockname()[1]}/lineside",
            **{
                name: str(folder / at)
                for name, at in (("certificate_file", "server.der"), ("users_file", "users.json"))
            },
            private_key_file=str(folder / "server.key.pem"),
        )
        with pytest.raises(TryAgain, match="cannot listen"):
            asyncio.run(OpcUaSink(settings, context).open())


def test_a_sink_that_is_not_open_asks_to_be_tried_again(tmp_path: Path) -> None:
    with sink_context(tmp_path) as context:
        sink = OpcUaSink(opcua_settings(), context)
        with pytest.raises(TryAgain):
            asyncio.run(sink.deliver(told()))
        asyncio.run(sink.close())
        other = parse_delivery(FILE.format(extra=""), source="delivery.yaml", folder=tmp_path).sinks[0]
        assert isinstance(SINK_KINDS["opcua"].build(other, context), OpcUaSink)
        with pytest.raises(SinkMisconfigured):
            SINK_KINDS["opcua"].build(SinkSettings(name="x", kind="x"), context)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("endpoint: http://127.0.0.1:4840", "is no endpoint"),
        ("endpoint: opc.tcp://127.0.0.1", "is no endpoint"),
        ("may: [everything]", "may"),
        ("method_timeout_s: 600.0", "method_timeout_s"),
        ("user: admin", "unknown key"),
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, extra: str, says: str) -> None:
    with pytest.raises(DeliveryFileRefused, match=says):
        parse_delivery(FILE.format(extra=extra), source="delivery.yaml", folder=tmp_path)


def test_a_certificate_is_trusted_only_in_its_time_and_only_from_the_folder(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    made = make_certificate(tmp_path / "a", hosts=["a"], application_uri="urn:a", days=2, now=now)
    der = made.certificate_file.read_bytes()
    trusted = TrustList(tmp_path / "trusted", rejected=tmp_path / "rejected")
    assert trusted.standing_of(der, now=now) is Standing.UNKNOWN
    (tmp_path / "rejected").rename(tmp_path / "trusted")
    assert trusted.standing_of(der, now=now) is Standing.TRUSTED
    assert trusted.standing_of(der, now=now + timedelta(days=3)) is Standing.EXPIRED
    assert trusted.standing_of(der, now=now - timedelta(days=3)) is Standing.NOT_YET_VALID
    assert trusted.standing_of(b"nothing", now=now) is Standing.UNREADABLE


def test_strangers_fill_no_disk(made: Path, tmp_path: Path) -> None:
    trusted = TrustList(tmp_path / "trusted", rejected=tmp_path / "rejected")
    rejected = tmp_path / "rejected"
    rejected.mkdir()
    for number in range(20):
        (rejected / f"{number}.der").write_bytes(b"")
    der = (made / "client" / "server.der").read_bytes()
    assert trusted.standing_of(der, now=datetime.now(UTC)) is Standing.UNKNOWN
    assert len(list(rejected.iterdir())) == 20


def test_a_changed_user_has_the_new_password_only(tmp_path: Path) -> None:
    users = UserBook(tmp_path / "users.json")
    users.put("plc", "the first password", UserRoleName.VIEWER)
    users.put("plc", "the second password", UserRoleName.OPERATOR)
    assert users.sign_in("plc", "the first password") is None
    assert users.sign_in("nobody", "the second password") is None
    found = users.sign_in("plc", "the second password")
    assert found is not None
    assert found.role is UserRoleName.OPERATOR
    assert (tmp_path / "users.json").stat().st_mode & 0o077 == 0
    with pytest.raises(UsersFileRefused, match="does not do"):
        users.put("a name/with a slash", "a long enough password", UserRoleName.VIEWER)


def test_stored_job_orders_survive_a_restart(tmp_path: Path) -> None:
    order = JobOrder(order_id="WO-1", product="BRD", recipe="", lot=None, quantity=5, from_part_id=None)
    StoredOrders(tmp_path / "orders.json").put("aoi-1", order)
    again = StoredOrders(tmp_path / "orders.json")
    assert again.at("aoi-1") == (order,)
    assert again.remove("aoi-1", "WO-1")
    assert StoredOrders(tmp_path / "orders.json").at("aoi-1") == ()


@pytest.mark.parametrize("content", ["", "[]", '{"aoi-1": [{}]}', '{"aoi-1": [{"order_id": "1"}]}', '{"aoi-1": 1}'])
def test_stored_job_orders_that_cannot_be_read_need_a_person(tmp_path: Path, content: str) -> None:
    path = tmp_path / "orders.json"
    path.write_text(content)
    with pytest.raises(PersonNeeded, match="cannot be read"):
        StoredOrders(path)
    assert path.read_text() == content
