"""Run inside Label Studio's own environment: starts its server, and ends it when whoever started it is gone.

The starter holds the other end of stdin, and nobody else does: it closes with the starter, also by `kill -9`. What the
server writes is for its owner alone.
"""

import importlib
import os
import signal
import sys
import threading

_LAST_WORDS_S = 10.0


def _end_with_stdin() -> None:
    # Past Python's buffer, whose lock this thread would hold while the interpreter ends.
    while os.read(0, 4096):
        pass
    threading.Timer(_LAST_WORDS_S, os._exit, args=(1,)).start()
    os.kill(os.getpid(), signal.SIGTERM)


def _main() -> None:
    os.umask(0o077)
    threading.Thread(target=_end_with_stdin, daemon=True, name="stdin-watch").start()
    sys.exit(importlib.import_module("label_studio.server").main())


if __name__ == "__main__":
    _main()
