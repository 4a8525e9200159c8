"""Every error of the ledger, in one tree.

```
LinesideError
└── LedgerError
    ├── LedgerBusy (RuntimeError)            the queue is full: shed now, retry after a moment
    ├── LedgerUnavailable (RuntimeError)     disk full, I/O error, connection lost: retry later
    ├── LedgerClosed (RuntimeError)          used after close
    ├── LedgerLocked (RuntimeError)          another process writes this plant's events; a person must act
    ├── LedgerReadOnly (RuntimeError)        this ledger was opened without the right to do that
    ├── LedgerSchemaMismatch (RuntimeError)  made by another version of this program; a person must act
    └── LedgerUrlRefused (ValueError)        the database URL names nothing that can hold a ledger
```
"""

from lineside.inspection.errors import LinesideError


class LedgerError(LinesideError):
    """Base of the ledger's errors."""


class LedgerBusy(LedgerError, RuntimeError):
    """More operations wait than the queue may hold; none of this one was done."""


class LedgerUnavailable(LedgerError, RuntimeError):
    """The database could not make the operation durable; its caller must not act as if it were written."""


class LedgerClosed(LedgerError, RuntimeError):
    """The ledger is closed or closing."""


class LedgerLocked(LedgerError, RuntimeError):
    """Another process holds the right to append this plant's events."""


class LedgerReadOnly(LedgerError, RuntimeError):
    """The ledger was opened without the right to write, or to append events."""


class LedgerSchemaMismatch(LedgerError, RuntimeError):
    """The database's schema revision is not the one this program works with."""


class LedgerUrlRefused(LedgerError, ValueError):
    """The URL names a database that cannot hold a ledger."""
