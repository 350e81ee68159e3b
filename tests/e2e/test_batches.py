"""JSON-RPC batches: one array back, in request order, whatever is in them."""

import json
import time

import pytest
from api import reply
from client import DEADLINE, rpc_error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/a", reply("1"))
    api.on("/b", reply("2"))
    api.on("/big", reply({"text": "x" * 3000}))
    limits = 'max_batch = 5\nmax_in_flight = 2\nmax_reply = "10KiB"'
    with Gateway(config(api.url, limits)) as running:
        yield running


def call(name, id=None, **more):
    request = {"jsonrpc": "2.0", "method": "fetch", "params": [name], **more}
    return request if id is None else {**request, "id": id}


PING = {"jsonrpc": "2.0", "id": "p", "method": "rpc.ping"}


def test_answers_stand_in_request_order(client, api):
    hold = api.hold("/late", reply('"late"'))
    client.say([call("late", 1), call("a", 2), PING])
    api.arrived("/late")
    api.arrived("/a")
    hold.release()
    answers = client.answer()
    assert [answer["id"] for answer in answers] == [1, 2, "p"]
    assert [answer["result"] for answer in answers] == ["late", 1, "pong"]


def test_a_notification_leaves_no_element(client, api):
    api.forget()
    answers = client.call([call("a", 1), call("b"), PING])
    assert [answer["id"] for answer in answers] == [1, "p"]
    assert api.count("/b") == 1


def test_a_batch_of_notifications_answers_nothing(client, api):
    api.forget()
    client.say([call("a"), call("b")], "quit")
    assert client.rest() == b"OK null\n"
    assert (api.count("/a"), api.count("/b")) == (1, 1)


def test_an_empty_batch_is_one_invalid_request(client):
    rpc_error(client.call("[]"), -32600, "invalid_request")


def test_each_bad_item_answers_for_itself(client):
    answers = client.call([1, PING, {"id": 5}, [], call("a", 6)])
    assert [answer["id"] for answer in answers] in ([None, "p", 5, None, 6], [None, "p", None, None, 6])
    for answer in (answers[0], answers[2], answers[3]):
        rpc_error(answer, -32600, "invalid_request")
    assert (answers[1]["result"], answers[4]["result"]) == ("pong", 1)


def test_a_broken_batch_is_one_parse_error(client):
    answer = client.call('[{"jsonrpc":"2.0","id":1,"method":"rpc.ping"},')
    assert answer["id"] is None
    rpc_error(answer, -32700, "parse_error")


def test_a_batch_of_one_answers_an_array(client):
    assert client.call([PING]) == [{"jsonrpc": "2.0", "id": "p", "result": "pong"}]


def test_answers_that_wait_do_not_keep_other_items_from_starting(start, api):
    api.on("/chunk", reply({"text": "x" * 100_000}))
    gateway = start(config(api.url, 'max_in_flight = 2\nmax_unsent = "64KiB"'))
    with gateway.connect() as client:
        answers = client.call([call("chunk", id) for id in range(8)])
        assert [len(answer["result"]["text"]) for answer in answers] == [100_000] * 8
        assert client.rpc("rpc.stats")["result"]["buffered"] < 10_000


def test_an_item_can_be_cancelled_while_large_answers_wait_for_it(start, api):
    api.on("/chunk", reply({"text": "x" * 100_000}))
    hold = api.hold("/late", reply('"late"'))
    patient = 'timeout = { first_byte = "60s", total = "60s" }'
    gateway = start(config(api.url, 'max_unsent = "64KiB"', patient))
    with gateway.connect() as client, gateway.connect() as watcher:
        client.say([call("chunk", 1), call("late", 2)])
        api.arrived("/late")
        end = time.monotonic() + DEADLINE
        while watcher.rpc("rpc.stats")["result"]["buffered"] < 100_000:
            assert time.monotonic() < end, "the large answer never came"
            time.sleep(0.02)
        client.say("ping", {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 2}})
        assert client.reply() == 'OK "pong"'
        rpc_error(client.answer()[1], -32800, "cancelled")
    hold.release()


def test_too_many_items_run_nothing_and_each_id_is_answered(client, api):
    api.forget()
    answers = client.call([call("a", 1), call("b"), call("a", "two"), PING, call("a", 3), call("a", 4)])
    assert [answer["id"] for answer in answers] == [1, "two", "p", 3, 4]
    for answer in answers:
        rpc_error(answer, -32010, "batch_too_large")
    assert api.count() == 0


def test_the_most_items_run(client):
    assert [answer["result"] for answer in client.call([call("a", id) for id in range(1, 6)])] == [1] * 5


def test_items_run_only_so_many_at_a_time(client, api):
    api.forget()
    hold = api.hold("/slot", reply("0"))
    client.say([call("slot", id) for id in range(5)])
    api.arrived("/slot", 2)
    assert client.silent()
    assert api.count("/slot") == 2
    hold.release()
    assert [answer["id"] for answer in client.answer()] == [0, 1, 2, 3, 4]


def test_no_further_line_starts_before_all_items_have(client, api):
    api.forget()
    hold = api.hold("/first", reply("0"))
    client.say([call("first", id) for id in range(3)], call("a", "later"))
    api.arrived("/first", 2)
    assert client.silent()
    assert api.count("/a") == 0
    hold.release()
    assert {len(answer) if isinstance(answer, list) else answer["id"] for answer in client.answers(2)} == {3, "later"}


def test_elements_beyond_the_reply_limit_become_errors_with_their_ids(client):
    reply_ = client.ask([call("big", id) for id in range(5)])
    assert len(reply_) <= 10 * 1024
    answers = json.loads(reply_)
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3, 4]
    assert 1 <= sum("result" in answer for answer in answers) <= 3
    for answer in answers:
        if "result" not in answer:
            rpc_error(answer, -32008, "reply_too_large")


def test_a_batch_and_a_text_line_share_the_connection(client):
    client.say([PING], "ping")
    assert sorted(client.replies(2)) == ['OK "pong"', '[{"jsonrpc":"2.0","id":"p","result":"pong"}]']


def test_an_id_twice_in_a_batch_is_refused_once(client, api):
    hold = api.hold("/twice", reply("0"))
    client.say([call("twice", 1), call("twice", 1)])
    api.arrived("/twice")
    hold.release()
    first, second = client.answer()
    assert first["result"] == 0
    rpc_error(second, -32600, "invalid_request")
