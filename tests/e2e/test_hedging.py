"""Hedging: a second attempt for a slow answer, when it is made, which of the two counts, and how many there may be."""

import pytest
from api import Hold, in_turn, numbered, reply
from client import error, ok, ok_with_meta
from gateway import config

DEFAULTS = """
[defaults]
coalesce = false
cache = { mode = "off" }
breaker = { enabled = false }
retry = { attempts = 1, gate_max = "0s" }
timeout = { queue = "20s", connect = "20s", first_byte = "20s", total = "20s" }
"""


def route(name, hedge, more=""):
    return f"""
[route.{name}]
upstream = "api"
path = "/{{name}}"
params = [{{ name = "name", required = true }}]
hedge = {hedge}
{more}
"""


EAGER = '{ after = "p95", budget = 1 }'
ROUTES = "".join(
    [
        route("get", EAGER),
        route("early", '{ after = "50ms", budget = 1 }'),
        route("thrifty", '{ after = "50ms", budget = 0.05 }'),
        route("never", '{ after = "50ms", budget = 0 }'),
        route(
            "shared", '{ after = "50ms", budget = 1 }', 'coalesce = true\ncache = { mode = "override", ttl = "60s" }'
        ),
        route("search", '{ after = "50ms", budget = 1 }', 'method = "POST"\nidempotent = true'),
    ]
)


@pytest.fixture(autouse=True)
def start_over(api):
    api.start_over()
    api.on("/quick", reply("0"))


@pytest.fixture
def client(start, api):
    gateway = start(config(api.url, routes=ROUTES, defaults=DEFAULTS))
    with gateway.connect() as connected:
        connected.gateway = gateway
        yield connected


def stats(client):
    return ok(client.ask("@id=stats stats").removeprefix("#stats "))["upstreams"]["api"]


def warm(client, count=60):
    """Teaches the upstream what is usual."""
    for _ in range(count):
        ok(client.ask("get quick"))


def busy(api):
    """Connections on which a request is being answered."""
    return sum(not connection.idle for connection in api.open_connections())


def test_a_second_attempt_is_made_after_the_95th_percentile(client, api):
    warm(client)
    slow = Hold(reply("1"))
    api.on("/slow", in_turn(slow, reply("2")))
    body, meta = ok_with_meta(client.ask("get slow @meta"))
    assert (body, meta["attempts"], meta["status"]) == (2, 2, 200)
    assert api.count("/slow") == 2


def test_the_loser_is_cancelled(client, api):
    api.on("/slow", in_turn(Hold(reply("1")), reply("2")))
    assert ok(client.ask("early slow")) == 2
    api.wait_until(lambda: not busy(api))  # the held one saw its connection close
    assert stats(client)["in_flight"] == 0


def test_the_first_answer_wins_whichever_it_is(client, api):
    first, second = Hold(reply("1")), Hold(reply("2"))
    api.on("/slow", in_turn(first, second))
    client.say("early slow")
    api.arrived("/slow", 2)
    first.release()
    assert ok(client.reply()) == 1
    api.wait_until(lambda: not busy(api))


def test_no_third_attempt_is_made(client, api):
    hold = api.hold("/slow", reply("1"))
    client.say("early slow")
    api.arrived("/slow", 2)
    assert client.silent(0.3)
    assert api.count("/slow") == 2
    hold.release()
    assert ok(client.reply()) == 1


def test_a_quick_answer_needs_no_second_attempt(client, api):
    api.on("/a", numbered())
    ok(client.ask("early a"))
    before = stats(client)
    assert (before["calls"], before["attempts"] - before["hedges"]) == (1, 1)


def test_without_experience_p95_hedges_nothing(client, api):
    warm(client, 5)
    hold = api.hold("/slow", reply("1"))
    client.say("get slow")
    api.arrived("/slow")
    assert client.silent(0.3)
    assert api.count("/slow") == 1
    hold.release()
    assert ok(client.reply()) == 1


def test_the_budget_is_kept(client, api):
    warm(client, 100)
    hedged = stats(client)["hedges"]
    hold = api.hold("/slow", numbered())
    client.say(*["thrifty slow"] * 40)
    api.arrived("/slow", 40)
    assert client.silent(0.5)
    hold.release()
    client.replies(40)
    told = stats(client)
    assert api.count("/slow") - 40 <= 0.05 * (100 + 40) + 1
    assert told["hedges"] - hedged == api.count("/slow") - 40


def test_a_budget_of_nothing_hedges_nothing(client, api):
    hold = api.hold("/slow", reply("1"))
    client.say("never slow")
    api.arrived("/slow")
    assert client.silent(0.3)
    hold.release()
    assert ok(client.reply()) == 1
    assert api.count("/slow") == 1


def test_an_idempotent_post_may_be_hedged(client, api):
    api.on("/slow", in_turn(Hold(reply("1")), reply("2")))
    assert ok(client.ask("search slow")) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_not_safe_is_never_hedged(start, api, method):
    routes = route("order", '{ after = "1ms", budget = 1 }', f'method = "{method}"')
    gateway = start(config(api.url, routes=routes, defaults=DEFAULTS))
    with gateway.connect() as client:
        hold = api.hold("/slow", reply("1"))
        client.say("order slow")
        api.arrived("/slow")
        assert client.silent(0.3)
        hold.release()
        assert ok(client.reply()) == 1
    assert api.count("/slow") == 1


def test_a_clients_deadline_bounds_both_attempts(client, api):
    api.hold("/slow")
    found = error(client.ask("early slow @timeout=400ms"), "upstream_timeout", limit="client", sent=True)
    assert found["attempts"] == api.count("/slow") == 2
    api.wait_until(lambda: not busy(api))


def test_a_client_that_leaves_ends_both(client, api):
    api.hold("/slow")
    with client.gateway.connect() as leaver:
        leaver.say("early slow")
        api.arrived("/slow", 2)
        leaver.reset()
    api.wait_until(lambda: not busy(api))
    while stats(client)["in_flight"]:
        pass


def test_shared_calls_are_hedged_once(client, api):
    api.on("/slow", in_turn(Hold(reply("1")), reply("2")))
    client.say(*["shared slow"] * 10)
    assert ok(client.replies(10)) == [2] * 10
    assert ok(client.ask("shared slow")) == 2
    assert api.count("/slow") == 2


def test_stats_count_hedges(client, api):
    api.on("/slow", in_turn(Hold(reply("1")), reply("2"), Hold(reply("3")), reply("4")))
    assert [ok(client.ask("early slow")) for _ in range(2)] == [2, 4]
    told = stats(client)
    assert (told["calls"], told["attempts"], told["hedges"]) == (2, 4, 2)
