"""A real ERP for tests: Tryton 8.2 on SQLite, in an environment and a process of its own.

Its environment and a database with one company are made once on a machine and kept below the user's cache; each test
session gets a copy, so that a start takes about a second.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lineside.workflows.label_server import built_once
from proofs import missing

_REQUIREMENTS = Path(__file__).with_name("tryton_requirements.txt")
_LAUNCH = Path(__file__).with_name("tryton_launch.py")
_DATABASE = "lineside"
_PATIENCE_S = 60.0
_TEMPLATE_VERSION = 1


@dataclass(frozen=True)
class Tryton:
    """A running Tryton with one company, and somebody who is logged in.

    Attributes:
        http: speaks to its database's JSON-RPC.
        session: of the administrator, as the Authorization header has it.
        company: identifier of the only company.
    """

    http: httpx.Client = field(repr=False)
    session: str = field(repr=False)
    company: int

    def call(self, model: str, method: str, *arguments: Any) -> Any:
        """Call a method of a model, in the company's context.

        Raises:
            RuntimeError: Tryton answers with an error.
        """
        context = {"company": self.company} if self.company else {}
        return _rpc(self.http, f"model.{model}.{method}", [*arguments, context], session=self.session)


class QualityDesk:
    """Files inspections of ours as quality inspections of Tryton: what a plant's own receiver would do.

    A station is a control with two points: how many defects, of which none are tolerated, and whether the part was
    judged at all. Tryton itself then finds that an inspection passed or failed, and opens an alert for a failed one.
    A part that nobody judged stays pending: it is neither.

    Args:
        tryton: where to.
    """

    def __init__(self, tryton: Tryton) -> None:
        self._tryton = tryton
        self._controls: dict[str, int] = {}

    def file(self, source: str, data: Mapping[str, Any]) -> int:
        """File an `inspection.v1`; the same one again changes nothing.

        Args:
            source: of the CloudEvent: `/plant/line/station`.
            data: of the event.

        Returns:
            The identifier of Tryton's quality inspection.
        """
        reference = f"{data['part_id']} #{data['attempt']} {source}"
        known = self._tryton.call("quality.inspection", "search", [["reference", "=", reference]], 0, 1, None)
        if known:
            return int(known[0])
        is_judged = data["verdict"] != "NOT_INSPECTED"
        values = {
            "reference": reference,
            "control": self._control(source),
            "points": {"defect_count": len(data["defects"]), "is_judged": is_judged},
        }
        made: list[int] = self._tryton.call("quality.inspection", "create", [values])
        if is_judged:
            self._tryton.call("quality.inspection", "process", made)
        return made[0]

    def shown(self, state: str) -> Sequence[Mapping[str, Any]]:
        """The quality inspections that Tryton shows in a state, with the title line that people see."""
        fields = ["reference", "rec_name", "state", "points", "alerts"]
        found: Sequence[Mapping[str, Any]] = self._tryton.call(
            "quality.inspection", "search_read", [["state", "=", state]], 0, None, [["id", "ASC"]], fields
        )
        return found

    def _control(self, source: str) -> int:
        if source not in self._controls:
            found = self._tryton.call("quality.control", "search", [["name", "=", source]], 0, 1, None)
            if not found:
                points = [
                    {"name": "defect_count", "string": "Defects", "type_": "integer", "tolerance_upper": 0.0},
                    {"name": "is_judged", "string": "Judged", "type_": "boolean"},
                ]
                values = {"name": source, "frequency": 1.0, "points": [["create", points]]}
                found = self._tryton.call("quality.control", "create", [values])
            self._controls[source] = int(found[0])
        return self._controls[source]


@contextmanager
def running_tryton(folder: Path) -> Iterator[Tryton]:
    """Start a Tryton in a folder; it ends with this process, whatever ends that."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    with _serving(folder) as http:
        yield _logged_in(http, folder, company=1)


def _base() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineside" / "tryton"


def _name() -> str:
    pins = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return f"py{sys.version_info.major}.{sys.version_info.minor}-{pins}"


def _python() -> Path:
    return built_once(_base(), f"environment-{_name()}", _install) / "bin" / "python"


def _install(folder: Path) -> None:
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    command = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    unfit = {"PIP_CONSTRAINT", "PYTHONPATH", "VIRTUAL_ENV"}  # the pins of this project are not Tryton's
    environment = {name: value for name, value in os.environ.items() if name not in unfit}
    done = subprocess.run(
        [*command, "--requirement", str(_REQUIREMENTS)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        missing(f"pip could not install {_REQUIREMENTS}: {done.stderr[-2000:]}")


def _template() -> Path:
    """The folder of a database that has the quality module and a company."""
    return built_once(_base(), f"template-{_TEMPLATE_VERSION}-{_name()}", _make_template)


def _make_template(folder: Path) -> None:
    (folder / "password").write_text(secrets.token_urlsafe(16))
    (folder / f"{_DATABASE}.sqlite").touch()
    _configure(folder, port=0)
    command = [str(_python().with_name("trytond-admin")), "-c", str(folder / "trytond.conf"), "-d", _DATABASE]
    subprocess.run(
        [*command, "--email", "admin@localhost", "-u", "quality", "--activate-dependencies"],
        env={**os.environ, "TRYTONPASSFILE": str(folder / "password")},
        capture_output=True,
        check=True,
    )
    with _serving(folder) as http:
        tryton = _logged_in(http, folder, company=0)
        values = {"name": "South Korean won", "code": "KRW", "symbol": "₩"}
        currency = tryton.call("currency.currency", "create", [values])[0]
        party = tryton.call("party.party", "create", [{"name": "Plant 1"}])[0]
        company = tryton.call("company.company", "create", [{"party": party, "currency": currency}])[0]
        (user,) = tryton.call("res.user", "search", [["login", "=", "admin"]], 0, 1, None)
        tryton.call("res.user", "write", [user], {"companies": [["add", [company]]], "company": company})
        assert company == 1


def _configure(folder: Path, *, port: int) -> None:
    (folder / "trytond.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n", encoding="utf-8"
    )


@contextmanager
def _serving(folder: Path) -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    _configure(folder, port=port)
    command = [str(_python()), "-I", str(_LAUNCH), "-c", str(folder / "trytond.conf"), "-d", _DATABASE]
    with (
        (folder / "trytond.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}/{_DATABASE}/rpc/", timeout=_PATIENCE_S, trust_env=False
        ) as http,
    ):
        assert process.stdin is not None
        try:
            _wait_until_it_answers(http, process, folder / "trytond.log")
            yield http
        finally:
            process.stdin.close()
            process.wait(_PATIENCE_S)


def _wait_until_it_answers(http: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            http.get("/")
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        else:
            return


def _logged_in(http: httpx.Client, folder: Path, *, company: int) -> Tryton:
    password = (folder / "password").read_text()
    user, token, *_ = _rpc(http, "common.db.login", ["admin", {"password": password}, "en"])
    session = base64.b64encode(f"admin:{user}:{token}".encode()).decode()
    return Tryton(http, session, company)


def _rpc(http: httpx.Client, method: str, arguments: Sequence[Any], *, session: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if session is not None:
        headers["Authorization"] = f"Session {session}"
    content = json.dumps({"id": 1, "method": method, "params": list(arguments)})
    answer = http.post("", content=content, headers=headers)
    answer.raise_for_status()
    said = answer.json()
    if "error" in said:
        raise RuntimeError(f"Tryton's {method}: {said['error']}")
    return said["result"]
