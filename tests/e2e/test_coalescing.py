"""Calls that would send the same request at the same time share one: who joins, who does not, and who may leave."""

import contextlib
import json

import pytest
from api import Hold, in_turn, numbered, reply
from client import error, ok, ok_with_meta, rpc_error
from gateway import Gateway, config

COALESCING = """
[defaults]
coalesce = true
retry = { attempts = 1, gate_max = "0s" }
breaker = { enabled = false }
timeout = { queue = "20s", first_byte = "20s", total = "20s" }
"""
NAME = '{ name = "name", required = true }'


def route(name, method="GET", more="", params=NAME):
    return f"""
[route.{name}]
upstream = "api"
method = "{method}"
path = "/{{name}}"
params = [{params}]
{more}
"""


ROUTES = "".join(
    [
        route("get"),
        route("post", "POST", 'json = { q = "{q}" }', NAME + ', { name = "q" }'),
        route("put", "PUT", 'json = { q = "{q}" }', NAME + ', { name = "q" }'),
        route("search", "POST", 'idempotent = true\njson = { q = "{q}" }', NAME + ', { name = "q" }'),
        route("alone", more="coalesce = false"),
        route("passing", more='cache = { mode = "off" }'),
        route("forced", more='cache = { mode = "override", ttl = "60s" }'),
        route(
            "mine", more='headers = { "X-Token" = "{token}" }', params=NAME + ', { name = "token", required = true }'
        ),
    ]
)
FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, routes=ROUTES, defaults=COALESCING)) as running:
        yield running


@pytest.fixture
def hold(api):
    """Holds /held; released at the end at the latest."""
    api.forget()
    held = api.hold("/held", numbered())
    yield held
    held.release()


def say(client, *lines):
    """Says them and waits until the gateway has started them: a ping behind them is answered out of turn."""
    client.say(*lines, "@id=seen ping")
    assert client.reply() == '#seen OK "pong"'


def test_a_thousand_clients_asking_one_thing_make_one_call(start, api, hold):
    gateway = start(config(api.url, "max_connections_per_ip = 2000", routes=ROUTES, defaults=COALESCING))
    with contextlib.ExitStack() as connections:
        clients = [connections.enter_context(gateway.connect()) for _ in range(1000)]
        for client in clients:
            client.say("get held @meta", "@id=seen ping")
        for client in clients:
            assert client.reply() == '#seen OK "pong"'
        hold.release()
        answers = [ok_with_meta(client.reply()) for client in clients]
    assert [body for body, _ in answers] == [1] * 1000
    states = [meta["cache"] for _, meta in answers]
    assert (states.count("miss"), states.count("coalesced")) == (1, 999)
    assert api.count("/held") == 1


def test_one_client_that_asks_twice_makes_one_call(client, api, hold):
    say(client, *["get held"] * 20)
    hold.release()
    assert ok(client.replies(20)) == [1] * 20
    assert api.count("/held") == 1


def test_text_jsonrpc_and_batches_share_one_call(client, api, hold):
    call = {"jsonrpc": "2.0", "method": "get", "params": ["held"]}
    say(client, "get held", {**call, "id": 1}, [{**call, "id": 2}, {**call, "id": 3}], call)
    hold.release()
    lines = client.replies(3)
    assert "OK 1" in lines
    assert '{"jsonrpc":"2.0","id":1,"result":1}' in lines
    assert '[{"jsonrpc":"2.0","id":2,"result":1},{"jsonrpc":"2.0","id":3,"result":1}]' in lines
    assert api.count("/held") == 1


def test_calls_one_after_the_other_share_nothing(client, api):
    api.forget()
    api.on("/one", numbered())
    assert [ok(client.ask("get one")) for _ in range(3)] == [1, 2, 3]


def test_a_coalesced_call_says_so(client, api, hold):
    say(client, "@id=1 get held @meta", "@id=2 get held @meta")
    hold.release()
    first, second = (ok_with_meta(line[3:])[1] for line in sorted(client.replies(2)))
    assert (first["cache"], second["cache"]) == ("miss", "coalesced")


def test_calls_are_shared_without_a_cache(client, api, hold):
    say(client, *["passing held @meta"] * 5)
    hold.release()
    states = [ok_with_meta(line)[1]["cache"] for line in client.replies(5)]
    assert sorted(states) == ["coalesced"] * 4 + ["off"]
    assert api.count("/held") == 1


# Who does not share


@pytest.mark.parametrize("line", ["post held a", "put held a", "alone held"])
def test_what_may_not_be_shared_is_asked_each_time(client, api, hold, line):
    say(client, *[line] * 5)
    api.arrived("/held", 5)
    hold.release()
    assert sorted(ok(client.replies(5))) == [1, 2, 3, 4, 5]


def test_an_idempotent_post_is_shared_by_its_body(client, api, hold):
    say(client, *["search held a"] * 5, *["search held b"] * 5)
    api.arrived("/held", 2)
    hold.release()
    answers = ok(client.replies(10))
    assert (len(set(answers[:5])), len(set(answers[5:])), len(set(answers))) == (1, 1, 2)
    assert api.count("/held") == 2


def test_clients_with_different_tokens_share_nothing(gateway, api):
    api.forget()
    hold = api.hold(
        "/token",
        lambda exchange: exchange.reply(json.dumps(exchange.request.header("X-Token")).encode(), headers=FRESH),
    )
    with contextlib.ExitStack() as connections:
        clients = [connections.enter_context(gateway.connect()) for _ in range(20)]
        for n, client in enumerate(clients):
            say(client, f"mine token t{n % 2}")
        api.arrived("/token", 2)
        hold.release()
        assert [ok(client.reply()) for client in clients] == ["t0", "t1"] * 10
        assert [ok(client.ask(f"mine token t{n % 2}")) for n, client in enumerate(clients)] == ["t0", "t1"] * 10
    assert api.count("/token") == 2


PERSONAL = [
    {"Cache-Control": "no-store"},
    {"Cache-Control": "private"},
    {"Set-Cookie": "session=1"},
    {"Vary": "*"},
]


@pytest.mark.parametrize("headers", PERSONAL, ids=str)
def test_an_answer_for_one_is_not_shared_and_waiters_go_on_in_parallel(client, api, headers):
    api.forget()
    name = f"personal{PERSONAL.index(headers)}"
    numbers = numbered(headers=headers)
    first, rest = Hold(numbers), Hold(numbers)
    api.on(f"/{name}", in_turn(first, rest))
    say(client, *[f"get {name}"] * 10)
    api.arrived(f"/{name}")
    assert api.count(f"/{name}") == 1
    first.release()
    api.arrived(f"/{name}", 10)  # nine at once, none of them answered
    rest.release()
    assert sorted(ok(client.replies(10))) == list(range(1, 11))
    assert api.count(f"/{name}") == 10


def test_what_lately_was_not_shared_is_not_waited_for(client, api):
    api.forget()
    api.on("/private", reply("1", headers={"Cache-Control": "private"}))
    assert ok(client.ask("get private")) == 1
    hold = api.hold("/private", reply("2"))
    say(client, *["get private"] * 10)
    api.arrived("/private", 11)  # ten at once
    hold.release()
    assert ok(client.replies(10)) == [2] * 10
    hold = api.hold("/private", reply("3"))  # by now it is for everybody
    say(client, *["get private"] * 10)
    api.arrived("/private", 12)
    hold.release()
    assert ok(client.replies(10)) == [3] * 10
    assert api.count("/private") == 12


def test_override_shares_what_says_no_store(client, api):
    api.forget()
    hold = api.hold("/forced", numbered(headers={"Cache-Control": "no-store"}))
    say(client, *["forced forced"] * 10)
    hold.release()
    assert ok(client.replies(10)) == [1] * 10
    assert api.count("/forced") == 1


def test_a_failure_is_shared(client, api):
    api.forget()
    hold = api.hold("/held", reply('{"n":1}', status=500))
    say(client, *["get held"] * 10)
    hold.release()
    for line in client.replies(10):
        error(line, "upstream_error", status=500, body={"n": 1})
    assert api.count("/held") == 1


def test_a_lost_connection_is_shared(client, api):
    api.forget()
    api.on("/held", hold := Hold(lambda exchange: exchange.reset()))
    say(client, *["get held"] * 10)
    api.arrived("/held")
    hold.release()
    for line in client.replies(10):
        error(line, "unavailable", reason="reset")
    assert api.count("/held") <= 2  # one, and its replay if the connection had been used before


# @fresh


def test_fresh_joins_nobody(client, api, hold):
    say(client, "@id=1 get held")
    api.arrived("/held")
    say(client, "@id=2 get held @fresh")
    api.arrived("/held", 2)
    hold.release()
    assert sorted(ok(line[3:]) for line in client.replies(2)) == [1, 2]


def test_others_may_join_a_fresh_one(client, api, hold):
    say(client, "@id=1 get held @fresh")
    api.arrived("/held")
    say(client, *["@id=2 get held"] * 5)
    hold.release()
    assert [ok(line[3:]) for line in client.replies(6)] == [1] * 6
    assert api.count("/held") == 1


# Leaving


def test_the_leader_leaves_and_followers_are_answered(gateway, api, hold):
    leader = gateway.connect()
    say(leader, "get held")
    api.arrived("/held")
    with gateway.connect() as one, gateway.connect() as two:
        say(one, "get held")
        say(two, "get held")
        leader.reset()
        gone(one, 1)
        hold.release()
        assert [ok(one.reply()), ok(two.reply())] == [1, 1]
    assert api.count("/held") == 1


def gone(client, left_over):
    """Waits until the gateway has noticed that a client left: so many others than `client` are connected."""
    while ok(client.ask("@id=stats stats").removeprefix("#stats "))["connections"] > left_over + 1:
        pass


def test_the_leaders_own_deadline_is_only_its_own(gateway, client, api, hold):
    say(client, "get held @timeout=150ms")
    api.arrived("/held")
    with gateway.connect() as follower:
        say(follower, "get held")
        error(client.reply(), "upstream_timeout", limit="client", upstream="api")
        hold.release()
        assert ok(follower.reply()) == 1
    assert api.count("/held") == 1


def test_a_followers_deadline_bounds_its_wait(gateway, client, api, hold):
    say(client, "get held")
    api.arrived("/held")
    with gateway.connect() as follower:
        error(follower.ask("get held @timeout=50ms"), "upstream_timeout", limit="client", upstream="api")
    hold.release()
    assert ok(client.reply()) == 1
    assert api.count("/held") == 1


def test_the_leader_is_cancelled_and_followers_are_answered(client, api, hold):
    client.say({"jsonrpc": "2.0", "id": 1, "method": "get", "params": ["held"]})
    api.arrived("/held")
    say(client, "get held")
    client.say({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}})
    rpc_error(client.answer(), -32800, "cancelled")
    hold.release()
    assert ok(client.reply()) == 1
    assert api.count("/held") == 1


def test_a_cacheable_call_that_was_sent_ends_without_its_clients(gateway, client, api):
    api.forget()
    hold = api.hold("/left", numbered())
    with gateway.connect() as leaver:
        say(leaver, "forced left")
        api.arrived("/left")
        leaver.reset()
    gone(client, 0)
    hold.release()
    body, meta = ok_with_meta(client.ask("forced left @meta"))
    assert body == 1 and meta["cache"] in ("hit", "coalesced")
    assert api.count("/left") == 1


def test_a_call_that_was_not_sent_is_cancelled_when_the_last_one_leaves(start, api, hold):
    gateway = start(config(api.url, routes=ROUTES, upstream="max_in_flight = 1", defaults=COALESCING))
    with gateway.connect() as client:
        say(client, "get held")
        api.arrived("/held")
        with gateway.connect() as leaver, gateway.connect() as other:
            say(leaver, "get waiting")
            say(other, "get waiting")
            assert waiting(client) == 1
            leaver.reset()
            other.reset()
        while waiting(client):
            pass
        hold.release()
        assert ok(client.reply()) == 1
        api.on("/after", reply("2"))
        assert ok(client.ask("get after")) == 2
    assert api.count("/waiting") == 0


def waiting(client):
    return ok(client.ask("@id=stats stats").removeprefix("#stats "))["upstreams"]["api"]["waiting"]


def test_a_cancelled_call_is_not_joined(start, api, hold):
    gateway = start(config(api.url, routes=ROUTES, upstream="max_in_flight = 1", defaults=COALESCING))
    api.on("/waiting", reply("7"))
    with gateway.connect() as client:
        say(client, "@id=1 get held")
        api.arrived("/held")
        call = {"jsonrpc": "2.0", "method": "get", "params": ["waiting"]}
        cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "x"}}
        client.say({**call, "id": "x"}, cancel, {**call, "id": "y"})
        answer = client.answer()
        assert answer["id"] == "x"
        rpc_error(answer, -32800, "cancelled")
        hold.release()
        lines = sorted(client.replies(2))
        assert lines == ["#1 OK 1", '{"jsonrpc":"2.0","id":"y","result":7}']
    assert api.count("/waiting") == 1


def test_stats_count_coalesced_calls(start, api, hold):
    with start(config(api.url, routes=ROUTES, defaults=COALESCING)).connect() as client:
        say(client, *["get held"] * 8)
        hold.release()
        client.replies(8)
        upstream = ok(client.ask("stats"))["upstreams"]["api"]
    assert (upstream["coalesced"], upstream["attempts"]) == (7, 1)
