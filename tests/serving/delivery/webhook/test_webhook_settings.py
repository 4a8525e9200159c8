"""What a delivery file may say of a webhook."""

from pathlib import Path

import pytest

from lineside.serving.delivery import DeliveryFileRefused
from lineside.serving.delivery.configuration import parse_delivery
from lineside.serving.delivery.settings import SinkSettings

GOOD = {"name": "mes", "kind": "webhook", "url": "https://mes.example/lineside", "secret_files": "[mes.secret]"}


def parsed(**keys: str) -> SinkSettings:
    sink = "\n    ".join(f"{key}: {value}" for key, value in {**GOOD, **keys}.items() if value)
    text = f"schema: lineside.delivery/1\nsinks:\n  - {sink}\n"
    return parse_delivery(text, source="delivery.yaml", folder=Path("/nowhere")).sinks[0]


def test_two_secrets_a_filter_and_what_a_conflict_means() -> None:
    written = {"secret_files": "[new, old]", "filter": "{types: [inspection], verdicts: [NG]}", "lanes": "1"}
    sink = parsed(**written, conflict="duplicate")
    assert sink.model_dump()["conflict"] == "duplicate"
    assert sink.filter.to_record().verdicts == {"NG"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param({"url": "mes.example/x"}, "https://mes.example", id="no scheme"),
        pytest.param({"url": "ftp://mes.example/x"}, "https://mes.example", id="another scheme"),
        pytest.param({"url": "'http:///x'"}, "https://mes.example", id="no host"),
        pytest.param({"url": "http://mes.example:0/"}, "https://mes.example", id="port 0"),
        pytest.param({"url": "http://mes.example:70000/"}, "no address", id="port 70000"),
        pytest.param({"url": "'http://[::1/'"}, "no address", id="half an IPv6 address"),
        pytest.param({"url": "'http://mes.example/x y'"}, "white space", id="white space"),
        pytest.param(
            {"url": '"http://mes.example/\\r\\nHost: evil"'}, "control characters", id="a header in the address"
        ),
        pytest.param({"url": "http://mes.example/공장"}, "ASCII", id="no ASCII"),
        pytest.param({"url": "'http://mes.example/#top'"}, "fragment", id="a fragment"),
        pytest.param({"url": "https://me:hunter2@mes.example/"}, "bearer_file", id="a login"),
        pytest.param({"secret_files": ""}, "secret_files", id="no secret"),
        pytest.param({"secret_files": "[a, b, c, d, e]"}, "secret_files", id="five secrets"),
        pytest.param({"secret": "hunter2"}, "secret_", id="a secret in the file"),
        pytest.param({"bearer_file": "a", "bearer_env": "B"}, "one of the two", id="two tokens"),
        pytest.param({"secret_envs": "['A=B']"}, "secret_envs", id="no variable's name"),
        pytest.param({"client_key_file": "a"}, "client_certificate_file", id="a key without its certificate"),
        pytest.param({"timeout_s": "0"}, "timeout_s", id="no time"),
        pytest.param({"timeout_s": "3600"}, "timeout_s", id="an hour"),
        pytest.param({"timeout_s": ".nan"}, "timeout_s", id="a time that is none"),
        pytest.param({"lanes": "0"}, "lanes", id="no lane"),
        pytest.param({"conflict": "maybe"}, "conflict", id="an unknown word"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(keys: dict[str, str], said: str) -> None:
    with pytest.raises(DeliveryFileRefused) as caught:
        parsed(**keys)
    message = str(caught.value)
    assert said in message
    assert "delivery.yaml:" in message
    assert "hunter2" not in message
