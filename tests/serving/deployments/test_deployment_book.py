"""The book of deployments against a plain model of it, under every order of accepting, withdrawing and time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lineside.inspection.audit import PlantSecret
from lineside.inspection.release import (
    CanaryUnit,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    ReleaseReference,
)
from lineside.inspection.verdict import ReasonCode
from lineside.serving.deployments.assignment import Assigner, ref_of
from lineside.serving.deployments.book import DeploymentBook, DeploymentRecord, Scope, Standing, Withdrawal
from lineside.serving.releases import ReleaseRef

START = datetime(2026, 1, 1, tzinfo=UTC)
LINES = ("line-1", "line-2")
PRODUCTS = ("A", "B")
NAMES = ("blobs", "pcb")
SCOPES = [Scope(line, product, name) for line in LINES for product in PRODUCTS for name in NAMES]
CAUSES = {
    DeploymentMode.LIVE: DeploymentCause.PROMOTION,
    DeploymentMode.SHADOW: DeploymentCause.SHADOW,
    DeploymentMode.CANARY: DeploymentCause.CANARY,
}


def a_record(
    serial: int,
    *,
    mode: DeploymentMode = DeploymentMode.LIVE,
    lines: tuple[str, ...] = ("*",),
    products: tuple[str, ...] = ("*",),
    name: str = "blobs",
    at: datetime = START,
    hours: int = 24,
) -> DeploymentRecord:
    """A deployment as the ledger holds it; its release's version is its serial."""
    deployment = Deployment(
        serial=serial,
        plant="plant-1",
        lines=lines,
        products=products,
        mode=mode,
        share=1.0,
        unit=CanaryUnit.PART if mode is DeploymentMode.CANARY else None,
        release=ReleaseReference(name, str(serial), f"{serial:064x}"),
        issued_at=at,
        expires_at=at + timedelta(hours=hours),
        gate=GateEvidence("0" * 64),
        cause=CAUSES[mode],
        previous_serial=None,
    )
    return DeploymentRecord(f"id-{serial}", deployment, deployment.to_bytes().decode(), "", at, "test")


def assigner(book: DeploymentBook, unusable: str | None = None) -> Assigner:
    secret = PlantSecret(b"0123456789abcdef")
    return Assigner(lambda: book, unusable=lambda _record: unusable, secret=secret)


class BookMachine(RuleBasedStateMachine):
    """Accept, withdraw, let time pass and restart in any order; each scope's decision is that of a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.book = DeploymentBook()
        self.now = START
        self.log: list[DeploymentRecord] = []
        self.gone: set[str] = set()

    @rule(
        skip=st.integers(1, 3),
        mode=st.sampled_from(DeploymentMode),
        lines=st.sampled_from([("*",), ("line-1",), ("line-2",), LINES]),
        products=st.sampled_from([("*",), ("A",), ("B",)]),
        name=st.sampled_from(NAMES),
        hours=st.integers(1, 48),
    )
    def accept(
        self,
        skip: int,
        mode: DeploymentMode,
        lines: tuple[str, ...],
        products: tuple[str, ...],
        name: str,
        hours: int,
    ) -> None:
        serial = self.book.highest_serial + skip
        record = a_record(serial, mode=mode, lines=lines, products=products, name=name, at=self.now, hours=hours)
        self.book = self.book.with_accepted(record)
        self.log.append(record)

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        record = data.draw(st.sampled_from(self.log))
        self.book = self.book.with_withdrawn(record.id, Withdrawal(self.now, "test", "because"))
        self.gone.add(record.id)

    @precondition(lambda self: self.log)
    @rule(data=st.data(), back=st.integers(0, 5))
    def an_old_serial_is_refused(self, data: st.DataObject, back: int) -> None:
        serial = max(1, self.book.highest_serial - back)
        with pytest.raises(ValueError, match="is not above"):
            self.book.with_accepted(a_record(serial, at=self.now))

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def restart(self) -> None:
        """What is read back from the ledger, in any order, is the same book."""
        self.book = DeploymentBook(reversed(self.book.records))

    @invariant()
    def decisions_are_those_of_the_plain_list(self) -> None:
        for scope in SCOPES:
            live = candidate = None
            for record in self.log:
                deployment = record.deployment
                if deployment.release.name != scope.release_name:
                    continue
                if not deployment.covers(line=scope.line, product=scope.product):
                    continue
                if deployment.mode is DeploymentMode.LIVE:
                    candidate = None
                    live = live if record.id in self.gone else record
                else:
                    candidate = None if record.id in self.gone else record
            decision = self.book.decide(scope)
            assert (decision.live and decision.live.id) == (live and live.id)
            assert (decision.candidate and decision.candidate.id) == (candidate and candidate.id)

    @invariant()
    def nothing_judges_after_its_permission_has_ended(self) -> None:
        for scope in SCOPES:
            assignment = assigner(self.book).assign(scope, part_id="P", lot=None, now=self.now)
            decision = self.book.decide(scope)
            for ref in (assignment.judge, assignment.observer):
                if ref is None or ref.digest is None:
                    continue
                (record,) = (record for record in self.book.records if ref_of(record) == ref)
                assert not record.is_expired(self.now)
                assert record.id not in self.gone
            if assignment.judge is None:
                assert decision.live is not None
                assert assignment.refusal is not None
                assert assignment.refusal.code is ReasonCode.DEPLOYMENT_EXPIRED

    @invariant()
    def what_is_in_force_decides_somewhere_and_nothing_else_does(self) -> None:
        deciding = set()
        for scope in SCOPES:
            decision = self.book.decide(scope)
            deciding |= {record.id for record in (decision.live, decision.candidate) if record is not None}
        for record in self.book.records:
            standing = self.book.standing(record, self.now)
            if record.id in deciding:
                assert standing in {Standing.IN_FORCE, Standing.EXPIRED}
            if standing is Standing.WITHDRAWN:
                assert record.id in self.gone
            if standing is Standing.SUPERSEDED:
                assert record.id not in deciding


BookMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestBook = BookMachine.TestCase


def test_below_the_first_deployment_is_what_the_server_came_with() -> None:
    scope = Scope("line-1", "A", "blobs")
    assert assigner(DeploymentBook()).assign(scope, part_id="P", lot=None, now=START).judge == ReleaseRef("blobs")


def test_what_lies_below_an_expired_deployment_does_not_come_back_by_itself() -> None:
    book = DeploymentBook([a_record(1, hours=100), a_record(2, hours=1)])
    later = START + timedelta(hours=2)
    assignment = assigner(book).assign(Scope("line-1", "A", "blobs"), part_id="P", lot=None, now=later)
    assert assignment.judge is None
    withdrawn = book.with_withdrawn("id-2", Withdrawal(later, "Kim", "expired"))
    assert assigner(withdrawn).assign(Scope("line-1", "A", "blobs"), part_id="P", lot=None, now=later).judge == (
        ref_of(book.records[0])
    )


def test_a_deployment_that_no_longer_verifies_judges_nothing() -> None:
    book = DeploymentBook([a_record(1)])
    refused = assigner(book, "its key was revoked")
    assignment = refused.assign(Scope("line-1", "A", "blobs"), part_id="P", lot=None, now=START)
    assert assignment.refusal is not None
    assert (assignment.judge, assignment.refusal.code) == (None, ReasonCode.NO_RELEASE)


def test_each_deployment_draws_its_own_parts() -> None:
    """Else the same parts would carry the risk of every trial."""
    first = a_record(1, mode=DeploymentMode.CANARY)
    drawn = []
    for record in (first, a_record(2, mode=DeploymentMode.CANARY)):
        record = replace(record, deployment=replace(record.deployment, share=0.3))
        draws = assigner(DeploymentBook([record]))
        scope = Scope("line-1", "A", "blobs")
        drawn.append(
            {
                number
                for number in range(2000)
                if draws.assign(scope, part_id=f"P-{number}", lot=None, now=START).candidate_judges
            }
        )
    assert all(500 < len(parts) < 700 for parts in drawn)  # 600 +- 5 standard deviations
    assert 100 < len(drawn[0] & drawn[1]) < 260  # independent draws share 9 %: 180 +- 6 standard deviations
