"""Whom a webhook trusts, and what it says when it does not."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority, Certificate, server_side
from lineside.serving.delivery import PersonNeeded, SinkContext, SinkMisconfigured, Trouble
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.delivery.webhook.sink import WebhookSink, build
from rude_receiver import RudeReceiver, answering, rude_receiver
from told_events import sink_context, told

SECRET = "whsec_" + "A" * 43


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "mes.secret").write_text(SECRET)
    return folder


@pytest.fixture(scope="module")
def context(folder: Path) -> Iterator[SinkContext]:
    with sink_context(folder) as context:
        yield context


@pytest.fixture(scope="module")
def plant(folder: Path) -> Authority:
    return Authority(folder, "plant")


@pytest.fixture(scope="module")
def receiver_certificate(plant: Authority) -> Certificate:
    return plant.sign("receiver")


def webhook(context: SinkContext, url: str, **files: str) -> WebhookSink:
    return build(
        WebhookSettings(name="mes", kind="webhook", url=url, secret_files=["mes.secret"], timeout_s=5.0, **files),  # type: ignore[arg-type]  # files only
        context,
    )


def deliver(context: SinkContext, tls: ssl.SSLContext | None, *, scheme: str = "https", **files: str) -> RudeReceiver:
    async def scenario() -> RudeReceiver:
        async with rude_receiver(answering(204), tls=tls) as receiver:
            sink = webhook(context, f"{scheme}://{receiver.url.partition('://')[2]}", **files)
            try:
                await sink.deliver(told())
            finally:
                await sink.close()
            return receiver

    return asyncio.run(scenario())


def test_a_receiver_with_the_plants_own_authority_is_trusted(
    context: SinkContext, receiver_certificate: Certificate
) -> None:
    assert len(deliver(context, server_side(receiver_certificate), ca_file="plant.pem").requests) == 1


def test_an_unknown_certificate_gets_no_message(context: SinkContext, receiver_certificate: Certificate) -> None:
    with pytest.raises(PersonNeeded, match="certificate") as caught:
        deliver(context, server_side(receiver_certificate))
    assert "ca_file" in caught.value.what_to_do


def test_a_certificate_of_another_authority_of_the_same_name_gets_no_message(
    context: SinkContext, plant: Authority, tmp_path: Path
) -> None:
    impostor = Authority(tmp_path, "plant").sign("receiver")
    with pytest.raises(PersonNeeded, match="certificate"):
        deliver(context, server_side(impostor), ca_file="plant.pem")


@pytest.mark.parametrize(("host", "has_ended"), [("mes.example", False), ("127.0.0.1", True)])
def test_a_certificate_of_another_host_or_another_time_gets_no_message(
    context: SinkContext, plant: Authority, host: str, *, has_ended: bool
) -> None:
    certificate = plant.sign("unfit", host=host, has_ended=has_ended)
    with pytest.raises(PersonNeeded, match="certificate"):
        deliver(context, server_side(certificate), ca_file="plant.pem")


def test_an_address_that_speaks_no_tls_calls_a_person(context: SinkContext, plant: Authority) -> None:
    with pytest.raises(PersonNeeded, match="TLS"):
        deliver(context, None, ca_file="plant.pem")


def test_we_show_the_certificate_that_the_receiver_wants_to_see(
    context: SinkContext, plant: Authority, receiver_certificate: Certificate
) -> None:
    plant.sign("lineside")
    tls = server_side(receiver_certificate, clients_of=plant.file)
    shown = {"client_certificate_file": "lineside.pem", "client_key_file": "lineside.key"}
    assert len(deliver(context, tls, ca_file="plant.pem", **shown).requests) == 1
    with pytest.raises(Trouble):  # asyncio's server hangs up without the alert that would say why
        deliver(context, tls, ca_file="plant.pem")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"ca_file": "absent.pem"}, id="no such authority"),
        pytest.param({"ca_file": "mes.secret"}, id="an authority that is none"),
        pytest.param(
            {"client_certificate_file": "mes.secret", "client_key_file": "mes.secret"}, id="a certificate that is none"
        ),
    ],
)
def test_certificates_that_cannot_be_read_are_refused_at_the_start(context: SinkContext, files: dict[str, str]) -> None:
    with pytest.raises(SinkMisconfigured) as caught:
        webhook(context, "https://127.0.0.1:9/", **files)
    assert SECRET not in str(caught.value)
