"""What a reader of a rate must bear in mind, in sentences."""

from collections.abc import Iterator

from lineside.statistics.rates.records import KnownReads, RateCounts, ReviewerReads


def notes_on(counts: RateCounts, *, golden: KnownReads | None, reviewers: ReviewerReads | None) -> tuple[str, ...]:
    """The sentences, the most important ones first; none where all is as it should be."""
    return tuple(_notes(counts, golden, reviewers))


def _notes(counts: RateCounts, golden: KnownReads | None, reviewers: ReviewerReads | None) -> Iterator[str]:
    if counts.inspected == 0:
        yield "No part was inspected."
        return
    if counts.parts_passed and not counts.audited:
        yield "No passed part was audited: nothing is known of the escapes, and the rate has no point estimate."
    elif beyond := sum(stratum.parts for stratum in counts.passed if not stratum.read):
        yield (
            f"{beyond} of {counts.parts_passed} passed parts were out of the audit's reach; their escapes are"
            " extrapolated from the others."
        )
    pending = sum(stratum.drawn - stratum.read for stratum in counts.passed)
    if pending:
        yield f"{pending} parts drawn for the audit are not settled yet; they are taken to be like those that are."
    if counts.unconfirmed:
        yield f"{counts.unconfirmed} flagged parts are not settled yet; the bounds hold whatever they turn out to be."
    if counts.not_inspected:
        yield f"{counts.not_inspected} parts were not inspected; they are in no rate."
    if golden is None or golden.hits + golden.misses == 0:
        yield "Without a golden set the escapes rest on the audit alone."
    if reviewers is None:
        yield "Reviewers are taken to be right: none of them has read parts whose truth is known."
        return
    if not reviewers.defective:
        yield "Reviewers have read no part known to be defective; they are taken to miss none."
    if not reviewers.good:
        yield "Reviewers have read no part known to be good; they are taken to raise no false alarm."
