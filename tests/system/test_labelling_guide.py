"""docs/guides/labelling.md, typed as it stands at a running demonstration and a real Label Studio.

What a person does on Label Studio's page, a program does here through its API; tests/system/test_label_studio_page.py
drives the page itself.
"""

import json
import os
import re
import shlex
from pathlib import Path

import httpx
import pytest

from browsing import browsing
from guide_shell import BLOCK, Shell, another_terminal, tools_for, until
from label_studio import copy_ready_home
from lineside_process import LINESIDE

pytestmark = [pytest.mark.system, pytest.mark.training]

GUIDE = Path(__file__).parents[2] / "docs/guides/labelling.md"
SMALLER = {"BOARDS=120": "BOARDS=24", "BUDGET=30": "BUDGET=10", "EPOCHS=4": "EPOCHS=1"}
SERVER, STUDIO = "http://127.0.0.1:8470", "http://127.0.0.1:8480"
SETTINGS = "--crops-per-image 1"


def judging(said: str) -> str | None:
    """The demonstration's URL, once some parts were passed and some rejected."""
    found = re.search(r"deploy to (http\S+) with", said)
    return found[1] if found and re.search(r"^40 parts", said, re.MULTILINE) else None


def ready(said: str) -> str | None:
    """Label Studio's URL, once it answers."""
    found = re.search(r"^Label Studio \S+ at (http[^,\s]+),", said, re.MULTILINE)
    return found[1] if found else None


def label_everything(url: str, token_file: Path) -> int:
    """Take over what the model suggests for every other task, and declare the others good; gives how many."""
    headers = {"Authorization": f"Token {token_file.read_text().strip()}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False) as studio:
        [project] = studio.get("/api/projects/").json()["results"]
        tasks = studio.get("/api/tasks", params={"project": project["id"], "fields": "all", "page_size": 100}).json()[
            "tasks"
        ]
        for number, task in enumerate(tasks):
            suggested = task["predictions"][0]["result"] if number % 2 else []
            said = {"result": suggested, "lead_time": 12.0}
            studio.post(f"/api/tasks/{task['id']}/annotations/", json=said).raise_for_status()
        return len(tasks)


def test_the_guide_leads_from_a_wrongly_rejected_part_to_the_new_model_on_the_line(tmp_path: Path) -> None:
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    setup, line, label_studio, enter, *rest = blocks
    for given, smaller in SMALLER.items():
        assert given in setup
        setup = setup.replace(given, smaller)
    environment = os.environ | {
        "PATH": tools_for(tmp_path),
        "NO_PROXY": "*",
        "OMP_NUM_THREADS": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    copy_ready_home(tmp_path / "lineside-label-studio")
    shell = Shell(tmp_path, environment)
    try:
        shell.type(setup)
        demo = [*LINESIDE, *shlex.split(line)[1:], "--port", "0", "--engine", "onnxruntime-fp32"]
        studio_command = [*LINESIDE, *shlex.split(label_studio)[1:], "--port", "0"]
        with (
            another_terminal(demo, tmp_path, judging) as server,
            another_terminal(studio_command, tmp_path, ready) as studio,
        ):
            shell.type(enter.replace(SERVER, server).replace(STUDIO, studio))
            follow(
                shell,
                [block.replace("--epochs $EPOCHS", f"--epochs $EPOCHS {SETTINGS}") for block in rest],
                studio,
                tmp_path,
            )
    finally:
        shell.close()


def follow(shell: Shell, blocks: list[str], studio: str, folder: Path) -> None:
    """What happens from the first report to the new model."""
    report, look_ahead, pick, push, pull, plan, retrain, promote = blocks

    assert '"escape"' in shell.type(report)
    assert "would be picked" in shell.type(look_ahead)
    assert "10 of" in shell.type(pick)
    pushed = shell.type(push)
    assert "10 part(s) pushed in 10 task(s)" in pushed
    assert label_everything(studio, folder / "lineside-label-studio/token") == 10
    pulled = shell.type(pull)
    assert "10 task(s) say something new" in pulled
    assert re.search(r"^labelled\t10$", pulled, re.MULTILINE)
    assert "nothing needs a person" in pulled

    assert "lets nothing pass" in shell.type(plan)
    assert "too few" in shell.type(retrain)
    summary = folder / "again/summary.html"
    assert "operator report" in summary.read_text("utf-8")
    keep_picture(summary, folder)
    in_force = json.loads(shell.type(promote).strip().splitlines()[-1])
    assert "1.1.0" in json.dumps(in_force)
    newest = 'look "$SERVER/v1/inspections?limit=1"'
    until(lambda: '"1.1.0"' in shell.type(newest))


def keep_picture(page: Path, folder: Path) -> None:
    """Show the page as people see it, for the guide where LINESIDE_PICTURES names a folder."""
    with browsing(folder / "browser") as driver:
        driver.set_window_size(1100, 1500)
        driver.get(page.as_uri())
        assert "pcb-reference 1.1.0" in driver.title
        wanted = os.environ.get("LINESIDE_PICTURES")
        if wanted:
            driver.save_screenshot(str(Path(wanted) / "retrain-summary.png"))
