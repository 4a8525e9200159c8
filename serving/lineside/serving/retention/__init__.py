"""Retention: images go when their recipe says, the ledger says which went, and no file goes that a record counts on."""

from lineside.serving.retention.service import Housekeeping

__all__ = ["Housekeeping"]
