"""The process that delivers, as the server sees it: started, watched, started again, ended."""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from lineside.client import Backoff
from lineside.serving.clock import Clock
from lineside.serving.delivery.configuration import parse_delivery, read_delivery_text
from lineside.serving.delivery.handover import Handover
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.ledger import LedgerError
from lineside.serving.security import KeyService, NewKey, Role

_log = structlog.get_logger(__name__)

KEY_NAME: Final = "delivery process"


@dataclass(frozen=True, slots=True)
class SupervisorLimits:
    """Bounds of the process, in seconds.

    Attributes:
        silent_s: without a report for that long it hangs, and is killed.
        ends_within_s: it gets to end by itself.
        backoff: between two starts after an end that nobody wanted.
    """

    silent_s: float = 60.0
    ends_within_s: float = 12.0
    backoff: Backoff = Backoff(first_s=1.0, longest_s=30.0)  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """What the process is told besides where the server is.

    Attributes:
        ledger_url: the ledger's.
        plant: whose.
        delivery_dir: its folder.
        delivery_path: of the file of sinks; None for no delivery.
        is_simulated: whether the line is.
    """

    ledger_url: str
    plant: str
    delivery_dir: Path
    delivery_path: Path | None
    is_simulated: bool


class DeliverySupervisor:
    """Runs the delivery process while the server answers; without sinks there is none.

    The process has a key of its own, made when it begins and revoked when it ends. It comes by a pipe, whose end also
    tells the process that the server is gone.

    Args:
        plan: what to run.
        keys: makes and revokes the key.
        clock: for the watch.
        limits: bounds.

    Raises:
        DeliveryFileRefused: the file of sinks cannot be used.
    """

    def __init__(
        self, plan: ProcessPlan, *, keys: KeyService, clock: Clock, limits: SupervisorLimits | None = None
    ) -> None:
        self._plan = plan
        self._keys = keys
        self._clock = clock
        self._limits = limits or SupervisorLimits()
        self._text = "" if plan.delivery_path is None else read_delivery_text(plan.delivery_path)
        self.sinks: tuple[SinkSettings, ...] = ()
        if plan.delivery_path is not None:
            folder = plan.delivery_path.parent.resolve()
            self.sinks = parse_delivery(self._text, source=str(plan.delivery_path), folder=folder).sinks
        self.sink_names = frozenset(sink.name for sink in self.sinks)
        self.state = "not_started" if self.sinks else "no_sinks"
        self.pid: int | None = None
        self._heard_s = 0.0
        self._running: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def begin(self, server_url: str) -> None:
        """Start the process once requests are answered; harmless when repeated.

        Args:
            server_url: where it reaches this server.
        """
        if self._running is None:
            # Without sinks a key may still be left from before.
            self._running = asyncio.create_task(self._run(server_url) if self.sink_names else self._revoke_keys())

    async def end(self) -> None:
        """End the process while the server still answers, so that it reports a last time; harmless when repeated."""
        self._ending.set()
        if self._running is not None:
            await self._running

    def heard(self) -> None:
        """The process reported."""
        self._heard_s = self._clock.monotonic()

    async def _run(self, server_url: str) -> None:
        waits_s = self._limits.backoff.waits_s(random.Random())  # noqa: S311 - jitter
        made: NewKey | None = None
        try:
            while not self._ending.is_set():
                try:
                    if made is None:
                        made = await asyncio.to_thread(self._new_key)
                    code = await self._run_once(server_url, made.secret)
                except (LedgerError, OSError) as error:  # a full disk, no memory for another process: it passes
                    _log.error("delivery_process_not_started", reason=str(error))
                else:
                    if self._ending.is_set():
                        break
                    _log.error("delivery_process_ended", code=code)
                self.state = "restarting"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), next(waits_s))
        finally:
            self.state = "ended"
            if made is not None:
                await self._revoke_keys()

    def _new_key(self) -> NewKey:
        self._revoke_left_keys()
        return self._keys.create(KEY_NAME, Role.DELIVERY)

    async def _revoke_keys(self) -> None:
        try:
            await asyncio.to_thread(self._revoke_left_keys)
        except LedgerError as error:
            _log.warning("delivery_key_not_revoked", reason=str(error), to_do="the next start does it")

    def _revoke_left_keys(self) -> None:
        """A server that was killed could not revoke its process's key."""
        for key in self._keys.list_keys():
            if key.role is Role.DELIVERY and key.name == KEY_NAME and key.revoked_at is None:
                self._keys.revoke(key.id)

    async def _run_once(self, server_url: str, secret: str) -> int:
        """Run the process until it ends by itself or is ended; its exit status."""
        self._plan.delivery_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lineside.serving.delivery",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=1 << 20,
            start_new_session=True,  # Ctrl-C in the terminal is the server's, which then ends its child in order
        )
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101 - asked for above
        self.pid = process.pid
        self.state = "running"
        self.heard()
        relaying = asyncio.create_task(_relay(process.stdout))
        try:
            with contextlib.suppress(ConnectionError):  # it ended at once: its exit status says so
                process.stdin.write(self._handover(server_url, secret).to_line())
                await process.stdin.drain()
            await self._watch(process)
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), self._limits.ends_within_s)
            except TimeoutError:
                _log.warning("delivery_process_killed", reason="it did not end by itself")
        finally:
            if process.returncode is None:
                process.kill()
            code = await process.wait()
            await relaying
            self.pid = None
        return code

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Until it ends, has to end, or hangs."""
        ended, ending = asyncio.create_task(process.wait()), asyncio.create_task(self._ending.wait())
        try:
            while not ended.done() and not ending.done():
                await asyncio.wait({ended, ending}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                silent_s = self._clock.monotonic() - self._heard_s
                if not ended.done() and silent_s > self._limits.silent_s:
                    _log.error("delivery_process_killed", reason="it hangs", silent_for_s=round(silent_s, 1))
                    process.kill()
                    return
        finally:
            ended.cancel()
            ending.cancel()

    def _handover(self, server_url: str, secret: str) -> Handover:
        path = self._plan.delivery_path or Path()
        return Handover(
            server_url=server_url,
            key=secret,
            ledger_url=self._plan.ledger_url,
            plant=self._plan.plant,
            delivery_dir=self._plan.delivery_dir,
            delivery_text=self._text,
            delivery_path=path,
            is_simulated=self._plan.is_simulated,
        )


async def _relay(stream: asyncio.StreamReader) -> None:
    """Write what the process logs, a JSON object a line, into the server's own log, in its format."""
    while line := await _next_line(stream):
        try:
            said: Any = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            _log.warning("delivery_process_says", text=line.decode("utf-8", "replace").strip()[:1000])
            continue
        event, level = str(said.pop("event", "")), str(said.pop("level", "info"))
        write = {"debug": _log.debug, "warning": _log.warning, "error": _log.error}.get(level, _log.info)
        write(event, **said)


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than any line of ours
        return b"(a line too long to repeat)\n"
