"""What the delivery file opens is described with the line that it is of; nothing secret is in it."""

from pathlib import Path

from lineside.serving.delivery.configuration import parse_delivery
from lineside.serving.twin.aas.sink_interfaces import configured_sinks, open_interfaces

FILE = """\
schema: lineside.delivery/1
sinks:
  - {name: plain, kind: mqtt, host: broker.example, tls: {}, user: line, password_file: broker.password}
  - {name: spark, kind: sparkplug, host: 10.0.0.7, filter: {lines: [smt-1]}}
  - name: ua
    kind: opcua
    endpoint: "opc.tcp://10.0.0.8:4840/lineside"
    certificate_file: own.der
    private_key_file: own.pem
    trusted_dir: trusted
    users_file: users
  - {name: mes, kind: webhook, url: "https://mes.example/lineside", secret_files: [mes.secret]}
"""


def test_brokers_and_servers_are_described_and_webhooks_are_not(tmp_path: Path) -> None:
    sinks = parse_delivery(FILE, source="delivery.yaml", folder=tmp_path).sinks
    found = open_interfaces(sinks, plant="plant-1", line="smt-1")
    assert [(each.name, each.protocol, each.base, each.security, each.target) for each in found] == [
        ("plain", "mqtt", "mqtts://broker.example:8883", "basic", "lineside/plant-1/smt-1/+/+"),
        ("spark", "mqtt", "mqtt://10.0.0.7:1883", "nosec", "spBv1.0/plant-1/+/smt-1/#"),
        ("ua", "opcua", "opc.tcp://10.0.0.8:4840/lineside", "basic", "/"),
    ]
    assert "password" not in str(found)


def test_a_line_that_a_sink_leaves_out_does_not_have_it(tmp_path: Path) -> None:
    sinks = parse_delivery(FILE, source="delivery.yaml", folder=tmp_path).sinks
    assert [each.name for each in open_interfaces(sinks, plant="plant-1", line="smt-2")] == ["plain", "ua"]


def test_without_a_delivery_file_there_is_http_alone() -> None:
    assert open_interfaces(configured_sinks(None), plant="plant-1", line="smt-1") == ()
