"""The two blocks, as registers, nodes and JSON: what is torn, bent or of another layout never becomes a permit."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.station.rig import Confirmation, Inputs, Lane, Outputs, RigUnreadable, StationState
from lineside.station.rig.confirmations import RING_SLOTS, ConfirmationReader, ConfirmationRing
from lineside.station.rig.encoder_count import UnwrappedCount, signed_32
from lineside.station.rig.json_blocks import inputs_from_json, inputs_to_json, outputs_from_json, outputs_to_json
from lineside.station.rig.opcua_nodes import (
    inputs_from_values,
    inputs_to_values,
    outputs_from_values,
    outputs_to_values,
)
from lineside.station.rig.register_map import (
    INPUT_WORDS,
    TornBlock,
    WordOrder,
    inputs_from_words,
    inputs_to_words,
    outputs_from_words,
    outputs_to_words,
)

WORD = st.integers(0, 0xFFFF)
CONFIRMATIONS = st.builds(Confirmation, st.integers(1, 0xFFFF), st.sampled_from(Lane))
PART_IDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=16)
INPUTS = st.builds(
    Inputs,
    online=st.booleans(),
    trigger=st.booleans(),
    trigger_id=WORD,
    encoder=st.integers(-(2**31), 2**31 - 1),
    part_id=st.none() | PART_IDS,
    results_ack=st.booleans(),
    results_ack_id=WORD,
    confirmed=st.just(()),
    bypass=st.booleans(),
    reset=st.booleans(),
    heartbeat=WORD,
    stopped=st.booleans(),
)
RINGS = st.lists(CONFIRMATIONS, max_size=20).map(ConfirmationRing.of)
OUTPUTS = st.builds(
    Outputs,
    state=st.sampled_from(StationState),
    ready=st.booleans(),
    trigger_ack=st.booleans(),
    trigger_ack_id=WORD,
    busy=st.booleans(),
    results_valid=st.booleans(),
    results_id=WORD,
    permit=st.booleans(),
    lane=st.sampled_from(Lane),
    heartbeat=WORD,
    stop_line=st.booleans(),
    missed_acquisition=st.booleans(),
    alarm=WORD,
)


@settings(deadline=None)
@given(INPUTS, RINGS, WORD, st.sampled_from(["high_first", "low_first"]))
def test_inputs_come_through_registers_and_nodes_as_they_were(
    inputs: Inputs, ring: ConfirmationRing, sequence: int, word_order: WordOrder
) -> None:
    read = inputs_from_words(
        inputs_to_words(inputs, ring, sequence=sequence, word_order=word_order), word_order=word_order
    )
    assert (read.inputs, read.ring, read.sequence) == (inputs, ring, sequence)
    words = inputs_to_words(inputs, ring, sequence=sequence, word_order="high_first")
    assert inputs_from_values(inputs_to_values(words, part_id=inputs.part_id)).inputs == inputs


@settings(deadline=None)
@given(INPUTS, RINGS)
def test_inputs_come_through_json_as_they_were(inputs: Inputs, ring: ConfirmationRing) -> None:
    assert inputs_from_json(json.dumps(inputs_to_json(inputs, ring)).encode()) == (inputs, ring)


@settings(deadline=None)
@given(OUTPUTS, WORD)
def test_outputs_come_through_all_three_as_they_were(outputs: Outputs, sequence: int) -> None:
    assert outputs_from_words(outputs_to_words(outputs, sequence=sequence)) == outputs
    assert outputs_from_values(outputs_to_values(outputs, sequence=sequence)) == outputs
    assert outputs_from_json(json.dumps(outputs_to_json(outputs)).encode()) == outputs


@settings(deadline=None)
@given(INPUTS, INPUTS, RINGS, st.integers(1, INPUT_WORDS - 1), WORD)
def test_a_block_that_is_half_of_one_moment_and_half_of_another_is_torn(
    before: Inputs, after: Inputs, ring: ConfirmationRing, at: int, sequence: int
) -> None:
    old = inputs_to_words(before, ring, sequence=sequence, word_order="high_first")
    new = inputs_to_words(after, ring, sequence=sequence + 1, word_order="high_first")
    for torn in (new[:at] + old[at:], old[:at] + new[at:]):
        with pytest.raises(TornBlock):
            inputs_from_words(torn, word_order="high_first")


@settings(deadline=None)
@given(OUTPUTS, st.integers(0, 10), WORD)
def test_no_single_wrong_word_gives_a_permit_to_a_part_that_has_none(outputs: Outputs, at: int, word: int) -> None:
    words = outputs_to_words(outputs, sequence=1)
    words[at] = word
    try:
        read = outputs_from_words(words)
    except RigUnreadable:
        return
    if read.permit:
        assert outputs.permit
        assert read.results_id == outputs.results_id


@settings(deadline=None)
@given(st.lists(WORD, max_size=70))
def test_any_words_are_a_block_or_refused(words: list[int]) -> None:
    for read in (lambda: inputs_from_words(words, word_order="high_first"), lambda: outputs_from_words(words)):
        with suppress(RigUnreadable):
            assert read() is not None


@settings(deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    for read in (inputs_from_json, outputs_from_json):
        with pytest.raises(RigUnreadable, match=r"docs/station-io\.md"):
            read(body)


SOME = Inputs(
    online=True,
    trigger=False,
    trigger_id=3,
    encoder=10,
    part_id=None,
    results_ack=False,
    results_ack_id=0,
    confirmed=(),
    bypass=False,
    reset=False,
    heartbeat=1,
    stopped=False,
)


def _words(**changed: int) -> list[int]:
    words = inputs_to_words(SOME, ConfirmationRing.of([]), sequence=9, word_order="high_first")
    for at, word in changed.items():
        words[int(at[1:])] = word
    return words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(_words(w1=2), "layout 2; expected 1", id="another layout"),
        pytest.param(_words(w25=65), "part id has 65 bytes; expected at most 64", id="a part id that is too long"),
        pytest.param(_words(w25=2, w26=0xFFFE), "is no UTF-8 text", id="a part id that is no text"),
        pytest.param(_words(w9=4, w10=9), "confirms lane 9 for 4", id="a lane that there is not"),
        pytest.param(_words()[:-1], "58 words of inputs; expected 59", id="a word too few"),
    ],
)
def test_what_is_wrong_with_a_block_is_said(words: list[int], said: str) -> None:
    with pytest.raises(RigUnreadable, match=said):
        inputs_from_words(words, word_order="high_first")


def test_a_part_id_that_does_not_fit_is_refused_by_the_plc() -> None:
    with pytest.raises(ValueError, match="part id of 66 bytes; a block holds 64"):
        inputs_to_words(replace(SOME, part_id="한" * 22), ConfirmationRing.of([]), sequence=1, word_order="high_first")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("another type", lambda values: [*values[:4], 1, *values[5:]], id="a number for a flag"),
        pytest.param("a value too few", lambda values: values[:-1], id="a value too few"),
    ],
)
def test_nodes_of_another_type_are_not_believed(name: str, change: Callable[[list[Any]], list[Any]]) -> None:
    words = inputs_to_words(SOME, ConfirmationRing.of([]), sequence=1, word_order="high_first")
    with pytest.raises(RigUnreadable, match="expected"):
        inputs_from_values(change(inputs_to_values(words, part_id=None)))


@settings(deadline=None)
@given(st.lists(st.integers(-(2**30), 2**30), max_size=30), st.integers(-(2**31), 2**31 - 1), st.booleans())
def test_an_encoder_is_followed_across_its_wraps(moves: list[int], start: int, is_signed: bool) -> None:  # noqa: FBT001
    follower, count = UnwrappedCount(), start
    first = follower.follow(start if is_signed else start % 2**32)
    for move in moves:
        count += move
        raw = signed_32(count) if is_signed else count % 2**32
        assert follower.follow(raw) - first == count - start


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), max_size=30))
def test_each_confirmation_is_given_out_once_and_at_most_a_ring_of_them(steps: list[int]) -> None:
    reader, happened = ConfirmationReader(), [Confirmation(9, Lane.PASS)]
    told: list[Confirmation] = []
    assert reader.fresh(ConfirmationRing.of(happened)) == ()
    for step in steps:
        new = [Confirmation(len(happened) + more, Lane.REJECT) for more in range(1, step + 1)]
        happened += new
        fresh = reader.fresh(ConfirmationRing.of(happened))
        assert list(fresh) == new[-RING_SLOTS:]
        told += fresh
    assert len(set(told)) == len(told)


def test_a_plc_that_began_anew_confirms_nothing_old() -> None:
    reader = ConfirmationReader()
    reader.fresh(ConfirmationRing.of([Confirmation(number, Lane.PASS) for number in range(1, 30)]))
    assert reader.fresh(ConfirmationRing.of([Confirmation(1, Lane.PASS)])) == ()
    assert reader.fresh(ConfirmationRing.of([Confirmation(1, Lane.PASS), Confirmation(2, Lane.REJECT)])) == (
        Confirmation(2, Lane.REJECT),
    )


@pytest.mark.parametrize("field", ["trigger_ack_id", "results_id", "heartbeat", "alarm"])
def test_a_word_that_does_not_fit_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is 65536; expected 0 to 65535"):
        Outputs(**{**asdict(_NOTHING), field: 65_536})


_NOTHING = Outputs(
    state=StationState.HALTED,
    ready=False,
    trigger_ack=False,
    trigger_ack_id=0,
    busy=False,
    results_valid=False,
    results_id=0,
    permit=False,
    lane=Lane.REJECT,
    heartbeat=0,
    stop_line=False,
    missed_acquisition=False,
    alarm=0,
)
