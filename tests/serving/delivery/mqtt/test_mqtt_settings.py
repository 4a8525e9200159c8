import subprocess
import sys
from pathlib import Path

import pytest

from lineside.serving.delivery.configuration import parse_delivery
from lineside.serving.delivery.errors import DeliveryFileRefused, SinkMisconfigured
from lineside.serving.delivery.mqtt.client_ids import client_id_of
from lineside.serving.delivery.mqtt.settings import BrokerSettings, MqttSettings
from lineside.serving.delivery.sparkplug.settings import SparkplugSettings


def parsed(text: str, folder: Path = Path("/nowhere")) -> BrokerSettings:
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    whole = f"schema: lineside.delivery/1\nsinks:\n  - name: broker\n{lines}\n"
    (settings,) = parse_delivery(whole, source="delivery.yaml", folder=folder).sinks
    assert isinstance(settings, BrokerSettings)
    return settings


def test_what_is_left_out_has_its_default() -> None:
    settings = parsed("kind: mqtt\nhost: broker.plant")
    address = settings.address(Path("/nowhere"))
    assert str(address) == "mqtt://broker.plant:1883"
    assert (address.tls, address.user, address.password) == (None, None, None)
    secured = parsed("kind: mqtt\nhost: broker.plant\ntls: {}").address(Path("/nowhere"))
    assert str(secured) == "mqtts://broker.plant:8883"


def test_files_are_found_from_the_delivery_files_folder_on(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    text = "kind: mqtt\nhost: b\nuser: u\npassword_file: pw\ntls: {ca_file: ca.crt, certificate_file: /c, key_file: k}"
    address = parsed(text).address(tmp_path)
    assert address.password == "s3cret"  # noqa: S105
    assert address.tls is not None
    assert (address.tls.ca_file, address.tls.certificate_file) == (tmp_path / "ca.crt", Path("/c"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("kind: mqtt", "host", id="no host"),
        pytest.param("kind: mqtt\nhost: b\npassword: s3cret", "password", id="a secret in the file"),
        pytest.param("kind: mqtt\nhost: b\npassword_file: pw", "user", id="a password of nobody"),
        pytest.param("kind: mqtt\nhost: b\nport: 0", "port", id="no port"),
        pytest.param("kind: mqtt\nhost: b\nport: '1883'", "port", id="a port in quotes"),
        pytest.param("kind: mqtt\nhost: b\ntopic: all", "type", id="every event on one topic"),
        pytest.param("kind: mqtt\nhost: b\ntls: {key_file: k}", "certificate_file", id="a key without certificate"),
        pytest.param("kind: mqtt\nhost: b\ntls: {insecure: true}", "insecure", id="no way around the check"),
        pytest.param("kind: mqtt\nhost: b\nclient_id: 'a b'", "client_id", id="a client id with a space"),
        pytest.param("kind: sparkplug\nhost: b\ngroup: a/b", "a/b", id="a group of two levels"),
        pytest.param("kind: sparkplug\nhost: b\nprimary_host: '+'", "primary host", id="a host that is a wildcard"),
        pytest.param("kind: sparkplug\nhost: b\nfilter: {verdicts: [NG]}", "all parts", id="of bad parts only"),
        pytest.param("kind: sparkplug\nhost: b\ndata_types: never", "data_types", id="an unknown choice"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(text: str, named: str) -> None:
    with pytest.raises(DeliveryFileRefused, match=named) as refused:
        parsed(text)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("written", [None, "", "x" * 70_000])
def test_a_password_that_is_not_there_is_named(tmp_path: Path, written: str | None) -> None:
    if written is not None:
        (tmp_path / "pw").write_text(written)
    settings = parsed("kind: mqtt\nhost: b\nuser: u\npassword_file: pw")
    with pytest.raises(SinkMisconfigured, match="password") as refused:
        settings.address(tmp_path)
    assert "xxx" not in str(refused.value)


def test_a_node_is_named_for_its_line_and_its_group_for_the_plant() -> None:
    of_line = parsed("kind: sparkplug\nhost: b\nfilter: {lines: [line-2]}")
    of_all = parsed("kind: sparkplug\nhost: b")
    named = parsed("kind: sparkplug\nhost: b\ngroup: g\nnode: n")
    births = [one.topics("plant/1").birth for one in (of_line, of_all, named) if isinstance(one, SparkplugSettings)]
    assert births == ["spBv1.0/plant%2F1/NBIRTH/line-2", "spBv1.0/plant%2F1/NBIRTH/broker", "spBv1.0/g/NBIRTH/n"]


def test_client_ids_are_short_stable_and_each_sinks_own() -> None:
    first = MqttSettings(name="a-long.name_of-sink", kind="mqtt", host="b")
    second = MqttSettings(name="a-long.name_of-another", kind="mqtt", host="b")
    ids = {client_id_of(settings, plant) for settings in (first, second) for plant in ("p1", "p2")}
    assert len(ids) == 4
    assert client_id_of(first, "p1") in ids
    assert all(len(one) <= 23 and one.isalnum() for one in ids)
    chosen = MqttSettings(name="a", kind="mqtt", host="b", client_id="own")
    assert client_id_of(chosen, "p1") == "own"


def test_a_server_that_reads_a_delivery_file_pays_for_no_mqtt_library() -> None:
    read = (
        "import sys; from lineside.serving.delivery.kinds import SINK_KINDS; "
        "[SINK_KINDS[kind].settings for kind in ('mqtt', 'sparkplug')]; "
        "print(sorted({'paho', 'google.protobuf', 'amqtt'}.intersection(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
