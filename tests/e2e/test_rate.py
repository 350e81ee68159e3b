"""How fast an API may be asked: our own rate, a gate that the API closes with Retry-After, and the quota it tells."""

import threading
import time
from email.utils import formatdate

import pytest
from api import Api, Turnstile, encode, in_turn, reply, slow_down
from client import error, ok, ok_with_meta, rpc_error
from gateway import config

DEFAULTS = """
[defaults]
coalesce = false
cache = { mode = "off" }
breaker = { enabled = false }
retry = { attempts = 1 }
timeout = { queue = "100ms", connect = "20s", first_byte = "20s", total = "20s" }
"""
PATIENT = DEFAULTS.replace('queue = "100ms"', 'queue = "20s"')
NAME = 'params = [{ name = "name", required = true }]'
ROUTES = f"""
[route.get]
upstream = "api"
path = "/{{name}}"
{NAME}

[route.post]
upstream = "api"
method = "POST"
path = "/{{name}}"
{NAME}

[route.kept]
upstream = "api"
path = "/{{name}}"
{NAME}
coalesce = true
cache = {{ mode = "override", ttl = "60s" }}

[route.again]
upstream = "api"
path = "/{{name}}"
{NAME}
retry = {{ attempts = 3, backoff = {{ base = "1ms", max = "1ms" }} }}
"""
OWN = {"upstream": "api", "scope": "upstream", "sent": False, "attempts": 0}


@pytest.fixture(autouse=True)
def start_over(api):
    api.start_over()
    api.on("*", reply("1"))


@pytest.fixture
def connect(start, api):
    def connect_to(upstream="", defaults=DEFAULTS, more=""):
        gateway = start(config(api.url, routes=ROUTES, upstream=upstream, defaults=defaults, more=more))
        client = gateway.connect()
        client.gateway = gateway
        return client

    return connect_to


def upstream_stats(client):
    return ok(client.ask("@id=stats stats").removeprefix("#stats "))["upstreams"]["api"]


def refused(client, line="get a"):
    """Refused by us; how many milliseconds later it may be tried again."""
    return error(client.ask(line), "rate_limited", **OWN)["retry_after_ms"]


# Our own rate


def test_what_would_wait_too_long_is_refused_at_once(connect, api):
    client = connect("rate = { per_second = 0.1, burst = 2 }")
    assert [ok(client.ask("get a")) for _ in range(2)] == [1, 1]
    assert 0 < refused(client) <= 10_000
    assert 0 < refused(client, "post a") <= 10_000
    assert api.count() == 2


def test_jsonrpc_says_the_same(connect):
    client = connect("rate = { per_second = 0.1, burst = 1 }")
    assert client.rpc("get", ["a"])["result"] == 1
    data = rpc_error(client.rpc("get", ["a"]), -32005, "rate_limited", **OWN)["data"]
    assert 0 < data["retry_after_ms"] <= 10_000


def test_what_need_not_wait_too_long_waits(connect, api):
    client = connect("rate = { per_second = 20, burst = 1 }", PATIENT)
    client.say(*["get a"] * 6)
    assert ok(client.replies(6)) == [1] * 6
    times = [request.at for request in api.requests("/a")]
    assert times[-1] - times[0] >= 5 / 20 * 0.9


def test_the_wait_is_shown_in_meta(connect):
    client = connect("rate = { per_second = 5, burst = 1 }", PATIENT)
    client.say("get a @meta", "get a @meta")
    first, second = (ok_with_meta(line)[1] for line in client.replies(2))
    assert first["queue_ms"] < 150 < second["queue_ms"]


def test_a_clients_deadline_bounds_the_wait(connect, api):
    client = connect("rate = { per_second = 0.2, burst = 1 }", PATIENT)
    ok(client.ask("get a"))
    began = time.monotonic()
    assert refused(client, "get a @timeout=300ms") <= 5_000
    assert time.monotonic() - began < 2
    assert api.count() == 1


def test_a_call_that_waits_can_leave(connect):
    client = connect("rate = { per_second = 0.1, burst = 1 }", PATIENT)
    ok(client.ask("get a"))
    with client.gateway.connect() as leaver:
        leaver.say("get a", "@id=seen ping")
        assert leaver.reply() == '#seen OK "pong"'
        assert upstream_stats(client)["waiting"] == 1
        leaver.reset()
    while upstream_stats(client)["waiting"]:
        pass


def test_a_full_room_is_overloaded(connect):
    client = connect("rate = { per_second = 0.2, burst = 1 }\nmax_queue = 2", PATIENT)
    ok(client.ask("get a"))
    client.say("@id=1 get a", "@id=2 get a")
    error(client.ask("get a"), "overloaded", reason="queue", upstream="api", sent=False)
    client.reset()


def test_answers_from_the_cache_take_no_token(connect, api):
    client = connect("rate = { per_second = 0.1, burst = 1 }")
    assert [ok(client.ask("kept a")) for _ in range(10)] == [1] * 10
    refused(client)
    assert api.count() == 1


def test_shared_calls_take_one_token(connect, api):
    client = connect("rate = { per_second = 0.1, burst = 1 }")
    hold = api.hold("/held", reply("1"))
    client.say(*["kept held"] * 10, "@id=seen ping")
    assert client.reply() == '#seen OK "pong"'
    hold.release()
    assert ok(client.replies(10)) == [1] * 10
    assert api.count() == 1


def test_retries_take_tokens_too(connect, api):
    client = connect("rate = { per_second = 0.1, burst = 2 }")
    api.on("/a", reply("{}", status=503))
    assert client.ask("again a").startswith("ERR ")
    assert api.count("/a") == 2


def test_the_rate_is_one_upstreams(connect, api):
    client = connect("rate = { per_second = 0.1, burst = 1 }", more=second(api))
    ok(client.ask("get a"))
    refused(client)
    assert [ok(client.ask("second a")) for _ in range(5)] == [1] * 5


def second(api):
    """Another upstream, and a route to it."""
    return (
        f'[upstream.second]\nbase_url = "{api.url}"\n[route.second]\nupstream = "second"\npath = "/{{name}}"\n{NAME}\n'
    )


def test_stats_count_refusals(connect):
    client = connect("rate = { per_second = 0.1, burst = 1 }")
    ok(client.ask("get a"))
    for _ in range(3):
        refused(client)
    assert upstream_stats(client)["rate_limited"] == 3


# The gate: Retry-After


@pytest.mark.parametrize("status, symbol", [(429, "rate_limited"), (503, "upstream_error")])
def test_retry_after_stops_all_traffic_to_that_api_and_nothing_else(connect, api, status, symbol):
    with Api() as other:
        other.on("*", reply("2"))
        client = connect(more=second(other))
        api.on("/busy", slow_down(30, status))
        error(client.ask("get busy"), symbol, status=status, sent=True, attempts=1)
        with client.gateway.connect() as another:
            for line in ["get a", "get b", "post a", "kept c", "again d"]:
                assert 0 < refused(client, line) <= 30_000
                assert 0 < refused(another, line) <= 30_000
                assert [ok(c.ask("second a")) for c in (client, another)] == [2, 2]
        assert upstream_stats(client)["gate"] == "closed"
        assert (api.count(), other.count()) == (1, 10)


def test_calls_that_wait_when_it_closes_are_refused_at_once(connect, api):
    client = connect("max_in_flight = 1", PATIENT)
    hold = api.hold("/busy", slow_down(60))
    client.say("@id=0 get busy", *[f"@id={n} get a" for n in range(1, 6)])
    api.arrived("/busy")
    began = time.monotonic()
    hold.release()
    answers = sorted(client.replies(6))
    assert time.monotonic() - began < 10  # less than they would have waited
    error(answers[0][3:], "rate_limited", status=429)
    for answer in answers[1:]:
        assert error(answer[3:], "rate_limited", **OWN)["retry_after_ms"] > 50_000


def test_a_429_tells_its_client_when_to_come_back(connect, api):
    client = connect()
    api.on("/busy", slow_down(30))
    found = error(client.ask("get busy"), "rate_limited", scope="upstream", status=429, sent=True, attempts=1)
    assert 29_000 <= found["retry_after_ms"] <= 30_000


def test_retry_after_may_be_a_date(connect, api):
    client = connect()
    api.on("/busy", slow_down(formatdate(time.time() + 40, usegmt=True)))
    error(client.ask("get busy"), "rate_limited")
    assert 20_000 < refused(client) <= 41_000


@pytest.mark.parametrize(
    "behaviour",
    [
        reply("{}", status=429),
        reply("{}", status=503),
        slow_down(0),
        slow_down("soon"),
        slow_down("Thu, 01 Jan 1970 00:00:00 GMT"),
        slow_down(30, status=500),
        reply("1", headers={"Retry-After": "30"}),
    ],
    ids=["429", "503", "0", "nonsense", "past", "500", "200"],
)
def test_nothing_else_closes_it(connect, api, behaviour):
    client = connect(defaults=PATIENT)
    api.on("/busy", behaviour)
    client.ask("get busy")
    assert ok(client.ask("get a")) == 1
    assert upstream_stats(client)["gate"] in ("open", "releasing")  # "come back at once" makes it careful


def test_gate_max_bounds_it(connect, api):
    client = connect('retry = { gate_max = "300ms" }', PATIENT)
    api.on("/busy", slow_down(3600))
    error(client.ask("get busy"), "rate_limited")
    assert ok(client.ask("get a")) == 1


def closed_for_a_second(api, client):
    api.on("/busy", slow_down(1))
    error(client.ask("get busy"), "rate_limited", status=429)


def test_then_one_probe_and_then_the_rest_gradually(connect, api):
    client = connect(defaults=PATIENT)
    turnstile = api.on("/a", Turnstile(reply("1")))
    closed_for_a_second(api, client)
    closed = time.monotonic()
    client.say(*[f"@id={n} get a" for n in range(30)])
    api.arrived("/a")
    assert api.requests("/a")[0].at - closed > 0.9
    assert client.silent() and api.count("/a") == 1  # the probe alone
    assert upstream_stats_out_of_turn(client)["gate"] == "probing"
    known = 1
    for answered in (1, 2, 4):  # each answer lets two more go
        turnstile.let(answered)
        client.replies(answered)
        api.arrived("/a", known + 1)
        client.silent()
        assert known < api.count("/a") <= known + 2 * answered
        known = api.count("/a")
    turnstile.let(30)
    client.replies(23)
    assert api.count("/a") == 30


def upstream_stats_out_of_turn(client):
    with client.gateway.connect() as other:
        return upstream_stats(other)


def test_afterwards_it_is_open_again(connect, api):
    client = connect("max_in_flight = 4", PATIENT)
    closed_for_a_second(api, client)
    client.say(*["get a"] * 30)
    assert ok(client.replies(30)) == [1] * 30
    assert upstream_stats(client)["gate"] == "open"


def test_the_rest_comes_at_the_configured_rate(connect, api):
    client = connect("rate = { per_second = 20, burst = 20 }", PATIENT)
    closed_for_a_second(api, client)
    client.say(*["get a"] * 8)
    assert ok(client.replies(8)) == [1] * 8
    times = [request.at for request in api.requests("/a")]
    assert times[-1] - times[0] >= 6 / 20 * 0.9  # from an empty bucket: no burst


def test_a_probe_that_is_sent_away_closes_it_again(connect, api):
    client = connect(defaults=PATIENT)
    api.on("/busy", in_turn(slow_down(1), slow_down(30)))
    error(client.ask("get busy"), "rate_limited")
    error(client.ask("get busy"), "rate_limited", status=429)
    assert 20_000 < refused(client, "get a @timeout=1s") <= 30_000
    assert api.count() == 2


def test_a_probe_whose_client_leaves_gives_its_place_back(connect, api):
    client = connect(defaults=PATIENT)
    closed_for_a_second(api, client)
    api.hold("/held")
    leaver = client.gateway.connect()
    leaver.say("get held")
    api.arrived("/held")
    client.say("get a", "@id=seen ping")
    assert client.reply() == '#seen OK "pong"'
    assert client.silent() and api.count("/a") == 0  # the probe is out
    leaver.reset()
    assert ok(client.reply()) == 1


def test_a_call_that_can_wait_is_tried_again_after_it(connect, api):
    client = connect(defaults=PATIENT)
    api.on("/busy", in_turn(slow_down(1), reply("1")))
    body, meta = ok_with_meta(client.ask("again busy @meta"))
    assert (body, meta["attempts"]) == (1, 2)
    first, second_try = api.requests("/busy")
    assert second_try.at - first.at > 0.9


def test_a_call_that_cannot_wait_is_not(connect, api):
    client = connect()
    api.on("/busy", slow_down(30))
    found = error(client.ask("again busy"), "rate_limited", scope="upstream", sent=True)
    assert found["retry_after_ms"] > 20_000
    assert api.count() == 1


# The quota that the API tells


class Quota:
    """Permits so many requests in a window of so many seconds, says how many are left, and counts its 429s."""

    def __init__(self, limit, window, fields):
        self.limit, self.window, self.fields = limit, window, fields
        self.lock = threading.Lock()
        self.began = None
        self.used = 0
        self.refused = 0

    def __call__(self, exchange):
        with self.lock:
            now = time.monotonic()
            if self.began is None or now >= self.began + self.window:
                self.began, self.used = now, 0
            permitted = self.used < self.limit
            self.used += permitted
            self.refused += not permitted
            left = self.limit - self.used
            reset = max(1, -int(-(self.began + self.window - now)))  # whole seconds, rounded up
        exchange.reply(encode(left), status=200 if permitted else 429, headers=self.fields(self.limit, left, reset))


FIELDS = {
    "RateLimit": lambda limit, left, reset: {"RateLimit": f"limit={limit}, remaining={left}, reset={reset}"},
    "RateLimit list": lambda limit, left, reset: {
        "RateLimit-Policy": f'"default";q={limit};w=60',
        "RateLimit": f'"default";r={left};t={reset}',
    },
    "RateLimit-*": lambda limit, left, reset: {
        "RateLimit-Limit": limit,
        "RateLimit-Remaining": left,
        "RateLimit-Reset": reset,
    },
    "X-RateLimit-*": lambda limit, left, reset: {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": left,
        "X-RateLimit-Reset": int(time.time()) + reset,
    },
}


@pytest.mark.parametrize("fields", FIELDS)
def test_a_learned_quota_slows_down_before_the_api_says_429(connect, api, fields):
    client = connect('quota = "learn"')
    quota = api.on("/a", Quota(10, 60, FIELDS[fields]))
    answers = [client.ask("get a") for _ in range(30)]
    assert answers[0].startswith("OK ")
    found = error(answers[-1], "rate_limited", **OWN)
    assert 0 < found["retry_after_ms"] <= 61_000
    assert quota.refused == 0
    assert quota.used < 10  # a reserve is kept


def test_without_learning_the_api_has_to_say_429(connect, api):
    client = connect()
    quota = api.on("/a", Quota(10, 60, FIELDS["RateLimit"]))
    for _ in range(12):
        client.ask("get a")
    assert quota.refused == 2


def test_a_quota_that_is_far_from_spent_slows_nothing_down(connect, api):
    client = connect('quota = "learn"')
    api.on("/a", Quota(1000, 60, FIELDS["RateLimit"]))
    for _ in range(20):
        ok(client.ask("get a"))


def test_calls_that_can_wait_for_the_next_window_do(connect, api):
    client = connect('quota = "learn"', PATIENT)
    quota = api.on("/a", Quota(6, 1, FIELDS["RateLimit-*"]))
    for _ in range(12):
        ok(client.ask("get a"))
    assert quota.refused == 0
