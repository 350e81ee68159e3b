"""$/cancelRequest: at once, out of turn, and only for the call that it names."""

import pytest
from api import reply
from client import rpc_error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, "max_in_flight = 2")) as running:
        yield running


@pytest.fixture
def hold(api):
    api.forget()
    held = api.hold("/held", reply('"done"'))
    yield held
    held.release()


def call(id, name="held"):
    return {"jsonrpc": "2.0", "id": id, "method": "fetch", "params": [name]}


def cancel(target, **more):
    return {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": target}, **more}


def test_a_cancelled_call_answers_cancelled(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    client.say(cancel(1))
    answer = client.answer()
    assert answer["id"] == 1
    rpc_error(answer, -32800, "cancelled")


def test_the_transfer_is_cancelled_upstream(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    client.say(cancel(1))
    rpc_error(client.answer(), -32800, "cancelled")
    api.wait_until(lambda: not any(not c.idle for c in api.open_connections()))


def test_a_cancel_with_an_id_answers_true_or_false(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    client.say(cancel(1, id="c"), cancel(1, id="d"), cancel("unknown", id="e"))
    answers = {answer["id"]: answer for answer in client.answers(4)}
    rpc_error(answers[1], -32800, "cancelled")
    assert [answers[id]["result"] for id in "cde"] == [True, False, False]


def test_an_unknown_target_is_ignored(client):
    client.say(cancel("nothing"), "ping")
    assert client.reply() == 'OK "pong"'


def test_ids_match_as_bytes(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    assert client.call(cancel("1", id="c"))["result"] is False
    client.say(cancel(1, id="d"))
    answers = {answer["id"]: answer for answer in client.answers(2)}
    assert answers["d"]["result"] is True
    rpc_error(answers[1], -32800, "cancelled")


def test_a_cancel_is_heard_when_all_places_are_taken(client, api, hold):
    client.say(call(1), call(2), call(3))
    api.arrived("/held", 2)
    client.say(cancel(1))
    rpc_error(client.answer(), -32800, "cancelled")
    api.arrived("/held", 3)  # its place went to the third
    hold.release()
    assert sorted(answer["id"] for answer in client.answers(2)) == [2, 3]


def test_a_call_that_waits_for_a_place_can_be_cancelled(client, api, hold):
    client.say(call(1), call(2), call(3), cancel(3))
    answer = client.answer()
    assert answer["id"] == 3
    rpc_error(answer, -32800, "cancelled")
    assert api.count("/held") <= 2


def test_a_batch_item_can_be_cancelled(client, api, hold):
    client.say([call(1), call(2)])
    api.arrived("/held", 2)
    client.say(cancel(2), "ping")
    assert client.reply() == 'OK "pong"'  # the cancel was heard
    hold.release()
    first, second = client.answer()
    assert first["result"] == "done"
    rpc_error(second, -32800, "cancelled")


def test_a_batch_item_that_waits_can_be_cancelled(client, api, hold):
    client.say([call(1), call(2), call(3)])
    api.arrived("/held", 2)
    client.say(cancel(3))
    hold.release()
    answers = client.answer()
    rpc_error(answers[2], -32800, "cancelled")


def test_an_item_can_be_cancelled_by_its_own_batch(client, api, hold):
    client.say([call(1), call(2), call(3), cancel(3)], "ping")
    assert client.reply() == 'OK "pong"'  # nothing waits for a place any more
    hold.release()
    answers = client.answer()
    assert [answer["id"] for answer in answers] == [1, 2, 3]
    rpc_error(answers[2], -32800, "cancelled")


def test_a_cancelled_call_that_waited_leaves_nothing_behind(start, api, hold):
    gateway = start(config(api.url, 'max_in_flight = 1\nmax_line = "4KiB"'))
    with gateway.connect() as client:
        client.say(call("first"))
        api.arrived("/held")
        before = client.rpc("rpc.stats", id="s")["result"]["buffered"]
        for id in range(20):  # their bodies are several times max_line
            params = {"name": "held", "text": "x" * 1000}
            client.say({"jsonrpc": "2.0", "id": id, "method": "send", "params": params})
            client.say(cancel(id))
            rpc_error(client.answer(), -32800, "cancelled")
        assert client.rpc("rpc.stats", id="s")["result"]["buffered"] < before + 1000


def test_other_connections_calls_are_out_of_reach(gateway, client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    with gateway.connect() as other:
        assert other.call(cancel(1, id="c"))["result"] is False
    hold.release()
    assert client.answer()["result"] == "done"


@pytest.mark.parametrize("params", [None, {}, [], {"id": []}, 5])
def test_a_cancel_without_a_target_is_refused(client, params):
    request = {"jsonrpc": "2.0", "id": "c", "method": "$/cancelRequest", "params": params}
    assert client.call(request)["error"]["code"] in (-32600, -32602)


def test_a_cancel_has_an_id_of_its_own(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    answer = client.call(cancel(1, id=1))
    assert answer["id"] == 1
    rpc_error(answer, -32600, "invalid_request")
    hold.release()
    assert client.answer()["result"] == "done"


def test_a_cancel_is_a_valid_request(client):
    for _ in range(3):
        client.say(*["{"] * 9, cancel("nothing"))
        assert [answer["error"]["code"] for answer in client.answers(9)] == [-32700] * 9
    assert client.ask("ping") == 'OK "pong"'


def test_a_cancel_frees_the_id(client, api, hold):
    client.say(call(1))
    api.arrived("/held")
    client.say(cancel(1))
    rpc_error(client.answer(), -32800, "cancelled")
    assert client.rpc("rpc.ping", id=1)["result"] == "pong"
