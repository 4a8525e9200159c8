"""A real Label Studio, as `lineside labels server` starts it."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from label_studio import LabelStudioServer, copy_ready_home, installed_label_studio
from lineside.workflows.errors import LabelServerFailed
from lineside.workflows.label_server import LabelServerHome, label_server
from lineside_process import LINESIDE, connects_off_loopback, traced_connects, without_network

pytestmark = pytest.mark.system

# Uses a server as people and programs do, inside the namespace, and looks for its secrets in the process list.
_USES_IT = """
import json, pathlib, signal, subprocess, sys, urllib.request
home = pathlib.Path(sys.argv[1])
command = [sys.executable, "-m", "lineside.cli", "labels", "server", "--home", str(home), "--port", "0", "--json"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
try:
    ready = json.loads(server.stdout.readline())
    token = pathlib.Path(ready["token_file"]).read_text().strip()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    def ask(path, body=None):
        headers = {"Authorization": "Token " + token, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return opener.open(urllib.request.Request(ready["url"] + path, data, headers), timeout=60).read()
    config = '<View><Image name="image" value="$image"/></View>'
    project = json.loads(ask("/api/projects/", {"title": "offline", "label_config": config}))["id"]
    ask(f"/api/projects/{project}/import", [{"image": "/data/upload/none.png"}])
    ask("/user/login/")
    ask(f"/projects/{project}/data")
    arguments = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    server.send_signal(signal.SIGTERM)
    said = server.communicate(timeout=60)[1]
finally:
    server.kill()
secrets = [token, (home / "login").read_text().split()[1]]
shown = said + (home / "server.log").read_text() + arguments
print(json.dumps({"status": server.returncode, "shown": [secret for secret in secrets if secret in shown],
    "listed": str(home) in arguments, "version": ready["version"]}))
"""

# Stand in for what may be on the port instead of our server; each is run as Label Studio's interpreter would be.
_STRANGER = """#!/usr/bin/env python3
import http.server, sys
class Stranger(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 401)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Stranger).serve_forever()
"""
_TAKES_THE_NEXT = """#!/usr/bin/env python3
import sys, time
print(f"* Port {sys.argv[sys.argv.index('--port') + 1]} is in use.", flush=True)
time.sleep(600)
"""
_ENDS_AT_ONCE = """#!/bin/sh
echo "no such table: users" >&2
exit 3
"""


@contextmanager
def started_by_command(home: Path, *words: str) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, Any]]]:
    command = [*LINESIDE, "labels", "server", "--home", str(home), "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield process, json.loads(line)
        finally:
            if process.poll() is None:
                process.kill()


def ended(url: str) -> bool:
    """Whether nobody answers at a URL, within a generous while."""
    for _ in range(200):
        try:
            httpx.get(f"{url}/health", trust_env=False, timeout=5)
        except httpx.TransportError:
            return True
        time.sleep(0.1)
    return False


def test_the_server_takes_legacy_and_personal_tokens_and_the_login(label_studio: LabelStudioServer) -> None:
    assert label_studio.http.get("/api/current-user/whoami").json()["email"] == label_studio.email
    refreshed = httpx.post(
        f"{label_studio.url}/api/token/refresh/", json={"refresh": label_studio.personal_token}, trust_env=False
    )
    bearer = {"Authorization": f"Bearer {refreshed.json()['access']}"}
    assert httpx.get(f"{label_studio.url}/api/projects/", headers=bearer, trust_env=False).status_code == 200
    with label_studio.logged_in() as person:
        assert person.get("/api/current-user/whoami").json()["email"] == label_studio.email


def test_it_runs_offline_asks_nobody_and_shows_no_secret(tmp_path: Path) -> None:
    installed_label_studio()
    copy_ready_home(tmp_path / "home")
    command = [LINESIDE[0], "-c", _USES_IT, str(tmp_path / "home")]
    ran = subprocess.run(
        without_network(traced_connects(command, tmp_path / "trace")), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"status": 0, "shown": [], "listed": True, "version": "1.23.2"}
    assert connects_off_loopback(tmp_path / "trace") == []


def test_it_ends_with_ctrl_c_and_with_whoever_started_it_and_goes_on_with_what_it_has(tmp_path: Path) -> None:
    copy_ready_home(tmp_path)
    with started_by_command(tmp_path, "--show-login") as (process, ready):
        login = (tmp_path / "login").read_text().split()
        headers = {"Authorization": f"Token {(tmp_path / 'token').read_text().strip()}"}
        made = httpx.post(f"{ready['url']}/api/projects/", json={"title": "kept"}, headers=headers, trust_env=False)
        assert made.status_code == 201
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 0, said
        assert login[1] in said  # asked for
        assert f"--token-file {tmp_path / 'token'}" in said
    assert ended(ready["url"])
    with started_by_command(tmp_path) as (process, ready):
        projects = httpx.get(f"{ready['url']}/api/projects/", headers=headers, trust_env=False).json()
        assert [project["title"] for project in projects["results"]] == ["kept"]
        process.kill()
        process.communicate()
    assert ended(ready["url"])


def test_what_it_keeps_is_for_its_owner_alone(label_studio: LabelStudioServer) -> None:
    modes = {name: stat.S_IMODE((label_studio.home / name).stat().st_mode) for name in ("token", "login", "secret")}
    assert modes == dict.fromkeys(modes, 0o600)
    assert stat.S_IMODE(label_studio.home.stat().st_mode) == 0o700
    sign_up = {"email": "stranger@example.org", "password": "a-long-password-1"}
    assert httpx.post(f"{label_studio.url}/user/signup/", data=sign_up, trust_env=False).status_code in {403, 404}


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """Label Studio itself would take the next one without a word."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        home = LabelServerHome.open(tmp_path)
        with pytest.raises(LabelServerFailed, match=f"port {port}.*--port"), label_server(home, Path("no"), port=port):
            pass


@pytest.mark.parametrize(
    ("program", "message"),
    [
        pytest.param(_STRANGER, "does not know the token", id="another program has the port"),
        pytest.param(_TAKES_THE_NEXT, "was taken while", id="the port was taken a moment before"),
        pytest.param(_ENDS_AT_ONCE, "status 3: no such table", id="it ends at once"),
    ],
)
def test_what_is_not_our_server_is_refused(tmp_path: Path, program: str, message: str) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text(program)
    interpreter.chmod(0o700)
    home = LabelServerHome.open(tmp_path / "home")
    with pytest.raises(LabelServerFailed, match=message), label_server(home, interpreter, port=0):
        pass


def test_two_servers_in_one_home_are_refused(label_studio: LabelStudioServer) -> None:
    home = LabelServerHome.open(label_studio.home)
    with (
        pytest.raises(LabelServerFailed, match=f"process {os.getpid()}.*--home"),
        label_server(home, installed_label_studio(), port=0),
    ):
        pass


def test_the_login_is_made_once(tmp_path: Path) -> None:
    first = LabelServerHome.open(tmp_path / "home").login
    assert LabelServerHome.open(tmp_path / "home").login == first
    assert LabelServerHome.open(tmp_path / "other").login.token != first.token
    assert first.password not in repr(first)
    assert first.token not in repr(first)


def test_a_damaged_secret_is_named(tmp_path: Path) -> None:
    LabelServerHome.open(tmp_path)
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(LabelServerFailed, match="restore it from a backup"):
        LabelServerHome.open(tmp_path)
