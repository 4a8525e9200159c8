"""Ports of the loopback that nobody listens at."""

import os
import socket
from typing import Final

from lineside.workflows.errors import ServerFailed

LOOPBACK: Final = "127.0.0.1"


def bindable_port(wanted: int) -> int:
    """The port itself, or for 0 any that is free.

    Raises:
        OSError: somebody has it, or it may not be had.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere the option would let us have a port that is taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, wanted))
        return int(probe.getsockname()[1])


def free_port(preferred: int = 0) -> int:
    """The preferred port; any other if somebody listens there already.

    Raises:
        ServerFailed: none is free.
    """
    for port in (preferred, 0):
        try:
            return bindable_port(port)
        except OSError:
            continue
    raise ServerFailed(f"no port of {LOOPBACK} is free: end what holds them")
