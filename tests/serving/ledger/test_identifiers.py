"""UUIDv7s in order."""

import threading
import uuid
from datetime import UTC, datetime

import pytest

from lineside.serving.clock import ManualClock, SystemClock
from lineside.serving.identifiers import IdentifierSource


def test_an_identifier_carries_its_millisecond_version_and_variant() -> None:
    instant = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)  # the example of RFC 9562, appendix A.6
    made = IdentifierSource(ManualClock(instant)).uuid7()
    assert made.int >> 80 == 0x017F22E279B0
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_identifiers_of_one_source_only_grow_even_within_a_millisecond_and_when_the_clock_steps_back() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    source = IdentifierSource(clock)
    made = [source.uuid7() for _ in range(10_000)]  # more than the 12-bit counter holds
    clock.set_now(datetime(2025, 1, 1, tzinfo=UTC))
    made += [source.uuid7() for _ in range(100)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_threads_never_get_the_same_identifier() -> None:
    source = IdentifierSource(SystemClock())
    made: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: made.extend(source.uuid7() for _ in range(2_000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_a_manual_clock_refuses_a_naive_start_and_a_step_back() -> None:
    with pytest.raises(ValueError, match="naive"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="set_now"):
        ManualClock(datetime(2026, 1, 1, tzinfo=UTC)).advance(-1)
