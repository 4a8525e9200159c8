from datetime import UTC, datetime

import pytest

from lineside.serving.delivery.mqtt.messages import Message, level
from lineside.serving.delivery.mqtt.topics import TopicTemplate
from lineside.serving.ledger import Event

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def event_at(station: str | None, *, plant: str = "p", type_: str = "inspection.v1") -> Event:
    return Event("id", plant, 1, type_, station, NOW, NOW, {}, "0" * 64, "1" * 64)


def test_names_with_reserved_signs_become_one_level_each() -> None:
    topic = TopicTemplate("{plant}/{line}/{station}/{type}").topic_of(event_at("a/b+c#d%"), line="l")
    assert topic == "p/l/a%2Fb%2Bc%23d%25/inspection"


def test_no_two_names_meet_in_one_level() -> None:
    assert level("a%2Fb") != level("a/b")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("lineside/{plant}", id="no type: every event on one topic"),
        pytest.param("lineside/+/{type}", id="a wildcard"),
        pytest.param("lineside/#/{type}", id="the other wildcard"),
        pytest.param("$SYS/{type}", id="the broker's own tree"),
        pytest.param("{type}/{part_id}", id="an unknown placeholder"),
        pytest.param("{type", id="an open brace"),
        pytest.param("{type!r}", id="a conversion"),
        pytest.param("{type.__class__}", id="an attribute"),
        pytest.param("{type}" + "x" * 1000, id="too long"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_template_that_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        TopicTemplate(text)


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "a\x00"])
def test_a_message_to_no_topic_cannot_exist(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        Message(topic, b"")


def test_quality_of_service_2_is_not_spoken() -> None:
    with pytest.raises(ValueError, match="quality of service 2"):
        Message("a", b"", qos=2)
