"""`lineside serve` as an administrator runs it."""

import json
import re
import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from lineside.serving.security import Role
from lineside_process import LINESIDE, make_key, serving

pytestmark = pytest.mark.system


def test_the_first_start_makes_secrets_for_its_user_alone_and_says_how_to_make_keys(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        [*LINESIDE, "serve", "--data", str(data), "--port", "0", "--no-page"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        spoken = (line for line in process.stderr if not re.match(r"\d{4}-\d\d-\d\dT", line))  # the log comes between
        said = [next(spoken) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    assert said[0].startswith("serving at http://127.0.0.1:")
    assert f"lineside keys create NAME --role admin --data {data}" in said[2]
    secrets = [data / "key-pepper", data / "audit-secret"]
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600, 0o600]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_though_somebody_follows_the_events(tmp_path: Path, number: signal.Signals) -> None:
    data = tmp_path / "data"
    command = [*LINESIDE, "serve", "--data", str(data), "--port", "0", "--json", "--no-page"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        headers = {"Authorization": f"Bearer {make_key(data, Role.QUALITY)[1]}"}
        with httpx.stream("GET", f"{url}/v1/events", headers=headers, timeout=60.0, trust_env=False) as events:
            lines = events.iter_lines()
            assert next(lines).startswith("retry:")
            process.send_signal(number)
            list(lines)  # the stream ends instead of holding the server
        assert process.wait(60) == 0


def test_a_second_server_on_the_same_ledger_is_refused_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, "--no-page"):
        second = subprocess.run(
            [*LINESIDE, "serve", "--data", str(data), "--port", "0", "--no-page"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert "another process" in second.stderr


def test_a_data_folder_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "data"
    taken.write_text("no folder")
    ran = subprocess.run(
        [*LINESIDE, "serve", "--data", str(taken), "--port", "0", "--no-page"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert str(taken) in ran.stderr
    assert "--data" in ran.stderr


def test_a_key_made_and_revoked_beside_the_running_server_holds_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, "--no-page") as url:
        made = subprocess.run(
            [*LINESIDE, "keys", "create", "Kim", "--role", "quality", "--data", str(data), "--json"],
            capture_output=True,
            check=True,
        )
        key = json.loads(made.stdout)
        headers = {"Authorization": f"Bearer {key['secret']}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as http:
            assert http.get("/v1/stations").status_code == 200
            revoke = [*LINESIDE, "keys", "revoke", key["id"], "--data", str(data)]
            subprocess.run(revoke, check=True, capture_output=True)
            pause = threading.Event()
            while http.get("/v1/stations").status_code == 200:  # within a second, by design; a test asserts no time
                pause.wait(0.1)
            assert http.get("/v1/stations").status_code == 401
