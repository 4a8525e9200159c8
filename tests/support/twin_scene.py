"""A plant with two lines of which parts were inspected, scrapped and reworked, as its digital twin shows it."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from lineside.serving.security import Role
from live_server import LiveServer
from plant import RECIPE, bad_board, good_board

TWIN_FILE = """\
schema: lineside.twin/1
api_url: http://lineside.example:8470
nameplate: {manufacturer: Kim Automation, designation: AOI line, year_of_construction: 2024}
lines:
  smt-2: {serial_number: "0042"}
"""
_AT = "2026-01-05T09:00:00Z"
PARTS = 8
_COUNTED_WITHIN_S = 60.0


def base64url(text: str) -> str:
    """As the AAS API has identifiers in addresses."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def fill(server: LiveServer) -> None:
    """Two lines; on the first eight parts, of which every fourth is NG: one is scrapped, one reworked."""
    assert server.put_recipe("board", RECIPE).status_code == 200
    recipe = {"id": "board", "version": 1}
    assert server.put_station("aoi-1", line="smt-1", recipe=recipe).status_code == 200
    assert server.put_station("aoi-2", line="smt-2").status_code == 200
    found = []
    for number in range(PARTS):
        answer = server.post(bad_board(number) if number % 4 == 0 else good_board(number), f"P-{number}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["id"])
    dispose(server, found[0], "reworked")
    dispose(server, found[0], "scrapped")
    dispose(server, found[4], "reworked")
    dispose(server, found[1], "passed")
    wait_until_counted(server)


def dispose(server: LiveServer, inspection_id: str, kind: str) -> None:
    """Say what happened to a part."""
    answer = server.http.post(
        f"/v1/inspections/{inspection_id}/disposition",
        json={"kind": kind, "confirmed_by_sensor": True, "at": _AT},
        headers=server.authorization(),
    )
    assert answer.status_code in {200, 201}, answer.text


def wait_until_counted(server: LiveServer) -> None:
    """Wait until the rates, and the twin's kept state, have everything that is in the ledger."""
    until = time.monotonic() + _COUNTED_WITHIN_S
    head = server.services.ledger.last_sequence
    while time.monotonic() < until:
        rates = server.http.get("/v1/rates", headers=server.authorization()).json()
        if rates["as_of_sequence"] >= head and read_value(server, "kpi", "smt-1")["Period"]["AsOfSequence"] >= head:
            return
        time.sleep(0.05)
    raise AssertionError(f"the rates were not counted within {_COUNTED_WITHIN_S:.0f} s")


def read(server: LiveServer, path: str, **params: Any) -> Any:
    """What the API answers to a viewer."""
    answer = server.http.get(f"/aas{path}", params=params, headers=server.authorization(Role.VIEWER))
    assert answer.status_code == 200, answer.text
    return answer.json()


def read_value(server: LiveServer, kind: str, line: str) -> Mapping[str, Any]:
    """The values of one of a line's submodels."""
    found: Mapping[str, Any] = read(server, f"/submodels/{base64url(f'urn:lineside:plant-1:{kind}:{line}')}/$value")
    return found


def asset_id(name: str, value: str) -> str:
    """An asset id as the API has it in a query."""
    return base64url(json.dumps({"name": name, "value": value}))
