"""An inspection capability study: people and the detector call the same parts several times, blind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from lineside.statistics.agreement.kappa import Kappa, clustered_cohen_kappa, fleiss_kappa
from lineside.statistics.agreement.shares import CallShare, share_of_calls

LEAST_PARTS = 2
_CATEGORIES = 2


class Call(StrEnum):
    """What an appraiser says of a part, and what the part is."""

    OK = "OK"
    NG = "NG"


class IncompleteStudy(ValueError):
    """A call is missing: every appraiser calls every part in every trial, or shares would speak of different parts."""


class ConflictingCalls(ValueError):
    """The same appraiser called the same part in the same trial twice, or a part has two references."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """One call.

    Attributes:
        appraiser: a person's name or the detector's station.
        part: the part.
        trial: from 1.
        call: what was said.
    """

    appraiser: str
    part: str
    trial: int
    call: Call


@dataclass(frozen=True, slots=True)
class AppraiserFigures:
    """What one appraiser can do.

    Attributes:
        appraiser: who.
        is_detector: whether it is the inspection system.
        effectiveness: share of parts on which all trials agree with the reference.
        repeatability: share of parts on which the own trials agree; None with one trial.
        miss_rate: share of the calls of defective parts that say OK: escapes (underkill).
        false_alarm_rate: share of the calls of good parts that say NG: false calls (overkill).
        against_reference: Cohen's kappa of all trials against the reference.
        within: Fleiss' kappa of the own trials; None with one trial.
    """

    appraiser: str
    is_detector: bool
    effectiveness: CallShare
    repeatability: CallShare | None
    miss_rate: CallShare
    false_alarm_rate: CallShare
    against_reference: Kappa
    within: Kappa | None


@dataclass(frozen=True, slots=True)
class PairFigures:
    """How far two appraisers agree, trial by trial.

    Attributes:
        first, second: who.
        kappa: Cohen's.
    """

    first: str
    second: str
    kappa: Kappa


@dataclass(frozen=True, slots=True)
class AgreementStudy:
    """What a study shows.

    Attributes:
        parts: how many parts.
        defective: how many of them are NG by reference.
        trials: calls of each appraiser on each part.
        appraisers: each one's figures, in the order of their first call.
        pairs: every two of them.
        between: Fleiss' kappa of all calls of all appraisers; None with one call of one appraiser.
        all_agree: share of parts on which all calls of all appraisers agree.
        all_right: share of parts on which they also agree with the reference.
        detector_against_people: Cohen's kappa of the detector's calls with every person's, in one table; None without
            a detector or without people.
        confidence: of every interval.
        notes: what a reader must know.
    """

    parts: int
    defective: int
    trials: int
    appraisers: tuple[AppraiserFigures, ...]
    pairs: tuple[PairFigures, ...]
    between: Kappa | None
    all_agree: CallShare
    all_right: CallShare
    detector_against_people: Kappa | None
    confidence: float
    notes: tuple[str, ...]


def analyse_agreement(
    calls: Sequence[Appraisal],
    reference: Mapping[str, Call],
    *,
    detector: str | None = None,
    confidence: float = 0.95,
) -> AgreementStudy:
    """Analyse an attribute agreement study.

    Source: the crossed design and its figures (effectiveness, miss rate, false-alarm rate, agreement within, between
    and with the reference) as in Automotive Industry Action Group, "Measurement Systems Analysis", 4th edition
    (2010), chapter III, section C; intervals as `share_of_calls` and `clustered_cohen_kappa` cite.

    Assumptions: the reference is right; parts are independent; calls were made blind and in random order; the shares
    speak of parts like those of the study, which holds more borderline parts than a line sees.

    Args:
        calls: every call; every appraiser calls every part in every trial once.
        reference: what each part is.
        detector: the appraiser that is the inspection system; its trials are re-imaged parts.
        confidence: of every interval.

    Raises:
        IncompleteStudy: a call or a reference is missing.
        ConflictingCalls: the same call is there twice.
        ValueError: fewer than two parts, or the detector made no call.
    """
    table = _CallTable.of(calls, reference)
    if detector is not None and detector not in table.appraisers:
        raise ValueError(
            f"the detector {detector!r} made no call; expected one of: {', '.join(table.appraisers) or 'nobody called'}"
        )
    people = tuple(name for name in table.appraisers if name != detector)
    pairs = tuple(
        PairFigures(first, second, table.pair_kappa((first,), (second,), confidence))
        for first, second in combinations(table.appraisers, 2)
    )
    with_people = None
    if detector is not None and people:
        with_people = table.pair_kappa((detector,), people, confidence)
    return AgreementStudy(
        parts=len(table.parts),
        defective=sum(call is Call.NG for call in table.reference),
        trials=table.trials,
        appraisers=tuple(
            table.figures(name, is_detector=name == detector, confidence=confidence) for name in table.appraisers
        ),
        pairs=pairs,
        between=table.fleiss(table.appraisers, confidence),
        all_agree=table.unanimous(table.appraisers, confidence),
        all_right=table.right(table.appraisers, confidence),
        detector_against_people=with_people,
        confidence=confidence,
        notes=_notes(table),
    )


@dataclass(frozen=True, slots=True)
class _CallTable:
    """The calls of each appraiser, part by part in one order, trial by trial."""

    parts: tuple[str, ...]
    reference: tuple[Call, ...]
    trials: int
    appraisers: tuple[str, ...]
    calls: Mapping[str, tuple[tuple[Call, ...], ...]]

    @classmethod
    def of(cls, calls: Sequence[Appraisal], reference: Mapping[str, Call]) -> "_CallTable":
        said: dict[tuple[str, str, int], Call] = {}
        for each in calls:
            key = (each.appraiser, each.part, each.trial)
            if key in said:
                raise ConflictingCalls(
                    f"{each.appraiser} called part {each.part} in trial {each.trial} twice; keep the call that counts"
                )
            said[key] = each.call
        parts = tuple(reference)
        if len(parts) < LEAST_PARTS:
            raise ValueError(f"the study has {len(parts)} parts with a reference; expected at least {LEAST_PARTS}")
        unknown = {part for _, part, _ in said} - set(parts)
        if unknown:
            raise IncompleteStudy(f"part {min(unknown)} was called and has no reference; say what it is")
        appraisers = tuple(dict.fromkeys(name for name, _, _ in said))
        trials = max((trial for _, _, trial in said), default=0)
        for name in appraisers:
            for part in parts:
                for trial in range(1, trials + 1):
                    if (name, part, trial) not in said:
                        raise IncompleteStudy(
                            f"{name} has no call of part {part} in trial {trial}; expected every appraiser to call "
                            f"every part {trials} times: make the call, or leave the part out of the study"
                        )
        rows = {
            name: tuple(tuple(said[name, part, trial] for trial in range(1, trials + 1)) for part in parts)
            for name in appraisers
        }
        if not rows:
            raise IncompleteStudy("nobody called any part; expected calls")
        return cls(parts, tuple(reference.values()), trials, appraisers, rows)

    def figures(self, name: str, *, is_detector: bool, confidence: float) -> AppraiserFigures:
        rows = self.calls[name]
        repeated = self.trials > 1
        tables = [_table([right] * self.trials, row) for right, row in zip(self.reference, rows, strict=True)]
        return AppraiserFigures(
            appraiser=name,
            is_detector=is_detector,
            effectiveness=self.right((name,), confidence),
            repeatability=self.unanimous((name,), confidence) if repeated else None,
            miss_rate=self._wrong(rows, Call.NG, confidence),
            false_alarm_rate=self._wrong(rows, Call.OK, confidence),
            against_reference=clustered_cohen_kappa(tables, confidence=confidence),
            within=self.fleiss((name,), confidence) if repeated else None,
        )

    def pair_kappa(self, first: Sequence[str], second: Sequence[str], confidence: float) -> Kappa:
        """Cohen's kappa of every one of the first with every one of the second, trial by trial."""
        tables = []
        for part in range(len(self.parts)):
            ones = [call for one in first for _ in second for call in self.calls[one][part]]
            others = [call for _ in first for other in second for call in self.calls[other][part]]
            tables.append(_table(ones, others))
        return clustered_cohen_kappa(tables, confidence=confidence)

    def fleiss(self, names: Sequence[str], confidence: float) -> Kappa | None:
        if len(names) * self.trials < _CATEGORIES:
            return None
        return fleiss_kappa([[row.count(call) for call in Call] for row in self._joined(names)], confidence=confidence)

    def unanimous(self, names: Sequence[str], confidence: float) -> CallShare:
        return share_of_calls([int(len(set(row)) == 1) for row in self._joined(names)], 1, confidence=confidence)

    def right(self, names: Sequence[str], confidence: float) -> CallShare:
        rows = zip(self._joined(names), self.reference, strict=True)
        return share_of_calls([int(set(row) == {right}) for row, right in rows], 1, confidence=confidence)

    def _joined(self, names: Sequence[str]) -> list[tuple[Call, ...]]:
        return [tuple(call for name in names for call in self.calls[name][part]) for part in range(len(self.parts))]

    def _wrong(self, rows: Sequence[tuple[Call, ...]], right: Call, confidence: float) -> CallShare:
        wrong = [
            sum(call is not right for call in row)
            for row, of_part in zip(rows, self.reference, strict=True)
            if of_part is right
        ]
        return share_of_calls(wrong, self.trials, confidence=confidence)


def _table(first: Sequence[Call], second: Sequence[Call]) -> list[list[int]]:
    table = [[0] * _CATEGORIES for _ in range(_CATEGORIES)]
    order = list(Call)
    for one, other in zip(first, second, strict=True):
        table[order.index(one)][order.index(other)] += 1
    return table


def _notes(table: _CallTable) -> tuple[str, ...]:
    defective = sum(call is Call.NG for call in table.reference)
    notes = []
    if defective == 0:
        notes.append("no part of the study is defective: nothing is known of misses")
    if defective == len(table.parts):
        notes.append("every part of the study is defective: nothing is known of false alarms")
    if table.trials == 1:
        notes.append("each part was called once: nothing is known of repeatability")
    return tuple(notes)
