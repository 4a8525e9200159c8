"""The delivery process of a real server runs the OPC UA server of its delivery file."""

import socket
import time
from pathlib import Path

import httpx
import pytest

from blob_detector import TinyRelease
from lineside.client import content_digest
from lineside.serving.security import Role
from lineside.workflows.ports import free_port
from lineside_process import make_key, serving
from opcua_client import node_opcua
from opcua_line import VIEWER, write_opcua_files
from plant import RECIPE, bad_board

pytestmark = pytest.mark.system

FILE = """\
schema: lineside.delivery/1
sinks:
  - name: cell
    kind: opcua
    endpoint: opc.tcp://127.0.0.1:{port}/lineside
    certificate_file: opcua/server.der
    private_key_file: opcua/server.key.pem
    trusted_dir: opcua/trusted
    users_file: opcua/users.json
"""


def _wait_until_it_listens(port: int) -> None:
    until = time.monotonic() + 90.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def test_the_verdict_of_a_running_server_reaches_an_opc_ua_client(tmp_path: Path) -> None:
    identity = write_opcua_files(tmp_path / "opcua")
    port = free_port()
    (tmp_path / "delivery.yaml").write_text(FILE.format(port=port))
    TinyRelease().write(tmp_path / "releases" / "blobs")
    words = (
        "--releases",
        str(tmp_path / "releases"),
        "--unsigned-releases",
        "--delivery",
        str(tmp_path / "delivery.yaml"),
    )
    with serving(tmp_path / "data", *words) as url, node_opcua() as client:
        _, secret = make_key(tmp_path / "data", Role.ADMIN)
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False) as http:
            recipe = http.put("/v1/recipes/board", content=RECIPE, headers={"Content-Type": "application/yaml"})
            assert recipe.status_code < 300
            station = {"name": "AOI 1", "recipe": {"id": "board", "version": 1}}
            assert http.put("/v1/stations/aoi-1", json=station).status_code < 300
            _wait_until_it_listens(port)
            client.connect(f"opc.tcp://127.0.0.1:{port}/lineside", identity, user=VIEWER[0], password=VIEWER[1])
            client.subscribe("results", "i=2253", "ns=2;i=1024", ["2:PartId", "SourceName", "2:ResultContent"])
            frame = bad_board(1)
            said = {"Content-Type": "image/png", "Content-Digest": content_digest(frame)}
            where = {"station": "aoi-1", "part_id": "P-1"}
            assert http.post("/v1/inspections", params=where, content=frame, headers=said).json()["verdict"] == "NG"
            heard = client.heard("results")
            assert (heard["2:PartId"]["id"], heard["SourceName"]) == ("P-1", "aoi-1")
            assert heard["2:ResultContent"][0]["verdict"] == "NG"
            (sink,) = http.get("/v1/delivery").json()["items"]
            assert sink["proof"] == "recoverable"
            client.do("disconnect", session="main")
