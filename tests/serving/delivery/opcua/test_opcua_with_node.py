"""node-opcua, a client that we did not write, works with the line over OPC UA (OPC 40100-1, OPC 10031-4)."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.workflows.ports import free_port
from live_server import LiveServer, live_server
from opcua_client import NodeOpcUa, Refused, client_identity, identifier, node_opcua, number, text
from opcua_line import OPERATOR, VIEWER, OpcUaLine, opcua_line
from plant import RECIPE, bad_board, good_board

pytestmark = pytest.mark.system

STATION = "ns=4;s=aoi-1"
STATES = f"{STATION}.VisionStateMachine"
MODE = f"{STATES}.AutomaticModeStateMachine"
RESULTS = f"{STATION}.ResultManagement"
RECIPES = f"{STATION}.RecipeManagement"
ORDERS = f"{STATION}.JobOrderReceiver"
RESPONSES = f"{STATION}.JobResponseProvider"
QUALITY = f"{STATION}.Quality"
RESULT_READY = "ns=2;i=1024"
RESULT_FIELDS = [
    "EventId",
    "SourceNode",
    "SourceName",
    "Message",
    *(
        f"2:{name}"
        for name in ("JobId", "PartId", "MeasId", "ProductId", "ResultId", "ResultState", "IsPartial", "ResultContent")
    ),
]
MEAS, PART, RECIPE_ID, PRODUCT, RESULT_ID = 3015, 3004, 3002, 3003, 3021


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("plant")) as running:
        assert running.put_recipe("board", RECIPE).status_code < 300
        assert running.put_station("aoi-1", recipe={"id": "board", "version": 1}).status_code < 300
        yield running


@pytest.fixture(scope="module")
def line(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaLine]:
    endpoint = f"opc.tcp://127.0.0.1:{free_port()}/lineside"
    with opcua_line(tmp_path_factory.mktemp("opcua") / "line", server, endpoint=endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def client(line: OpcUaLine) -> Iterator[NodeOpcUa]:
    with node_opcua() as running:
        running.connect(line.endpoint, line.trusted, user=OPERATOR[0], password=OPERATOR[1])
        yield running


def test_only_encrypted_endpoints_with_a_login_are_offered(line: OpcUaLine, client: NodeOpcUa) -> None:
    offered = client.do("endpoints", endpoint=line.endpoint)
    policies = {each["policy"].rsplit("#", 1)[-1] for each in offered}
    assert policies == {"Basic256Sha256", "Aes256_Sha256_RsaPss"}
    assert {each["mode"] for each in offered} == {"SignAndEncrypt"}
    assert [login for each in offered for login in each["logins"]] == ["UserName"] * len(offered)


def test_a_single_job_is_started_and_its_result_is_announced_with_every_name(
    server: LiveServer, line: OpcUaLine, client: NodeOpcUa
) -> None:
    client.subscribe("on-station", STATION, RESULT_READY, RESULT_FIELDS)
    client.subscribe("on-server", "i=2253", RESULT_READY, RESULT_FIELDS)
    status, (job, error) = client.call(
        MODE,
        "StartSingleJob",
        identifier(MEAS, "M-17"),
        identifier(PART, "P-100"),
        identifier(RECIPE_ID, "board"),
        identifier(PRODUCT, "BRD"),
        {"type": "Null", "value": None},
    )
    assert (status, error) == ("Good", 0)
    answer = server.post(bad_board(100), "P-100").json()
    line.deliver()
    for subscription in ("on-station", "on-server"):
        heard = client.heard(subscription)
        assert heard["2:PartId"]["id"] == "P-100"
        assert heard["2:MeasId"]["id"] == "M-17"
        assert heard["2:JobId"]["id"] == job["id"]
        assert heard["2:ResultId"]["id"] == answer["id"]
        assert heard["2:ResultState"] == 1
        assert heard["2:IsPartial"] is False
        assert heard["2:ResultContent"][0]["verdict"] == "NG"
        assert heard["SourceName"] == "aoi-1"


def test_results_missed_during_an_outage_are_found_again(
    server: LiveServer, line: OpcUaLine, client: NodeOpcUa
) -> None:
    answers = [server.post(good_board(seed), f"P-2{seed:02d}").json() for seed in range(3)]
    missed = [answer["id"] for answer in answers]
    line.deliver()  # nobody was connected who would have heard it
    none = [{"structure": f"ns=2;i={number_}", "value": {"Id": ""}} for number_ in (MEAS, PART)]
    ids = [{"structure": f"ns=2;i={each}", "value": {"Id": ""}} for each in (3002, 3013, 3008, 3008, PRODUCT, 3016)]

    def page(start: int, *, most: int = 2, kind: str = "UInt32") -> list[object]:
        status, outputs = client.call(
            RESULTS,
            "GetResultListFiltered",
            number(0, kind="Int32"),
            *none,
            *ids,
            number(most, kind=kind),
            number(start),
            number(1000, kind="Int32"),
        )
        assert status == "Good"
        return outputs

    first, second = page(0), page(2)
    assert (first[0], first[4], second[4]) == (False, 0, 0)
    assert page(0, most=-2, kind="Int32")[3:] == [[], -6]  # a database would take it for "all of them"
    found = [result["resultId"]["id"] for result in [*first[3], *second[3]]]  # type: ignore[misc]  # JSON
    assert found[:3] == missed[::-1]
    status, outputs = client.call(RESULTS, "GetResultById", identifier(RESULT_ID, missed[0]), number(0, kind="Int32"))
    assert (status, outputs[2]) == ("Good", 0)
    assert outputs[1]["partId"]["id"] == "P-200"
    assert outputs[1]["resultContent"][0]["verdict"] == "OK"
    assert 0 < outputs[1]["processingTimes"]["processingDuration"] <= answers[0]["timings_ms"]["to_verdict"]
    assert client.call(RESULTS, "ReleaseResultHandle", number(outputs[0])) == ("Good", [0])
    assert client.call(RESULTS, "ReleaseResultHandle", number(outputs[0])) == ("Good", [-1])


def test_a_result_is_read_part_by_part(server: LiveServer, client: NodeOpcUa) -> None:
    inspection = server.post(bad_board(300), "P-300").json()
    status, outputs = client.call(
        RESULTS, "GetResultComponentsById", identifier(RESULT_ID, inspection["id"]), number(0, kind="Int32")
    )
    assert (status, outputs[-1]) == ("Good", 0)
    assert outputs[6]["id"] == "P-300"
    assert outputs[7]["id"] == "board"
    assert outputs[-2][0]["defects"][0]["className"] == "short"


def test_an_unknown_result_is_an_error_number(client: NodeOpcUa) -> None:
    status, outputs = client.call(RESULTS, "GetResultById", identifier(RESULT_ID, "nothing"), number(0, kind="Int32"))
    assert (status, outputs[2]) == ("Good", -1)


def test_the_recipe_in_force_is_listed_and_needs_no_preparing(client: NodeOpcUa) -> None:
    empty = identifier(RECIPE_ID, ""), identifier(PRODUCT, "")
    status, outputs = client.call(
        RECIPES, "GetRecipeListFiltered", *empty, number(1, kind="Int32"), number(0), number(0), number(0, kind="Int32")
    )
    assert (status, outputs[0], outputs[1], outputs[4]) == ("Good", True, 1, 0)
    assert (outputs[3][0]["id"], outputs[3][0]["version"]) == ("board", "1")
    prepared = client.call(RECIPES, "PrepareRecipe", identifier(RECIPE_ID, "board"), identifier(3013, ""))
    assert prepared[1][1:] == [True, 0]
    assert client.call(RECIPES, "PrepareRecipe", identifier(RECIPE_ID, "none"), identifier(3013, ""))[1][2] == -1
    assert client.call(RECIPES, "PrepareProduct", identifier(PRODUCT, "no such"))[1][1] == -1


def test_halt_holds_the_station_and_reset_lets_it_go_on(server: LiveServer, line: OpcUaLine, client: NodeOpcUa) -> None:
    said = number(7, kind="Int32"), text("guard open")
    assert client.call(STATES, "Halt", *said) == ("Good", [0])
    hold = server.http.get("/v1/stations/aoi-1", headers=server.authorization()).json()["holds"][0]
    assert "guard open" in hold["reason"]
    assert OPERATOR[0] in hold["reason"]
    line.deliver()
    client.wait_for(f"{QUALITY}.IsHeld", value=True)
    assert client.call(STATES, "Reset", *said) == ("Good", [0])
    assert client.call(STATES, "Reset", *said) == ("Good", [-5])
    line.deliver()
    client.wait_for(f"{QUALITY}.IsHeld", value=False)


def test_a_waiting_job_is_aborted(client: NodeOpcUa) -> None:
    job = identifier(MEAS, ""), identifier(PART, "P-never"), identifier(RECIPE_ID, ""), identifier(PRODUCT, "")
    assert client.call(MODE, "StartSingleJob", *job, {"type": "Null", "value": None})[1][1] == 0
    assert client.call(MODE, "StartSingleJob", *job, {"type": "Null", "value": None})[1][1] == -2
    said = number(1, kind="Int32"), text("wrong part")
    assert client.call(MODE, "Abort", *said) == ("Good", [0])
    assert client.call(MODE, "Abort", *said) == ("Good", [-5])
    assert client.call(MODE, "Stop", *said) == ("Good", [-4])


def test_a_method_called_with_too_few_inputs_is_refused(client: NodeOpcUa) -> None:
    assert client.call(MODE, "Abort", number(1, kind="Int32"))[0] == "BadArgumentsMissing"


def test_a_job_order_is_stored_started_and_answered_with_counts(
    server: LiveServer, line: OpcUaLine, client: NodeOpcUa
) -> None:
    material = {
        "structure": "ns=3;i=3010",
        "value": {
            "materialDefinitionID": "BRD",
            "materialLotID": "L-9",
            "materialUse": "Material Produced",
            "quantity": "2",
        },
    }
    order = {"structure": "ns=3;i=3008", "value": {"jobOrderID": "WO-7", "materialRequirements": [material]}}
    no_comment = {"type": "LocalizedText", "value": []}
    assert client.call(ORDERS, "Store", order, no_comment) == ("Good", [[0, 1]])
    (waiting,) = client.value(f"{ORDERS}.JobOrderList")
    assert waiting["jobOrder"]["jobOrderID"] == "WO-7"
    assert waiting["state"][0]["stateNumber"] == 1
    assert client.call(ORDERS, "Start", text("WO-7"), no_comment) == ("Good", [[0, 1]])
    assert client.value(f"{ORDERS}.JobOrderList") == []
    assert client.call(ORDERS, "Start", text("WO-7"), no_comment) == ("Uncertain", [[0, 2]])
    for seed, board in enumerate((good_board(401), bad_board(402))):
        server.post(board, f"P-40{seed}")
    line.deliver()
    client.wait_for(f"{QUALITY}.OrderId", "WO-7")
    status, (response, returned) = client.call(RESPONSES, "RequestJobResponseByJobOrderID", text("WO-7"))
    assert (status, returned) == ("Good", [0, 1])
    counts = {each["ID"]: each["value"] for each in response["jobResponseData"]}
    assert counts == {"PartsOK": 1, "PartsNG": 1, "PartsNotInspected": 0}
    assert response["materialActuals"][0]["materialLotID"] == "L-9"
    unknown = client.call(RESPONSES, "RequestJobResponseByJobOrderID", text("nothing"))
    assert (unknown[0], unknown[1][1]) == ("Uncertain", [0, 2])


def test_preparing_a_product_orders_it_and_so_selects_its_recipe(
    server: LiveServer, line: OpcUaLine, client: NodeOpcUa
) -> None:
    panel = RECIPE.replace("id: board", "id: panel").replace("product: BRD", "product: PNL")
    assert server.put_recipe("panel", panel).status_code < 300
    for product, recipe in (("PNL", "panel"), ("BRD", "board"), ("PNL", "panel"), ("BRD", "board")):
        status, (prepared, error) = client.call(RECIPES, "PrepareProduct", identifier(PRODUCT, product))
        assert (status, error, prepared["id"]) == ("Good", 0, recipe)
        line.deliver()
        client.wait_for(f"{QUALITY}.Product", product)
        context = server.http.get("/v1/stations/aoi-1", headers=server.authorization()).json()["context"]
        assert context["recipe"]["id"] == recipe


def test_nobody_gets_in_without_login_or_with_a_wrong_one(line: OpcUaLine, client: NodeOpcUa) -> None:
    with pytest.raises(Refused):
        client.connect(line.endpoint, line.trusted, session="nobody")
    with pytest.raises(Refused, match="BadUserAccessDenied"):
        client.connect(line.endpoint, line.trusted, session="wrong", user=OPERATOR[0], password=VIEWER[1])
    with pytest.raises(Refused):
        client.connect(
            line.endpoint,
            line.trusted,
            session="open",
            user=OPERATOR[0],
            password=OPERATOR[1],
            mode="None",
            policy="None",
        )


def test_a_client_that_is_not_trusted_is_refused_and_its_certificate_put_aside(
    line: OpcUaLine, client: NodeOpcUa, tmp_path: Path
) -> None:
    stranger = client_identity(tmp_path / "stranger", uri="urn:test:stranger")
    with pytest.raises(Refused, match="BadCertificateUntrusted"):
        client.connect(line.endpoint, stranger, session="stranger", user=OPERATOR[0], password=OPERATOR[1])
    assert len(list((line.folder / "state" / "rejected").iterdir())) == 1


def test_nobody_writes_and_a_viewer_changes_nothing(line: OpcUaLine, client: NodeOpcUa) -> None:
    client.connect(
        line.endpoint, line.trusted, session="viewer", user=VIEWER[0], password=VIEWER[1], policy="Aes256_Sha256_RsaPss"
    )
    for session in ("main", "viewer"):
        for node, kind, value in (
            (f"{QUALITY}.DefectRate", "Double", 0.0),
            (f"{STATES}.CurrentState", "LocalizedText", {"text": "Operational"}),
            (f"{QUALITY}.LastVerdict", "String", "OK"),
        ):
            status = client.do("write", session=session, node=node, type=kind, value=value)
            assert status in {"BadUserAccessDenied", "BadNotWritable"}, (session, node)
    said = number(7, kind="Int32"), text("no")
    assert client.call(STATES, "Halt", *said, session="viewer")[0] == "BadUserAccessDenied"
    found = client.call(RESULTS, "GetResultById", identifier(RESULT_ID, "x"), number(0, kind="Int32"), session="viewer")
    assert found[0] == "Good"
    client.do("disconnect", session="viewer")


def test_a_sink_that_is_opened_again_listens_at_the_same_place_and_has_all_results(
    line: OpcUaLine, client: NodeOpcUa
) -> None:
    client.do("disconnect", session="main")
    line.run(line.sink.close())
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", line.port)):  # noqa: PT011 - refused
        pass
    line.run(line.sink.open())
    client.connect(line.endpoint, line.trusted, user=VIEWER[0], password=VIEWER[1])
    by_part = [identifier(MEAS, ""), identifier(PART, "P-300")]
    ids = [identifier(each, "") for each in (3002, 3013, 3008, 3008, PRODUCT, 3016)]
    numbers = number(10), number(0), number(1000, kind="Int32")
    found = client.call(RESULTS, "GetResultListFiltered", number(0, kind="Int32"), *by_part, *ids, *numbers)[1]
    assert [result["resultContent"][0]["verdict"] for result in found[3]] == ["NG"]
    client.do("disconnect", session="main")
