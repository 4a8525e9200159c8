"""Defect rates in windows of time: cells that follow the ledger, the plant's calendar, and what is asked of them."""
