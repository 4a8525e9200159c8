"""The ledger: what was answered is durable, in order, and can be shown to be unchanged."""

from lineside.serving.ledger import tables
from lineside.serving.ledger.chain import ChainReport, verify_chain
from lineside.serving.ledger.errors import (
    LedgerBusy,
    LedgerClosed,
    LedgerError,
    LedgerLocked,
    LedgerReadOnly,
    LedgerSchemaMismatch,
    LedgerUnavailable,
    LedgerUrlRefused,
)
from lineside.serving.ledger.events import ChainHead, Event
from lineside.serving.ledger.ledger import Ledger
from lineside.serving.ledger.transaction import Transaction

__all__ = [
    "ChainHead",
    "ChainReport",
    "Event",
    "Ledger",
    "LedgerBusy",
    "LedgerClosed",
    "LedgerError",
    "LedgerLocked",
    "LedgerReadOnly",
    "LedgerSchemaMismatch",
    "LedgerUnavailable",
    "LedgerUrlRefused",
    "Transaction",
    "tables",
    "verify_chain",
]
