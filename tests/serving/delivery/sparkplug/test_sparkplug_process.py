"""The whole way: a server, its delivery process, a broker, and a host that reads with Eclipse Tahu's decoder."""

from pathlib import Path

import httpx
import pytest

from broker_ear import broker_ear
from lineside.serving.security import Role
from lineside_process import make_key, serving
from mosquitto import Mosquitto
from sparkplug_host import SparkplugHost

pytestmark = pytest.mark.system

_FILE = """\
schema: lineside.delivery/1
sinks:
  - name: line-1
    kind: sparkplug
    host: 127.0.0.1
    port: {port}
    group: plant
    filter: {{lines: [line-1]}}
"""


def test_what_happens_at_a_station_reaches_a_host_and_the_servers_end_is_the_nodes_death(
    tmp_path: Path, broker: Mosquitto, host: SparkplugHost
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "delivery.yaml").write_text(_FILE.format(port=broker.port))
    with broker_ear(broker.port, "spBv1.0/plant/#") as ear:
        with serving(data) as url:
            _, key = make_key(data, Role.ADMIN)
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http:
                ear.wait_for(lambda heard: any("/NBIRTH/" in one.topic for one in heard), "the node's birth")
                http.put("/v1/stations/aoi-1", json={"name": "AOI 1"}).raise_for_status()
                ear.wait_for(lambda heard: any("/DBIRTH/" in one.topic for one in heard), "the device's birth")
                http.post("/v1/stations/aoi-1/hold", json={"reason": "look at it"}).raise_for_status()
                ear.wait_for(lambda heard: any(b"look at it" in one.payload for one in heard), "the hold")
        seen = host.decode(ear.wait_for(lambda heard: any("/NDEATH/" in one.topic for one in heard), "the death"))
    held = [
        (device, metric["value"], bool(metric.get("isHistorical")))
        for device, name, metric in host.readings(seen)
        if name == "Hold/Reason"
    ]
    assert held == [("aoi-1", "look at it", False)]
    assert seen[-1].type == "NDEATH"
    born = [one.named("bdSeq")["value"] for one in seen if one.type == "NBIRTH"]
    assert seen[-1].named("bdSeq")["value"] == born[-1] == 0
