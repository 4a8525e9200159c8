"""The demonstration's server."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lineside.workflows.demo.child_process import ChildProcess, child_process
from lineside.workflows.demo.plan import DemoPlan


@asynccontextmanager
async def server_child(plan: DemoPlan, *, port: int) -> AsyncIterator[ChildProcess]:
    """Run `lineside serve` for the length of the block, once it answers; its log is `server.log` in the data folder.

    Args:
        plan: what the demonstration shall be.
        port: where it listens; 0 for any.

    Raises:
        ServerFailed: it does not start.
    """
    async with child_process("the server", _command(plan, port), log_path=plan.data_dir / "server.log") as server:
        yield server


def _command(plan: DemoPlan, port: int) -> list[str]:
    command = [
        *(sys.executable, "-m", "lineside.cli", "serve"),
        *("--data", str(plan.data_dir), "--host", "127.0.0.1", "--port", str(port)),
        *("--engine", plan.engine, "--language", plan.language, "--log-format", "json"),
        *("--simulated", "--json", "--ends-with-stdin", "--page" if plan.page else "--no-page"),
    ]
    if plan.releases_dir is not None:
        command += ["--releases", str(plan.releases_dir)]
        if plan.trust_file is None:
            command.append("--unsigned-releases")  # its parts are simulated
    if plan.trust_file is not None:
        command += ["--trust", str(plan.trust_file)]
    if plan.has_peers:
        command += ["--delivery", str(plan.delivery_file)]
    return command
