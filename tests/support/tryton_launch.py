"""Run inside Tryton's own environment: starts its server, and ends it when whoever started it is gone.

The starter holds the other end of stdin, and nobody else does: it closes with the starter, also by `kill -9`.
"""

import importlib
import os
import sys
import threading


def _end_with_stdin() -> None:
    # Past Python's buffer, whose lock this thread would hold while the interpreter ends.
    while os.read(0, 4096):
        pass
    os._exit(0)  # its data are a copy for one test


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True, name="stdin-watch").start()
    sys.exit(importlib.import_module("trytond.cli").main())
