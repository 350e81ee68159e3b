"""explain and stats tell what cache, breaker, gate and queue would do now, send nothing, and show no secret."""

import re

import pytest
from api import echo, encode, in_turn, reply, slow_down
from client import ok, ok_with_meta
from gateway import config, environment

DEFAULTS = """
[defaults]
retry = { attempts = 1 }
timeout = { queue = "20s", connect = "20s", first_byte = "20s", total = "20s" }
"""
NAME = 'params = [{ name = "name", required = true }]'
ROUTES = f"""
[route.get]
upstream = "api"
path = "/{{name}}"
{NAME}

[route.forced]
upstream = "api"
path = "/{{name}}"
{NAME}
cache = {{ mode = "override", ttl = "60s" }}

[route.graceful]
upstream = "api"
path = "/{{name}}"
{NAME}
cache = {{ stale_if_error = "1h" }}

[route.off]
upstream = "api"
path = "/{{name}}"
{NAME}
coalesce = false
cache = {{ mode = "off" }}

[route.post]
upstream = "api"
method = "POST"
path = "/{{name}}"
{NAME}
"""
KEY = re.compile(r"[0-9a-f]{16}")
FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture(autouse=True)
def start_over(api):
    api.start_over()
    api.on("*", reply("1", headers=FRESH))


@pytest.fixture
def connect(start, api):
    def connect_to(upstream="", defaults=DEFAULTS):
        gateway = start(config(api.url, routes=ROUTES, upstream=upstream, defaults=defaults))
        client = gateway.connect()
        client.gateway = gateway
        return client

    return connect_to


def explain(client, line, part):
    return ok(client.ask(f"@id=e explain {line}").removeprefix("#e "))[part]


# The cache


def test_an_absent_entry(connect, api):
    told = explain(connect(), "get a", "cache")
    assert (told["mode"], told["state"], told["in_flight"]) == ("rfc9111", "absent", False)
    assert KEY.fullmatch(told["key"]) and "age_ms" not in told
    assert api.count() == 0


def test_a_fresh_entry(connect, api):
    client = connect()
    ok(client.ask("get a"))
    told = explain(client, "get a", "cache")
    assert (told["state"], told["in_flight"]) == ("fresh", False)
    assert 0 <= told["age_ms"] < 60_000 and 0 < told["fresh_for_ms"] <= 60_000
    assert api.count() == 1


def test_a_stale_entry(connect, api):
    api.on("/a", reply("1", headers={"Cache-Control": "max-age=0"}))
    client = connect()
    ok(client.ask("graceful a"))
    told = explain(client, "graceful a", "cache")
    assert told["state"] == "stale" and told["age_ms"] >= 0


def test_the_mode_is_the_routes(connect):
    client = connect()
    assert explain(client, "forced a", "cache")["mode"] == "override"
    assert explain(client, "off a", "cache") == {"mode": "off"}
    assert explain(client, "post a", "cache")["mode"] == "off"


def test_a_request_in_flight(connect, api):
    client = connect()
    hold = api.hold("/held", reply("1"))
    client.say("get held")
    api.arrived("/held")
    assert explain(client, "get held", "cache")["in_flight"] is True
    assert explain(client, "get other", "cache")["in_flight"] is False
    hold.release()
    client.reply()
    assert explain(client, "get held", "cache")["in_flight"] is False


def test_the_key_is_the_requests(connect):
    client = connect()
    keys = [explain(client, line, "cache")["key"] for line in ("get a", "get a", "forced a", "get b")]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3  # what is stored against the API's word has a key of its own


def test_explain_neither_fills_nor_uses_the_cache(connect, api):
    client = connect()
    before = ok(client.ask("stats"))
    for _ in range(3):
        explain(client, "get a", "cache")
    after = ok(client.ask("stats"))
    assert api.count() == 0
    assert before["cache"] == after["cache"]
    assert before["upstreams"] == after["upstreams"]


def test_jsonrpc_tells_the_same(connect):
    client = connect()
    ok(client.ask("get a"))
    told = client.rpc("rpc.explain", ["get", "a"])["result"]
    text = ok(client.ask("explain get a"))
    for both in (told, text):
        both["cache"].pop("age_ms")
        both["cache"].pop("fresh_for_ms")
    assert told == text


# The breaker


def test_the_breakers_state(connect, api):
    client = connect('breaker = { consecutive = 1, open_for = "60s" }')
    assert explain(client, "get a", "breaker") == {"state": "closed", "wait_ms": 0}
    api.on("/failing", reply("{}", status=503))
    client.ask("get failing")
    told = explain(client, "get a", "breaker")
    assert told["state"] == "open" and 0 < told["wait_ms"] <= 60_000


def test_a_half_open_breaker(connect, api):
    client = connect('breaker = { consecutive = 1, open_for = "50ms" }')
    api.on("/failing", reply("{}", status=503))
    client.ask("get failing")
    while (told := explain(client, "get a", "breaker"))["state"] == "open":
        pass
    assert told == {"state": "half_open", "wait_ms": 0}


# The gate and the queue


def test_the_gates_state(connect, api):
    client = connect()
    assert explain(client, "get a", "gate") == {"state": "open", "wait_ms": 0}
    api.on("/busy", slow_down(30))
    client.ask("get busy")
    told = explain(client, "get a", "gate")
    assert told["state"] == "closed" and 20_000 < told["wait_ms"] <= 30_000


def test_the_queues_state(connect, api):
    client = connect("max_in_flight = 1\nmax_queue = 7")
    empty = {"in_flight": 0, "max_in_flight": 1, "waiting": 0, "max_queue": 7, "wait_ms": 0}
    assert explain(client, "get a", "queue") == empty
    hold = api.hold("/held", reply("1"))
    client.say("@id=1 off held", "@id=2 off held", "@id=3 off held")
    api.arrived("/held")
    told = explain(client, "get a", "queue")
    assert (told["in_flight"], told["waiting"]) == (1, 2)
    hold.release()
    client.replies(3)
    assert explain(client, "get a", "queue") == empty


def test_the_wait_for_a_token(connect):
    client = connect("rate = { per_second = 0.1, burst = 1 }")
    assert explain(client, "off a", "queue")["wait_ms"] == 0
    ok(client.ask("off a"))
    assert 5_000 < explain(client, "off a", "queue")["wait_ms"] <= 10_000


# stats


def test_stats_have_a_place_for_each_policy(connect):
    told = ok(connect().ask("stats"))
    assert set(told["cache"]) >= {"entries", "bytes", "max_bytes", "stored", "evicted", "invalidated"}
    assert told["cache"]["max_bytes"] == 64 * 1024 * 1024
    upstream = told["upstreams"]["api"]
    names = ("retries", "hedges", "coalesced", "hits", "stale", "revalidated", "rate_limited")
    assert [upstream[name] for name in names] == [0] * len(names)
    assert (upstream["breaker"], upstream["gate"]) == ("closed", "open")


def test_jsonrpc_stats_are_the_same(connect):
    client = connect()
    assert set(client.rpc("rpc.stats")["result"]) == set(ok(client.ask("stats")))


# meta


def test_meta_tells_the_phases_of_a_request(connect, api):
    client = connect()
    _, meta = ok_with_meta(client.ask("get a @meta"))
    assert (meta["cache"], meta["attempts"], meta["status"]) == ("miss", 1, 200)
    phases = [meta[name] for name in ("queue_ms", "connect_ms", "first_byte_ms", "upstream_ms")]
    assert all(0 <= phase < 20_000 for phase in phases)
    assert meta["connect_ms"] <= meta["upstream_ms"] and meta["first_byte_ms"] <= meta["upstream_ms"]


def test_meta_of_a_hit_tells_no_phases(connect):
    client = connect()
    ok(client.ask("get a"))
    _, meta = ok_with_meta(client.ask("get a @meta"))
    assert (meta["cache"], meta["attempts"], meta["status"]) == ("hit", 0, 200)
    assert not set(meta) & {"connect_ms", "first_byte_ms", "upstream_ms"}


def test_jsonrpc_meta_has_the_same_members(connect):
    client = connect()
    for _ in range(2):
        _, text = ok_with_meta(client.ask("get text @meta"))
        rpc = client.rpc("get", ["rpc"], meta={"want": True})["meta"]
        assert (set(text), text["cache"]) == (set(rpc), rpc["cache"])


# Secrets

SECRET = "s3cr3t-k3y-0123456789"
TOKEN = "t0k3n-abcdef"
SECRETIVE = """
[route.get]
upstream = "api"
path = "/{name}"
params = [{ name = "name", required = true }, { name = "id" }]
headers = { Authorization = "Bearer ${env:TEST_TOKEN} {id}" }
reply_headers = ["X-Odd"]
cache = { mode = "override", ttl = "60s", stale_if_error = "1h" }

[route.keyed]
upstream = "api"
method = "POST"
path = "/{name}"
params = [{ name = "name", required = true }]
idempotency_key = "Idempotency-Key"
json = { key = "${env:TEST_KEY}" }
"""


def test_secrets_stand_in_no_answer(start, api):
    api.on("/echo", echo)
    api.on("/a", in_turn(reply("1"), reply(encode({"key": SECRET, "token": TOKEN}), status=503)))
    api.on("/busy", slow_down(30))
    upstream = """
headers = { "X-Api-Key" = "${env:TEST_KEY}" }
query = { key = "${env:TEST_KEY}" }
"""
    log = '[log]\nlevel = "trace"\naccess = "all"\n'
    text = config(api.url, routes=SECRETIVE, upstream=upstream, more=log, defaults="")
    gateway = start(text, env=environment(TEST_KEY=SECRET, TEST_TOKEN=TOKEN))
    with gateway.connect() as client:
        said = [client.ask(f"{option} explain {line}") for option in ("", "@meta") for line in ("get a x", "keyed a")]
        for line in ("get a x @meta", "get a x @meta", "keyed a @meta", "get busy", "get cold @meta", "get a x @meta"):
            said += [client.ask(line), client.ask("explain get a x"), client.ask("stats")]
        said.append(str(client.rpc("rpc.explain", ["get", "a", "x"])))
        said.append(str(client.rpc("get", ["a", "x"], meta={"want": True})))
    for line in [*said, gateway.log]:
        assert SECRET not in line and TOKEN not in line
    assert api.requests("/a")[0].header("Authorization") == f"Bearer {TOKEN} x"


def test_the_key_of_a_secret_request_differs_from_run_to_run(start, api):
    def key():
        gateway = start(
            config(api.url, routes=SECRETIVE, defaults=""), env=environment(TEST_KEY=SECRET, TEST_TOKEN=TOKEN)
        )
        with gateway.connect() as client:
            return ok(client.ask("explain get a x"))["cache"]["key"]

    assert key() != key()
