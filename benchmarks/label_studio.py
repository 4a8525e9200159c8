"""`label_studio`: 10,000 tasks pushed to a real Label Studio and pulled from it, and a pull of nothing new.

Both commands run as a plant runs them, in a process of their own, which counts its requests and tells its peak memory.
People are not there: Label Studio's own action turns each suggestion into an annotation.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np

from benchmarks.load import Connection, inspection_request
from benchmarks.options import Options, Say
from benchmarks.report import Report, Table
from benchmarks.server import Line
from lineside.client import content_digest
from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.workflows.label_server import LabelServerHome, label_server, label_studio_python

SIDE_PX = 160
PROJECT = "benchmark"
OVERLAP_S = 120.0
"""Of `lineside.workflows.labelling.pulling.OVERLAP`: so long what was pulled is read again."""

RECIPE = f"""\
schema: lineside.recipe/1
id: bench-board
version: 1
product: bench-board
catalogue: {{id: pcb, version: 1}}
release: pcb-single
deadline_ms: 10000
views: {{default: {{size_wh_px: [{SIDE_PX}, {SIDE_PX}]}}}}
health: {{min_std: null, min_brightest: null, max_black_share: null, min_mean: null, min_sharpness: null}}
retention: {{ok_share: 1.0}}
"""
_CLIENTS = 2
_DESIGNS = 40
_ACCEPTED_AT_ONCE = 500
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended well.

    Attributes:
        seconds: from the start of its process to its end.
        work_seconds: of them from the first request on; before lies the import of both servers' clients.
        peak_memory_bytes: the most that it held.
        requests_to_us: how many it sent to our server.
        requests_to_studio: how many to Label Studio.
        answer: its JSON.
    """

    seconds: float
    work_seconds: float
    peak_memory_bytes: int
    requests_to_us: int
    requests_to_studio: int
    answer: Any


@dataclass(frozen=True, slots=True)
class Site:
    """Both servers, running.

    Attributes:
        line: ours.
        studio_url: Label Studio's address.
        studio_token: its token.
        folder: for revisions and locks.
    """

    line: Line
    studio_url: str
    studio_token: str
    folder: Path

    @property
    def our_url(self) -> str:
        """Where our server is."""
        return f"http://127.0.0.1:{self.line.server.port}"

    def run(self, word: str, *options: str) -> Ran:
        """Run `lineside labels WORD` in a process of its own."""
        counts = self.folder / "counts.json"
        where = ("--server", self.our_url, "--studio", self.studio_url, "--project", PROJECT, "--json")
        environment = {
            **os.environ,
            "LINESIDE_API_KEY": self.line.key,
            "LABEL_STUDIO_API_KEY": self.studio_token,
            "LINESIDE_DATASETS": str(self.folder / "datasets"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        began_s = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.label_studio", str(counts), "labels", word, *where, *options],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began_s
        if ended.returncode != 0:
            raise RuntimeError(f"lineside labels {word} ended with {ended.returncode}: {ended.stderr[-2000:]}")
        told = json.loads(counts.read_text("utf-8"))
        ours, studio = urlsplit(self.our_url).netloc, urlsplit(self.studio_url).netloc
        return Ran(
            seconds=seconds,
            work_seconds=told["work_seconds"],
            peak_memory_bytes=told["peak_memory_bytes"],
            requests_to_us=told["requests"].get(ours, 0),
            requests_to_studio=told["requests"].get(studio, 0),
            answer=json.loads(ended.stdout),
        )


@contextmanager
def both_servers(folder: Path, home: Path) -> Iterator[Site]:
    """Our server and Label Studio, with nothing in them.

    Args:
        folder: for all files.
        home: of Label Studio; an empty one takes it minutes to start.
    """
    line = Line.prepare(folder / "line")
    studio_home = LabelServerHome.open(home)
    with line.server, label_server(studio_home, label_studio_python(), port=0) as studio:
        line.enrol(_CLIENTS, recipe=RECIPE)
        yield Site(line, studio.url, studio_home.login.token, folder)


def inspect_parts(site: Site, count: int) -> list[str]:
    """Send parts over the line, each with a picture of its own; gives their inspections."""
    designs = [
        BoardDesign(tuple(LayoutFamily)[index % len(LayoutFamily)], 900 + index, (SIDE_PX, SIDE_PX))
        for index in range(_DESIGNS)
    ]
    boards = [
        Board(design).sample(look=Look.CAMERA, defects=index % 3, seed=index).frame
        for index, design in enumerate(designs)
    ]
    found: list[str] = []

    def send(client: int) -> None:
        connection = Connection(site.line.server.port)
        rng = np.random.default_rng(client)
        for number in range(client, count, _CLIENTS):
            board = boards[number % _DESIGNS]
            noisy = np.clip(board.astype(np.int16) + rng.integers(-3, 4, board.shape), 0, 255).astype(np.uint8)
            body = np.asarray(cv2.imencode(".jpg", noisy)[1], np.uint8).tobytes()
            head = inspection_request(
                body,
                digest=content_digest(body),
                station=f"bench-{client}",
                part_id=f"part-{number}",
                key=site.line.key,
                idempotency_key=f"part-{number}",
            )
            answer = connection.ask(head, body)
            if answer.status != 200:
                raise RuntimeError(f"part {number}: {answer.status} {answer.body[:300]!r}")
            found.append(json.loads(answer.body)["id"])
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) != count:
        raise RuntimeError(f"{len(found)} of {count} parts were inspected")
    return found


def pick(site: Site, inspections: Sequence[str]) -> None:
    """Pick inspections for the project."""
    with httpx.Client(
        base_url=site.our_url,
        headers={"Authorization": f"Bearer {site.line.key}"},
        timeout=_PATIENCE_S,
        trust_env=False,
    ) as http:
        catalogue = http.get("/v1/catalogues/pcb").raise_for_status().json()
        http.put(
            f"/v1/label-projects/{PROJECT}",
            json={
                "catalogue": {"id": "pcb", "version": catalogue["version"]},
                "classes": [each["name"] for each in catalogue["classes"]],
            },
        ).raise_for_status()
        for first in range(0, len(inspections), _ACCEPTED_AT_ONCE):
            items = [
                {"inspection_id": each, "reason": "random"} for each in inspections[first : first + _ACCEPTED_AT_ONCE]
            ]
            content = {"project": PROJECT, "seed": 1, "items": items}
            http.post("/v1/label-picks", json=content).raise_for_status()


def accept_all(site: Site, studio_project: int) -> int:
    """Have Label Studio turn every suggestion into an annotation; gives how many there are then."""
    with httpx.Client(
        base_url=site.studio_url,
        headers={"Authorization": f"Token {site.studio_token}"},
        timeout=_PATIENCE_S,
        trust_env=False,
    ) as http:
        project = http.get(f"/api/projects/{studio_project}/").raise_for_status().json()
        http.post(
            "/api/dm/actions",
            params={"id": "predictions_to_annotations", "project": studio_project},
            json={"selectedItems": {"all": True, "excluded": []}, "model_version": project["model_version"]},
        ).raise_for_status()
        return int(http.get(f"/api/projects/{studio_project}/").raise_for_status().json()["total_annotations_number"])


def measure_loop(site: Site, tasks: int, *, say: Say, is_waiting: bool) -> dict[str, Ran]:
    """Push, pull, and pull again.

    Args:
        site: where.
        tasks: how many parts, one task each.
        say: hears what is being done.
        is_waiting: pull when the overlap is over, as where people labelled all day.
    """
    say(f"label_studio: {tasks} parts over the line")
    pick(site, inspect_parts(site, tasks))
    say("label_studio: push")
    ran = {"push": site.run("push"), "push again": site.run("push")}
    say("label_studio: everything is accepted")
    annotations = accept_all(site, ran["push"].answer["label_studio_project_id"])
    if annotations != tasks:
        raise RuntimeError(f"{annotations} of {tasks} suggestions became annotations")
    if is_waiting:
        time.sleep(OVERLAP_S)
    say("label_studio: pull")
    ran["pull"] = site.run("pull")
    ran["pull again"] = site.run("pull")
    return ran


def measure(options: Options) -> Report:
    """Measure with 10,000 tasks, quickly with 200."""
    return measure_tasks(options, options.some(10_000, 200))


def measure_tasks(options: Options, tasks: int) -> Report:
    """Measure with so many tasks."""
    with both_servers(options.folder, options.folder / "studio") as site:
        ran = measure_loop(site, tasks, say=options.say, is_waiting=not options.is_quick)
    rows = [
        (
            f"`lineside labels {name.split()[0]}`{' '.join(['', *name.split()[1:]])}",
            f"{each.seconds:.1f}",
            f"{each.work_seconds:.1f}",
            "-" if name.endswith("again") else f"{tasks / each.work_seconds:.0f}",
            f"{each.peak_memory_bytes / 1e6:.0f}",
            str(each.requests_to_us),
            str(each.requests_to_studio),
        )
        for name, each in ran.items()
    ]
    table = Table(
        f"Label Studio: {tasks} tasks of {SIDE_PX}x{SIDE_PX} px",
        ("command", "s", "of them at work", "tasks/s", "peak MB", "requests to our server", "to Label Studio"),
        rows,
        (
            "each command is a process of its own; at work: from its first request on, its imports are done then",
            "both servers and the command share the machine; Label Studio keeps its data in SQLite",
            f"the labels are older than {OVERLAP_S:.0f} s when they are pulled; younger ones the next pull reads again",
        ),
    )
    return Report((table,), {"tasks": tasks, "runs": {name: asdict(each) for name, each in ran.items()}})


def counted(counts: Path, words: Sequence[str]) -> None:
    """Run the command here, count its requests by server, and write them down with the peak of memory."""
    from lineside.cli import main

    requests: Counter[str] = Counter()
    first_at_s: list[float] = []
    send, send_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def note(request: httpx.Request) -> None:
        requests[request.url.netloc.decode()] += 1
        if not first_at_s:
            first_at_s.append(time.perf_counter())

    def count(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        note(request)
        return send(self, request)

    async def count_async(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        note(request)
        return await send_async(self, request)

    httpx.HTTPTransport.handle_request = count  # type: ignore[method-assign]  # in a process of its own
    httpx.AsyncHTTPTransport.handle_async_request = count_async  # type: ignore[method-assign]  # as above
    sys.argv = ["lineside", *words]
    try:
        main()
    finally:
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        told = {
            "requests": requests,
            "peak_memory_bytes": peak_bytes,
            "work_seconds": time.perf_counter() - first_at_s[0] if first_at_s else 0.0,
        }
        counts.write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    counted(Path(sys.argv[1]), sys.argv[2:])
