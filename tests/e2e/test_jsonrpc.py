"""The JSON-RPC 2.0 dialect: ids, parameters, notifications, errors, meta, built-in methods. Batches and cancelling have
files of their own."""

import json

import pytest
from api import echo, reply
from client import rpc_error
from gateway import ROUTES, Gateway, config

WEATHER = """
[route.weather]
upstream = "weather"
method = "GET"
path = "/current/{city}"
query = { units = "{units}", days = "{days}", exact = "{exact}", brief = "{brief}" }
reply_headers = ["Link", "X-Absent"]
params = [
  { name = "city", required = true },
  { name = "units", enum = ["metric", "imperial"], default = "metric" },
  { name = "days", type = "int" },
  { name = "exact", type = "number" },
  { name = "brief", type = "bool" },
]

[upstream.weather]
base_url = "%s"
"""


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/current/oslo", reply(b'{"city": "Oslo", "temp_c": 3.50}', headers={"Link": "</next>; rel=next"}))
    api.on("*", echo)
    with Gateway(config(api.url, routes=ROUTES + WEATHER % api.url)) as running:
        yield running


def test_a_call_is_answered_with_its_id(client):
    assert client.ask('{"jsonrpc":"2.0","id":1,"method":"weather","params":{"city":"oslo"}}') == (
        '{"jsonrpc":"2.0","id":1,"result":{"city":"Oslo","temp_c":3.50}}'
    )


def test_parameters_come_by_position_too(client):
    assert client.rpc("weather", ["oslo"], id="b")["result"] == {"city": "Oslo", "temp_c": 3.5}


def test_an_unknown_method_gets_a_suggestion(client):
    found = rpc_error(client.rpc("wether", id=3), -32601, "unknown_method", did_you_mean=["weather"])
    assert found["message"] == "Method not found"
    assert found["data"]["message"].startswith('"wether" is not a route; ')


def test_bad_json_is_a_parse_error_with_id_null(client):
    answer = client.call("{bad json")
    assert answer["id"] is None
    assert rpc_error(answer, -32700, "parse_error")["message"] == "Parse error"


def test_a_missing_parameter_is_named(client):
    found = rpc_error(client.rpc("weather"), -32602, "invalid_params", param="city")
    assert found["message"] == "Invalid params"


@pytest.mark.parametrize(
    "id",
    [
        "1",
        "-7",
        '"x"',
        '""',
        "null",
        "1.50",
        "1E+400",
        "123456789012345678901234567890",
        r'"\ud800"',
        r'"\u0041"',
        '"é"',
    ],
)
def test_an_id_is_echoed_byte_for_byte(client, id):
    reply = client.ask(f'{{"jsonrpc":"2.0","id": {id} ,"method":"rpc.ping"}}')
    assert reply == f'{{"jsonrpc":"2.0","id":{id},"result":"pong"}}'


@pytest.mark.parametrize("id", ["[1]", "{}", "true", "false", f'"{"x" * 300}"', "1" * 257])
def test_any_other_id_is_an_invalid_request(client, id):
    answer = client.call(f'{{"jsonrpc":"2.0","id":{id},"method":"rpc.ping"}}')
    assert answer["id"] is None
    rpc_error(answer, -32600, "invalid_request")


def test_the_longest_id_is_256_bytes(client):
    id = "x" * 254
    assert client.rpc("rpc.ping", id=id)["id"] == id


@pytest.mark.parametrize(
    "request_",
    [
        '{"id":1,"method":"rpc.ping"}',
        '{"jsonrpc":"1.0","id":1,"method":"rpc.ping"}',
        '{"jsonrpc":2.0,"id":1,"method":"rpc.ping"}',
        '{"jsonrpc":"2.0","id":1}',
        '{"jsonrpc":"2.0","id":1,"method":5}',
        '{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"rpc.ping"}',
        '{"jsonrpc":"2.0","id":1,"id":1,"method":"rpc.ping"}',
        '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","method":"rpc.ping"}',
        '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":{},"params":{}}',
        '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":5}',
        "{}",
    ],
)
def test_what_is_json_but_no_request_is_an_invalid_request(client, request_):
    assert rpc_error(client.call(request_), -32600, "invalid_request")["message"] == "Invalid Request"


def test_other_members_are_ignored(client):
    assert client.rpc("rpc.ping", auth="x", extensions={"a": [1]})["result"] == "pong"


def test_members_may_come_in_any_order_and_spacing(client):
    reply = client.ask(' { "params" : [ ] , "method":"rpc.ping" , "id" :\t1, "jsonrpc":"2.0" } ')
    assert reply == '{"jsonrpc":"2.0","id":1,"result":"pong"}'


@pytest.mark.parametrize(
    "params, param",
    [
        ({"city": 5}, "city"),
        ({"city": True}, "city"),
        ({"city": ["oslo"]}, "city"),
        ({"city": {}}, "city"),
        ({"city": None}, "city"),
        ({"city": "oslo", "days": "3"}, "days"),
        ({"city": "oslo", "days": 1.5}, "days"),
        ({"city": "oslo", "exact": "1"}, "exact"),
        ({"city": "oslo", "brief": 1}, "brief"),
        ({"city": "oslo", "brief": "true"}, "brief"),
        ({"city": "oslo", "units": "kelvin"}, "units"),
        (["oslo", 5], "units"),
        ({"city": ".."}, "city"),
    ],
)
def test_values_must_have_the_declared_type(client, api, params, param):
    api.forget()
    rpc_error(client.rpc("weather", params), -32602, "invalid_params", param=param)
    assert api.count() == 0


def test_null_means_not_given(client):
    target = client.rpc("weather", {"city": "Rome", "units": None, "days": None})["result"]["target"]
    assert "units=metric" in target and "days" not in target


def test_a_number_is_passed_on_byte_for_byte(client):
    answer = client.call('{"jsonrpc":"2.0","id":1,"method":"weather","params":{"city":"Rome","exact":1E+400}}')
    assert "exact=1E%2B400" in answer["result"]["target"]


def test_an_unknown_parameter_gets_a_suggestion(client):
    rpc_error(client.rpc("weather", {"ctiy": "oslo"}), -32602, "invalid_params", did_you_mean=["city"])


def test_a_parameter_given_twice_is_refused(client):
    answer = client.call('{"jsonrpc":"2.0","id":1,"method":"weather","params":{"city":"a","city":"b"}}')
    rpc_error(answer, -32602, "invalid_params", param="city")


def test_a_lone_surrogate_in_a_parameter_is_refused(client):
    answer = client.call(r'{"jsonrpc":"2.0","id":1,"method":"weather","params":["\ud800"]}')
    rpc_error(answer, -32602, "invalid_params")


def test_an_escaped_method_name_is_the_same_name(client):
    assert client.call(r'{"jsonrpc":"2.0","id":1,"method":"rpc.p\u0069ng"}')["result"] == "pong"


def test_a_request_nests_64_deep_at_most(client):
    nested = "[" * 100 + "]" * 100
    answer = client.call(f'{{"jsonrpc":"2.0","id":1,"method":"rpc.ping","extra":{nested}}}')
    rpc_error(answer, -32600, "invalid_request")


def test_a_notification_runs_and_answers_nothing(client, api):
    client.say('{"jsonrpc":"2.0","method":"weather","params":["notified"]}', "quit")
    assert client.rest() == b"OK null\n"
    assert api.count("/current/notified") == 1


@pytest.mark.parametrize("method", ["nope", "weather"])
def test_a_failing_notification_answers_nothing_either(client, method):
    client.say({"jsonrpc": "2.0", "method": method}, "ping")
    assert client.reply() == 'OK "pong"'


def test_an_id_in_flight_cannot_be_used_again(client, api):
    hold = api.hold("/current/held", reply("1"))
    client.say({"jsonrpc": "2.0", "id": 9, "method": "weather", "params": ["held"]})
    api.arrived("/current/held")
    answer = client.rpc("rpc.ping", id=9)
    assert answer["id"] in (9, None)
    rpc_error(answer, -32600, "invalid_request")
    hold.release()
    assert client.answer()["result"] == 1
    assert client.rpc("rpc.ping", id=9)["result"] == "pong"


# meta


def test_meta_comes_only_when_wanted(client):
    assert "meta" not in client.rpc("weather", ["oslo"])
    meta = client.rpc("weather", ["oslo"], meta={"want": True})["meta"]
    assert (meta["cache"], meta["attempts"], meta["status"]) == ("off", 1, 200)
    assert meta["upstream_ms"] >= 0 and meta["queue_ms"] >= 0
    assert meta["headers"] == {"Link": "</next>; rel=next"} or meta["headers"] == {"link": "</next>; rel=next"}


def test_meta_bounds_the_call(client, api):
    api.hold("/current/late")
    answer = client.rpc("weather", ["late"], meta={"timeout_ms": 60})
    rpc_error(answer, -32003, "upstream_timeout", limit="client", phase="first_byte", sent=True)


@pytest.mark.parametrize("meta", [5, "x", {"timeout_ms": "soon"}, {"timeout_ms": -1}, {"want": 1}])
def test_wrong_meta_is_an_invalid_request(client, meta):
    rpc_error(client.rpc("rpc.ping", meta=meta), -32600, "invalid_request")


# Built-in methods


def test_rpc_ping_and_hello(client):
    assert client.rpc("rpc.ping")["result"] == "pong"
    assert client.rpc("rpc.hello")["result"]["server"] == "linegate"


def test_rpc_routes(client):
    assert "weather" in [route["name"] for route in client.rpc("rpc.routes")["result"]]


def test_rpc_stats(client):
    assert client.rpc("rpc.stats")["result"]["connections"] >= 1


@pytest.mark.parametrize(
    "word", ["ping", "hello", "help", "routes", "explain", "stats", "quit", "auth", "rpc.help", "rpc.x"]
)
def test_words_of_the_text_dialect_are_no_methods(client, word):
    rpc_error(client.rpc(word), -32601, "unknown_method")


def test_rpc_discover_is_an_openrpc_document(client):
    document = client.rpc("rpc.discover")["result"]
    assert document["openrpc"].startswith("1.")
    assert document["info"]["title"] and document["info"]["version"]
    methods = {method["name"]: method for method in document["methods"]}
    params = {param["name"]: param for param in methods["weather"]["params"]}
    assert params["city"]["required"] is True
    assert params["days"]["schema"]["type"] == "integer"
    assert params["units"]["schema"]["enum"] == ["metric", "imperial"]


def test_every_reply_is_one_line_of_json(client):
    for method in ("rpc.hello", "rpc.routes", "rpc.stats", "rpc.discover", "weather", "nope"):
        assert json.loads(client.ask({"jsonrpc": "2.0", "id": 1, "method": method}))["id"] == 1
