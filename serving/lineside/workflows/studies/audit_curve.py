"""What the audit that was actually done would have let through: its operating characteristic."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lineside.client import LinesideClient
from lineside.serving.errors import StudyRefused
from lineside.statistics.rates import (
    OperatingCharacteristic,
    SamplingPlan,
    operating_characteristic,
    share_accepted_with,
)
from lineside.workflows.figures import oc_figure, save_figure
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Picture, Section, write_page
from lineside.workflows.studies.provenance import provenance_section, signature_section

_PATIENCE_S = 60.0
_TITLE = "Operating characteristic of the audit"
_SHOWN_DIGITS = 3

_METHOD = (
    (
        "Chances are hypergeometric (type A) for the parts that passed; the two named shares are binomial, of a stream "
        "of such parts. The draw was random, made before anybody looked, and its readers are taken to be right: "
        "`lineside rates` takes in what they get wrong."
    ),
    "The curve says what the audit can see. It is no estimate of what got through.",
)


@dataclass(frozen=True, slots=True)
class DoneAudit:
    """Passed parts that were drawn at random and read.

    Attributes:
        passed: parts that went through as OK.
        read: how many of them were drawn and read.
        escapes: how many of those were defective.
        unread: how many were drawn and nobody has read yet.
        asked: where the numbers come from, name and text.
    """

    passed: int
    read: int
    escapes: int
    unread: int = 0
    asked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedAudit:
    """An audit with its operating characteristic.

    Attributes:
        audit: what was done.
        curve: what a plan of this size lets through.
    """

    audit: DoneAudit
    curve: OperatingCharacteristic

    @property
    def is_accepted(self) -> bool:
        """Whether no more escapes were found than the acceptance number allows."""
        return self.audit.escapes <= self.curve.plan.accept

    def as_json(self) -> dict[str, Any]:
        """Numbers for a program."""
        return {
            "passed": self.audit.passed,
            "read": self.audit.read,
            "escapes": self.audit.escapes,
            "unread": self.audit.unread,
            "is_accepted": self.is_accepted,
            **asdict(self.curve),
        }

    def facts(self) -> list[tuple[str, str]]:
        """Names and texts, for a table."""
        return [
            ("passed parts", f"{self.audit.passed:,}"),
            ("drawn and read", f"{self.audit.read:,}"),
            ("drawn and not yet read", f"{self.audit.unread:,}"),
            ("escapes found", str(self.audit.escapes)),
            ("acceptance number", str(self.curve.plan.accept)),
            ("outcome", "accepted" if self.is_accepted else "not accepted"),
            ("accepted with 95 %", _percent(self.curve.producer_share)),
            ("accepted with 10 % (LTPD)", _percent(self.curve.consumer_share)),
        ]


def judge_audit(audit: DoneAudit, *, accept: int) -> JudgedAudit:
    """Work out what the audit would have let through.

    Args:
        audit: what was done.
        accept: the number of escapes that the plant tolerates in it.

    Raises:
        StudyRefused: a count is negative, nothing was read, more was read than passed, or the acceptance number accepts
            everything.
    """
    if audit.escapes < 0:
        raise StudyRefused(f"{audit.escapes} escapes; expected 0 or more")
    if audit.escapes > audit.read:
        raise StudyRefused(f"{audit.escapes} escapes in {audit.read} parts read; expected at most as many")
    try:
        plan = SamplingPlan(sample=audit.read, accept=accept)
        shares = _whole_parts(audit.passed, up_to=3 * share_accepted_with(plan, 0.10))
        return JudgedAudit(audit, operating_characteristic(plan, shares=shares, lot=audit.passed))
    except ValueError as error:
        raise StudyRefused(str(error)) from error


def audit_on_server(server: str, api_key: str, **asked: str) -> DoneAudit:
    """The audit of a span as a server counted it.

    Args:
        server: its address.
        api_key: of a role that reads rates.
        asked: the query of `GET /v1/rates`.

    Raises:
        ClientError: the server refused, or was not there.
    """

    async def ask() -> Mapping[str, Any]:
        async with LinesideClient(server, api_key, timeout_s=_PATIENCE_S) as client:
            return await client.rates(**asked)

    answer = asyncio.run(ask())
    total = answer["total"]
    return DoneAudit(
        passed=total["inspected"] - total["flagged"],
        read=total["audited"],
        escapes=total["escapes"]["found_in_audit"],
        unread=total["audits_due"],
        asked=(
            ("From", answer["asked"]["start"]),
            ("To", answer["asked"]["end"]),
            *((name, text) for name, text in answer["asked"]["conditions"].items()),
            ("Last event counted", str(answer["as_of_sequence"])),
        ),
    )


def save_audit_figure(judged: JudgedAudit, path: Path) -> None:
    """Write the curve as SVG or PNG, by the file's suffix.

    Raises:
        FigureFormatUnknown: the suffix is another.
        OSError: the file cannot be written.
    """
    save_figure(oc_figure([judged.curve], title=_TITLE), path)


def write_audit_report(judged: JudgedAudit, path: Path, *, written_at: datetime) -> None:
    """Write the report.

    Raises:
        OSError: the file cannot be written.
    """
    curve = judged.curve
    headline = (
        f"Of {judged.audit.passed:,} passed parts {judged.audit.read:,} were drawn at random and read, and "
        f"{judged.audit.escapes} were defective; at most {curve.plan.accept} are tolerated. An audit like this lets "
        f"parts of which {_percent(curve.consumer_share)} are defective through one time in ten."
    )
    write_page(
        _TITLE,
        (
            Section(
                "", (Notice(headline, NoticeLevel.NOTE if judged.is_accepted else NoticeLevel.BAD), *_unread(judged))
            ),
            Section(
                "Curve",
                (
                    Picture(
                        oc_figure([curve], title=_TITLE),
                        "The chance that an audit of this size finds no more escapes than are tolerated, over the true "
                        "share of defective parts among those that passed.",
                    ),
                ),
            ),
            Section("Figures", (Facts((*judged.facts(), *judged.audit.asked)),)),
            provenance_section((), _METHOD),
            signature_section(),
        ),
        path,
        written_at=written_at,
    )


def _unread(judged: JudgedAudit) -> tuple[Notice, ...]:
    if not judged.audit.unread:
        return ()
    text = (
        f"{judged.audit.unread:,} parts were drawn and nobody has read them yet: the audit is not finished, and the "
        "ones that are put off may be the ones that matter."
    )
    return (Notice(text, NoticeLevel.CAUTION),)


def _whole_parts(passed: int, *, up_to: float) -> list[float]:
    """Shares that whole numbers of the passed parts have, some hundred: between them the curve has steps."""
    if passed < 1:
        return [0.0]
    defective = np.unique(np.round(np.linspace(0, min(1.0, up_to) * passed, 101)))
    return [float(count) for count in defective / passed]


def _percent(share: float) -> str:
    return f"{100 * share:.{_SHOWN_DIGITS}g} %"
