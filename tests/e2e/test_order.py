"""The order of pipelined replies: text in request order, ids and JSON-RPC as they complete, and never a swap."""

import json
import random
import threading
import time

import pytest
from api import reply
from client import ok
from gateway import Gateway, config

SEED = 20260711
COUNT = 1000


def at_some_time(exchange):
    """Answers with the request's own path after up to 15 ms."""
    time.sleep(random.random() * 0.015)
    exchange.reply(json.dumps(exchange.request.path).encode())


@pytest.fixture(scope="module")
def gateway(api):
    random.seed(SEED)
    api.on("*", at_some_time)
    api.on("/fast", reply('"fast"'))
    more = 'max_queue = 2000\ntimeout = { queue = "20s", first_byte = "20s", total = "20s" }'
    with Gateway(config(api.url, upstream=more)) as running:
        yield running


@pytest.fixture
def hold(api):
    api.forget()
    held = api.hold("/slow", reply('"slow"'))
    yield held
    held.release()


def rpc(id, name):
    return {"jsonrpc": "2.0", "id": id, "method": "fetch", "params": [name]}


def test_text_replies_come_in_request_order(client, api, hold):
    client.say("fetch slow", "fetch fast", "ping")
    api.arrived("/fast")
    assert client.silent()
    hold.release()
    assert ok(client.replies(3)) == ["slow", "fast", "pong"]


def test_tagged_text_comes_as_it_completes(client, api, hold):
    client.say("@id=1 fetch slow", "@id=2 fetch fast")
    assert client.reply() == '#2 OK "fast"'
    hold.release()
    assert client.reply() == '#1 OK "slow"'


def test_jsonrpc_comes_as_it_completes(client, api, hold):
    client.say(rpc(1, "slow"), rpc(2, "fast"))
    assert client.answer()["id"] == 2
    hold.release()
    assert client.answer()["id"] == 1


def test_waiting_text_blocks_neither_tagged_text_nor_jsonrpc(client, api, hold):
    client.say("fetch slow", "@id=2 fetch fast", rpc(3, "fast"), "fetch fast")
    assert sorted(client.replies(2)) == ['#2 OK "fast"', '{"jsonrpc":"2.0","id":3,"result":"fast"}']
    hold.release()
    assert ok(client.replies(2)) == ["slow", "fast"]


def test_waiting_jsonrpc_does_not_block_text(client, api, hold):
    client.say(rpc(1, "slow"), "fetch fast")
    assert client.reply() == 'OK "fast"'
    hold.release()
    assert client.answer()["id"] == 1


def test_requests_of_one_connection_run_concurrently(client, api, hold):
    client.say(*["fetch slow"] * 64)
    api.arrived("/slow", 64)
    hold.release()
    assert ok(client.replies(64)) == ["slow"] * 64


def test_the_65th_request_waits_for_a_place(client, api, hold):
    client.say(*["fetch slow"] * 65)
    api.arrived("/slow", 64)
    assert client.silent()
    assert api.count("/slow") == 64
    hold.release()
    assert ok(client.replies(65)) == ["slow"] * 65


def test_built_ins_are_answered_in_their_place(client, api, hold):
    client.say("ping", "fetch slow", "ping")
    assert ok(client.reply()) == "pong"
    assert client.silent()
    hold.release()
    assert ok(client.replies(2)) == ["slow", "pong"]


def test_replies_that_wait_do_not_keep_the_call_that_they_wait_for(client, api, hold):
    lines = ["fetch slow"] * 65 + ["routes"] * 2000  # more than max_unsent waits behind the 65th call
    writer = sent_from_a_thread(client, lines)
    api.arrived("/slow", 64)
    assert client.silent()
    hold.release()
    assert ok(client.replies(65)) == ["slow"] * 65
    assert len(client.replies(2000)) == 2000
    writer.join()


def sent_from_a_thread(client, lines):
    """Writing must not wait for reading: the gateway may stop reading until we do."""
    thread = threading.Thread(target=client.say, args=lines)
    thread.start()
    return thread


def test_a_thousand_text_requests_and_no_swap(client):
    writer = sent_from_a_thread(client, [f"fetch t{n}" for n in range(COUNT)])
    assert ok(client.replies(COUNT)) == [f"/t{n}" for n in range(COUNT)]
    writer.join()


def test_a_thousand_jsonrpc_requests_and_no_swap(client):
    writer = sent_from_a_thread(client, [rpc(n, f"j{n}") for n in range(COUNT)])
    answers = client.answers(COUNT)
    writer.join()
    assert sorted(answer["id"] for answer in answers) == list(range(COUNT))
    assert all(answer["result"] == f"/j{answer['id']}" for answer in answers)


def test_a_thousand_requests_of_both_dialects_and_no_swap(client):
    kinds = [
        lambda n: f"fetch m{n}",
        lambda n: f"@id=m{n} fetch m{n}",
        lambda n: rpc(f"m{n}", f"m{n}"),
        lambda n: [rpc(f"m{n}", f"m{n}")],
    ]
    chosen = [random.choice(range(len(kinds))) for _ in range(COUNT)]
    writer = sent_from_a_thread(client, [kinds[kind](n) for n, kind in enumerate(chosen)])
    replies = client.replies(COUNT)
    writer.join()
    in_order = [f'OK "/m{n}"' for n, kind in enumerate(chosen) if kind == 0]
    assert [reply for reply in replies if reply.startswith("OK ")] == in_order
    tagged = {reply.split()[0]: reply for reply in replies if reply.startswith("#")}
    assert tagged == {f"#m{n}": f'#m{n} OK "/m{n}"' for n, kind in enumerate(chosen) if kind == 1}
    answers = [json.loads(reply) for reply in replies if reply[0] in "{["]
    answers = [answer[0] if isinstance(answer, list) else answer for answer in answers]
    assert all(answer["result"] == f"/{answer['id']}" for answer in answers)
    assert len(in_order) + len(tagged) + len(answers) == COUNT


def test_no_swap_between_connections(gateway):
    clients = [gateway.connect() for _ in range(8)]
    for number, client in enumerate(clients):
        client.say(*[f"fetch c{number}-{n}" for n in range(50)])
    for number, client in enumerate(clients):
        assert ok(client.replies(50)) == [f"/c{number}-{n}" for n in range(50)]
        client.sock.close()
