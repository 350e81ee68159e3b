"""Retries: what is tried again and how often, what never is, and how much of that an API can be burdened with."""

import random
import re
import socket
import time

import pytest
from api import Exchange, every, head, in_turn, numbered, raw, reply
from client import error, ok, ok_with_meta, rpc_error
from gateway import Gateway, config

RETRYING = """
[defaults]
coalesce = false
breaker = { enabled = false }
cache = { mode = "off" }
timeout = { queue = "20s", connect = "20s", first_byte = "300ms", total = "20s" }

[defaults.retry]
attempts = 3
gate_max = "0s"
backoff = { base = "1ms", max = "5ms" }
budget = { ratio = 10, min_per_second = 1000 }
"""
NAME = '{ name = "name", required = true }'
SLOW = 'retry = { attempts = 10, backoff = { base = "20s", max = "20s" } }'


def route(name, method="GET", more=""):
    body = "" if method in ("GET", "DELETE") else 'json = { text = "{text}" }'
    params = NAME if not body else NAME + ', { name = "text", default = "" }'
    return f"""
[route.{name}]
upstream = "api"
method = "{method}"
path = "/{{name}}"
params = [{params}]
{body}
{more}
"""


ROUTES = "".join(
    [
        route("get"),
        route("put", "PUT"),
        route("delete", "DELETE"),
        route("search", "POST", "idempotent = true"),
        route("keyed", "POST", 'idempotency_key = "Idempotency-Key"'),
        route("post", "POST"),
        route("patch", "PATCH"),
        route("only_503", more='retry = { on = ["503"] }'),
        route("once", more="retry = { attempts = 1 }"),
        route("slow", more=SLOW),
        route("slow_shared", more=SLOW + '\ncoalesce = true\ntimeout = { total = "600s" }'),
        route("slow_total", more=SLOW + '\ntimeout = { total = "300ms" }'),
    ]
)
REPEATABLE = ["get", "put", "delete", "search", "keyed"]
OTHERS = ["post", "patch"]
TRUNCATED = raw(head(length=10) + b"half", then=Exchange.close)
FAILURES = {
    "429": reply("{}", status=429),
    "502": reply("{}", status=502),
    "503": reply("{}", status=503),
    "504": reply("{}", status=504),
    "reset": Exchange.reset,
    "close": Exchange.close,
    "truncated": TRUNCATED,
    "timeout": Exchange.stall,
}
failures = pytest.mark.parametrize("failure", FAILURES)
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # RFC 9562


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, routes=ROUTES, defaults=RETRYING)) as running:
        yield running


@pytest.fixture(autouse=True)
def start_over(api):
    api.start_over()


# What is tried again


@failures
def test_a_failed_attempt_is_followed_by_another(client, api, failure):
    api.on("/a", in_turn(FAILURES[failure], reply("1")))
    body, meta = ok_with_meta(client.ask("get a @meta"))
    assert (body, meta["attempts"], meta["status"]) == (1, 2, 200)
    assert api.count("/a") == 2


@pytest.mark.parametrize("name", REPEATABLE)
def test_what_may_be_repeated_is(client, api, name):
    api.on("/a", in_turn(FAILURES["503"], FAILURES["reset"], reply("1")))
    assert ok(client.ask(f"{name} a")) == 1
    assert api.count("/a") == 3


def test_jsonrpc_calls_are_repeated_too(client, api):
    api.on("/a", in_turn(FAILURES["503"], reply("1")))
    answer = client.rpc("get", ["a"], meta={"want": True})
    assert (answer["result"], answer["meta"]["attempts"]) == (1, 2)
    api.on("/a", FAILURES["503"])
    rpc_error(client.rpc("get", ["a"]), -32000, "upstream_error", status=503, attempts=3, sent=True)


def test_attempts_are_tries_in_all(client, api):
    api.on("/a", FAILURES["503"])
    error(client.ask("get a"), "upstream_error", status=503, attempts=3, sent=True)
    assert api.count("/a") == 3


def test_one_attempt_means_no_retry(client, api):
    api.on("/a", FAILURES["503"])
    error(client.ask("once a"), "upstream_error", status=503, attempts=1)
    assert api.count("/a") == 1


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 501])
def test_an_answer_is_an_answer(client, api, status):
    api.on("/a", reply("{}", status=status))
    assert client.ask("get a").startswith("ERR upstream_")
    assert api.count("/a") == 1


def test_a_bad_payload_is_not_asked_for_again(client, api):
    api.on("/a", reply("<html>", type="text/html"))
    error(client.ask("get a"), "upstream_bad_payload")
    assert api.count("/a") == 1


@failures
def test_only_what_the_route_names_is_repeated(start, api, failure):
    api.on("/a", in_turn(FAILURES[failure], reply("1")))
    with start(config(api.url, routes=ROUTES, defaults=RETRYING)).connect() as client:  # a new connection: no replay
        answer = client.ask("only_503 a")
    assert answer == "OK 1" if failure == "503" else answer.startswith("ERR ")
    assert api.count("/a") == (2 if failure == "503" else 1)


def test_a_refused_connection_is_tried_again(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with start(config(f"http://127.0.0.1:{port}", routes=ROUTES, defaults=RETRYING)).connect() as client:
        error(client.ask("get a"), "unavailable", reason="connect", attempts=3, sent=False)
        error(client.ask("post a"), "unavailable", reason="connect", attempts=1, sent=False)


def test_a_429_after_all_attempts_says_so(client, api):
    api.on("/a", reply("{}", status=429, headers={"Retry-After": "0"}))
    error(client.ask("get a"), "rate_limited", scope="upstream", status=429, attempts=3, sent=True)


# Nothing that is not idempotent is ever sent twice


@failures
@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_sent_twice(client, api, name, failure):
    api.on("/a", in_turn(FAILURES[failure], reply("1")))
    assert client.ask(f"{name} a").startswith("ERR ")
    assert api.count("/a") == 1


@failures
@pytest.mark.parametrize("name", OTHERS)
def test_nor_on_a_connection_that_was_used_before(client, api, name, failure):
    api.on("/a", in_turn(reply("1"), FAILURES[failure], reply("2")))
    assert ok(client.ask("once a")) == 1
    api.idle()
    assert client.ask(f"{name} a").startswith("ERR ")
    assert api.count("/a") == 2


def test_in_a_storm_of_failures_each_order_arrives_at_most_once(gateway, api):
    chance = random.Random(4)
    faults = [FAILURES[name] for name in FAILURES if name != "timeout"]
    api.on("/a", lambda exchange: (chance.choice(faults) if chance.random() < 0.6 else reply("1"))(exchange))
    with gateway.connect() as client:
        for start in range(0, 200, 50):
            client.say(*[f"{name} a {name}-{n}" for n in range(start, start + 25) for name in ("post", "keyed")])
            client.replies(50)
    requests = [(request.json()["text"], request.header("Idempotency-Key")) for request in api.requests("/a")]
    orders = [text for text, _ in requests if text.startswith("post")]
    assert len(set(orders)) == len(orders) == 100
    keyed = {(text, key) for text, key in requests if text.startswith("keyed")}
    assert len({text for text, _ in keyed}) == len({key for _, key in keyed}) == len(keyed) == 100
    assert all(KEY.fullmatch(key) for _, key in keyed)
    assert len(requests) > 210  # some of those with a key were repeated


# Idempotency keys


@failures
def test_a_repeated_call_has_the_same_key(client, api, failure):
    api.on("/a", in_turn(FAILURES[failure], FAILURES["503"], reply("1")))
    assert ok(client.ask("keyed a x")) == 1
    keys = [request.header("Idempotency-Key") for request in api.requests("/a")]
    assert len(keys) == 3 and len(set(keys)) == 1
    assert KEY.fullmatch(keys[0])


def test_a_replay_on_a_dead_connection_has_the_same_key(client, api):
    api.on("/a", in_turn(reply("1"), Exchange.close, reply("2")))
    assert ok(client.ask("once a")) == 1
    api.idle()
    assert ok(client.ask("keyed a")) == 2
    keys = [request.header("Idempotency-Key") for request in api.requests("/a")[1:]]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_each_call_has_a_key_of_its_own(client, api):
    api.on("/a", reply("1"))
    for _ in range(20):
        ok(client.ask("keyed a same"))
    assert len({request.header("Idempotency-Key") for request in api.requests("/a")}) == 20


def test_without_a_key_none_is_sent(client, api):
    api.on("/a", reply("1"))
    ok(client.ask("post a"))
    assert api.requests("/a")[0].header("Idempotency-Key") is None


def test_a_keyed_call_that_was_sent_runs_to_its_end(gateway, api):
    api.forget()
    hold = api.hold("/held", reply("1"))
    with gateway.connect() as leaver:
        leaver.say("keyed held")
        api.arrived("/held")
        leaver.reset()
    with gateway.connect() as client:
        while ok(client.ask("stats"))["connections"] > 1:
            pass
        hold.release()
        api.idle()  # answered; a cancelled transfer would have closed its connection
    assert api.count("/held") == 1


# Deadlines and backoff


@pytest.mark.parametrize("line", ["slow a @timeout=200ms", "slow_total a"])
def test_a_backoff_does_not_go_past_the_deadline(client, api, line):
    api.on("/a", FAILURES["503"])
    began = time.monotonic()
    found = error(client.ask(line), "upstream_error", status=503, sent=True)  # what was answered last
    assert found["attempts"] == api.count("/a")
    assert time.monotonic() - began < 10


def test_a_deadline_during_the_backoff_of_a_shared_call(gateway, client, api):
    api.on("/a", FAILURES["503"])
    with gateway.connect() as leader:
        leader.say("slow_shared a")
        api.arrived("/a")
        found = error(client.ask("slow_shared a @timeout=200ms"), "upstream_timeout", phase="backoff", limit="client")
        assert found["sent"] and found["attempts"] == api.count("/a")
        leader.reset()


def test_a_backoff_holds_no_place(start, api):
    api.on("/a", FAILURES["503"])
    api.on("/b", reply("1"))
    places = 'max_in_flight = 1\ntimeout = { queue = "1s", total = "20s" }'
    with start(config(api.url, routes=ROUTES, upstream=places, defaults=RETRYING)).connect() as client:
        client.say("@id=a slow a")
        api.arrived("/a")
        assert ok(client.ask("get b")) == 1
        client.reset()


def test_first_byte_starts_anew_in_each_attempt(client, api):
    api.on("/a", Exchange.stall)
    error(client.ask("get a"), "upstream_timeout", phase="first_byte", limit="first_byte", attempts=3)


# The budget

HASTY = """
[defaults]
coalesce = false
breaker = { enabled = false }
cache = { mode = "off" }
timeout = { queue = "20s", first_byte = "20s", total = "20s" }
"""


@pytest.mark.parametrize("attempts", [2, 5])
def test_an_api_that_fails_half_its_calls_is_asked_at_most_1_2_times_and_3_a_second(start, api, attempts):
    api.on("/a", every(2, FAILURES["503"]))
    retry = f'retry = {{ attempts = {attempts}, backoff = {{ base = "1ms", max = "2ms" }} }}'
    calls = 500
    began = time.monotonic()
    with start(config(api.url, routes=ROUTES, upstream=retry, defaults=HASTY)).connect() as client:
        for _ in range(calls // 20):
            client.say(*["get a"] * 20)
            client.replies(20)
        seconds = time.monotonic() - began
        told = ok(client.ask("stats"))["upstreams"]["api"]
    assert calls < api.count("/a") <= 1.2 * calls + 3 * (seconds + 1)
    assert told["retries"] == api.count("/a") - calls


def test_without_a_budget_nothing_is_repeated(start, api):
    api.on("/a", FAILURES["503"])
    retry = (
        'retry = { attempts = 5, backoff = { base = "0s", max = "0s" }, budget = { ratio = 0, min_per_second = 0 } }'
    )
    with start(config(api.url, routes=ROUTES, upstream=retry, defaults=HASTY)).connect() as client:
        for _ in range(20):
            error(client.ask("get a"), "upstream_error", status=503, attempts=1)
    assert api.count("/a") == 20


def test_the_budget_is_the_upstreams(start, api):
    other = f"""
[upstream.other]
base_url = "{api.url}"
[route.other]
upstream = "other"
method = "GET"
path = "/a"
"""
    api.on("/a", FAILURES["503"])
    spent = "retry = { attempts = 2, budget = { ratio = 0, min_per_second = 0 } }"
    with start(config(api.url, routes=ROUTES, upstream=spent, more=other, defaults=HASTY)).connect() as client:
        error(client.ask("get a"), "upstream_error", attempts=1)
        error(client.ask("other"), "upstream_error", attempts=2)


def test_a_routes_own_budget_is_warned_about(start, api):
    routes = route("get", more="retry = { budget = { ratio = 1 } }")
    gateway = start(config(api.url, routes=routes, defaults=HASTY))
    assert gateway.log.count("not in effect") == 1


def test_retries_are_counted_in_stats(start, api):
    api.on("/a", in_turn(FAILURES["503"], FAILURES["429"], numbered()))
    with start(config(api.url, routes=ROUTES, defaults=RETRYING)).connect() as client:
        assert ok(client.ask("get a")) == 1
        told = ok(client.ask("stats"))["upstreams"]["api"]
    assert (told["calls"], told["attempts"], told["retries"]) == (1, 3, 2)
