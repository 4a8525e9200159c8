"""The delivery file, what sinks want, their secrets, and sinks that cannot be built yet."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.delivery import ExtraMissing, PersonNeeded, Proof, SinkContext, SinkMisconfigured
from lineside.serving.delivery.configuration import load_delivery, parse_delivery
from lineside.serving.delivery.errors import DeliveryFileRefused
from lineside.serving.delivery.filters import DELIVERED_TYPES, EventFilter
from lineside.serving.delivery.kinds import SINK_KINDS, SinkKind
from lineside.serving.delivery.late_sink import LateSink
from lineside.serving.delivery.secret_sources import path_from, read_secret
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.events.schemas import EVENT_DATA
from scripted_sink import Receiver, ScriptedSink, made_event

HEAD = "schema: lineside.delivery/1\nsinks:\n"
SINK = '  - {name: mes, kind: webhook, url: "https://mes.example/", secret_files: [s]'


def test_a_file_names_sinks_with_their_filters(tmp_path: Path) -> None:
    path = tmp_path / "delivery.yaml"
    path.write_text(f"{HEAD}{SINK}, from: beginning, filter: {{types: [hold], lines: [line-1]}}}}\n")
    found = load_delivery(path)
    (sink,) = found.sinks
    assert (sink.name, sink.kind, sink.from_) == ("mes", "webhook", "beginning")
    assert sink.filter.to_record() == EventFilter(types=frozenset({"hold"}), lines=frozenset({"line-1"}))
    assert found.folder == tmp_path.resolve()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("schema: lineside.delivery/2\nsinks: []\n", "d.yaml:1: schema"),
        (f"{HEAD}  - {{name: mes, kind: fax}}\n", "no kind of sink 'fax'; expected one of webhook"),
        (f"{HEAD}{SINK}, secrets: [x]}}\n", "d.yaml:3: sinks[0].secrets: unknown key 'secrets'; did you mean"),
        (f"{HEAD}{SINK}, filter: {{types: [inspections]}}}}\n", "no event type 'inspections' is delivered"),
        (f"{HEAD}{SINK}, filter: {{verdicts: [BAD]}}}}\n", "sinks[0].filter.verdicts[0]"),
        (f"{HEAD}{SINK}, from: yesterday}}\n", "expected 'head', 'beginning' or an instant"),
        (f"{HEAD}{SINK}, from: '2026-01-31T06:00:00'}}\n", "expected 'head', 'beginning' or an instant"),
        (f"{HEAD}{SINK}, from: '0001-01-01T00:00:00+09:00'}}\n", "expected 'head', 'beginning' or an instant"),
        (f"{HEAD}{SINK}}}\n{SINK}}}\n", "d.yaml:4: sinks[1].name: a second sink named 'mes'"),
        (f"{HEAD}{SINK.replace('mes,', 'MES one,')}}}\n", "sinks[0].name"),
        (f"{HEAD}  - 3\n", "expected keys with values, found a int"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(DeliveryFileRefused, match=r"d\.yaml") as refused:
        parse_delivery(text, source="d.yaml", folder=Path())
    assert says in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFileRefused, match="No such file"):
        load_delivery(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"schema: \xff\n")
    with pytest.raises(DeliveryFileRefused, match="no UTF-8 text at byte 8"):
        load_delivery(tmp_path / "odd.yaml")


def test_every_type_that_is_delivered_has_a_schema() -> None:
    assert [name for name in DELIVERED_TYPES if f"{name}.v1" not in EVENT_DATA] == []


@pytest.mark.parametrize(
    ("asked", "data", "line"),
    [
        ({}, {}, None),
        ({"stations": {"aoi-1"}}, {}, None),
        ({"lines": {"line-1"}}, {}, "line-1"),
        ({"lines": {"line-1"}}, {}, None),
        ({"products": {"BRD"}}, {"product": "BRD"}, None),
        ({"products": {"BRD"}}, {"product": None}, None),
        ({"products": {"BRD"}}, {"context": {"product": "BRD"}}, None),
        ({"verdicts": {"NG"}}, {"verdict": "NG"}, None),
        ({"verdicts": {"NG"}}, {}, None),
        ({"types": {"inspection", "hold"}}, {}, None),
    ],
)
def test_what_is_asked_for_or_says_nothing_about_it_passes(
    asked: dict[str, set[str]], data: dict[str, Any], line: str | None
) -> None:
    assert filter_of(asked).wants(replace(made_event(1), data=data), line=line)


@pytest.mark.parametrize(
    ("asked", "data", "line"),
    [
        ({"stations": {"aoi-2"}}, {}, None),
        ({"lines": {"line-1"}}, {}, "line-2"),
        ({"products": {"BRD"}}, {"product": "PSU"}, None),
        ({"products": {"BRD"}}, {"context": {"product": "PSU"}}, None),
        ({"verdicts": {"NG"}}, {"verdict": "OK"}, None),
        ({"types": {"hold"}}, {}, None),
    ],
)
def test_what_says_otherwise_does_not_pass(asked: dict[str, set[str]], data: dict[str, Any], line: str | None) -> None:
    assert not filter_of(asked).wants(replace(made_event(1), data=data), line=line)


def filter_of(asked: dict[str, set[str]]) -> EventFilter:
    return EventFilter(**{name: frozenset(values) for name, values in asked.items()})


def test_other_versions_and_the_servers_own_events_are_never_delivered() -> None:
    for event_type in ("inspection.v2", "retention.v1", "shadow_disagreement.v1"):
        assert not EventFilter().wants(made_event(1, event_type=event_type), line=None)


def test_a_secret_comes_from_its_file_or_variable_and_never_into_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good").write_text(" hush\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xffhush")
    (tmp_path / "big").write_bytes(b"hush" * 20_000)
    monkeypatch.setenv("MES_SECRET", "hush ")
    assert read_secret(file="good", env=None, folder=tmp_path, what="the secret") == "hush"
    assert read_secret(file=None, env="MES_SECRET", folder=tmp_path, what="the secret") == "hush"
    assert path_from(tmp_path, "/etc/x") == Path("/etc/x")
    for file, env in [
        ("good", "X"),
        (None, None),
        ("none", None),
        ("empty", None),
        ("bytes", None),
        ("big", None),
        (None, "NO_SUCH"),
    ]:
        with pytest.raises(SinkMisconfigured, match="the secret: ") as refused:
            read_secret(file=file, env=env, folder=tmp_path, what="the secret")
        assert "hush" not in str(refused.value)


def test_a_missing_library_names_the_extra() -> None:
    kind = SinkKind(
        "fax", "lineside.serving.delivery.settings:SinkSettings", "no_such_library.sink:build", Proof.HANDED_OVER, "fax"
    )
    settings = SinkSettings.model_validate({"name": "mes", "kind": "fax"})
    context: SinkContext = None  # type: ignore[assignment]  # not looked at before the import
    with pytest.raises(ExtraMissing, match=r"needs no_such_library: install lineside\[fax\]"):
        kind.build(settings, context)


def test_every_kind_has_a_model_whose_kind_is_its_name() -> None:
    for name, kind in SINK_KINDS.items():
        assert issubclass(kind.settings, SinkSettings)
        assert kind.settings.model_fields["kind"].annotation.__args__ == (name,)  # type: ignore[union-attr]  # a Literal


def test_a_sink_that_cannot_be_built_asks_for_a_person_and_is_built_when_it_can_be() -> None:
    receiver = Receiver()
    is_there = False

    def build() -> ScriptedSink:
        if not is_there:
            raise SinkMisconfigured("no secret")
        return ScriptedSink(receiver, takes_s=0.0)

    async def scenario() -> None:
        nonlocal is_there
        sink = LateSink(build, proof=Proof.ACKNOWLEDGED)
        with pytest.raises(PersonNeeded, match="no secret"):
            await sink.open()
        with pytest.raises(PersonNeeded):
            await sink.deliver(made_event(1))
        await sink.close()
        is_there = True
        await sink.open()
        await sink.deliver(made_event(1))
        await sink.idle()
        await sink.close()
        assert (sink.proof, sink.lanes) == (Proof.ACKNOWLEDGED, 1)

    asyncio.run(scenario())
    assert [event.sequence for event in receiver.got] == [1]
