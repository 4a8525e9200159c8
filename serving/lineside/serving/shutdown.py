"""Telling long-lived responses that the server is about to end.

A server waits for open responses before it closes an app. An event stream never ends by itself, so it has to be told
first: whoever receives the stop signal calls `begin_shutdown`.
"""

import asyncio

from fastapi import FastAPI


class Shutdown:
    """A one-way switch that many can wait for; it belongs to one event loop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether the server is ending."""
        return self._begun.is_set()

    def begin(self) -> None:
        """End the waiting; harmless when repeated."""
        self._begun.set()

    async def wait(self) -> None:
        """Wait until the server is ending."""
        await self._begun.wait()


def shutdown_of(app: FastAPI) -> Shutdown:
    """The switch of an app."""
    if not hasattr(app.state, "shutdown"):
        app.state.shutdown = Shutdown()
    shutdown: Shutdown = app.state.shutdown
    return shutdown


def begin_shutdown(app: FastAPI) -> None:
    """End the event streams of an app and make it not ready; call it on its event loop."""
    shutdown_of(app).begin()
