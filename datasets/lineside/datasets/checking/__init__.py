"""Checking a revision: what is wrong with its labels and pictures, how it is balanced, and a report to look at."""

from lineside.datasets.checking.balance import Balance, SplitBalance
from lineside.datasets.checking.check import CheckOptions, check_revision
from lineside.datasets.checking.contact_sheet import contact_sheet
from lineside.datasets.checking.findings import Case, CheckReport, Finding, FindingKind, Level
from lineside.datasets.checking.report import write_report

__all__ = [
    "Balance",
    "Case",
    "CheckOptions",
    "CheckReport",
    "Finding",
    "FindingKind",
    "Level",
    "SplitBalance",
    "check_revision",
    "contact_sheet",
    "write_report",
]
