"""The circuit breaker: what opens it, what does not, and how it closes again."""

import socket

import pytest
from api import Api, Exchange, Hold, every, in_turn, reply
from client import error, ok, ok_with_meta, rpc_error
from gateway import config

DEFAULTS = """
[defaults]
coalesce = false
cache = { mode = "off" }
retry = { attempts = 1, gate_max = "0s", budget = { ratio = 10, min_per_second = 100 } }
timeout = { queue = "20s", connect = "20s", first_byte = "20s", total = "20s" }
"""
SHARED = DEFAULTS.replace("coalesce = false", "coalesce = true").replace('mode = "off"', "")
ROUTES = """
[route.get]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]

[route.post]
upstream = "api"
method = "POST"
path = "/{name}"
params = [{ name = "name", required = true }]

[route.hasty]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]
timeout = { first_byte = "100ms" }

[route.brief]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]
timeout = { total = "100ms" }

[route.eager]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]
retry = { attempts = 10, backoff = { base = "1ms", max = "1ms" } }

[route.separate]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]
breaker = { consecutive = 2 }
"""
LONG = 'breaker = { consecutive = 5, open_for = "60s" }'
FAILURE = reply("{}", status=503)


@pytest.fixture(autouse=True)
def start_over(api):
    api.start_over()


@pytest.fixture
def connect(start, api):
    """connect(upstream lines) starts a gateway with such a breaker and connects to it."""

    def connect_to(breaker=LONG, more="", defaults=DEFAULTS):
        gateway = start(config(api.url, routes=ROUTES, upstream=breaker, more=more, defaults=defaults))
        client = gateway.connect()
        client.gateway = gateway
        return client

    return connect_to


def fail(client, api, count, line="get failing", behaviour=FAILURE):
    api.on("/failing", behaviour)
    for _ in range(count):
        assert "breaker" not in client.ask(line)


def state(client):
    return ok(client.ask("@id=stats stats").removeprefix("#stats "))["upstreams"]["api"]["breaker"]


def refused(client, line="get a"):
    return error(client.ask(line), "unavailable", reason="breaker", upstream="api", sent=False, attempts=0)


def let_through(client, line="get a"):
    """Asks until the breaker lets it through; returns that answer."""
    while '"breaker"' in (answer := client.ask(line)):
        pass
    return answer


# Opening


def test_it_opens_after_five_failures_let_through(connect, api):
    client = connect()
    fail(client, api, 4)
    assert state(client) == "closed"
    fail(client, api, 1)
    assert state(client) == "open"
    assert 0 < refused(client)["retry_after_ms"] <= 60_000
    assert api.count() == 5


def test_jsonrpc_says_the_same(connect, api):
    client = connect()
    fail(client, api, 5)
    answer = client.rpc("get", ["a"])
    data = rpc_error(answer, -32002, "unavailable", reason="breaker", upstream="api", sent=False, attempts=0)["data"]
    assert 0 < data["retry_after_ms"] <= 60_000


@pytest.mark.parametrize(
    "line, behaviour",
    [
        ("get failing", reply("{}", status=500)),
        ("get failing", reply("{}", status=429)),
        ("get failing", Exchange.close),
        ("get failing", Exchange.reset),
        ("post failing", reply("{}", status=500)),
        ("post failing", Exchange.reset),
        ("hasty failing", Exchange.stall),
        ("brief failing", Exchange.stall),
        ("brief failing @timeout=10s", Exchange.stall),
    ],
    ids=[
        "500",
        "429",
        "close",
        "reset",
        "post 500",
        "post reset",
        "first_byte",
        "total",
        "total with a longer timeout",
    ],
)
def test_a_failure_is(connect, api, line, behaviour):
    client = connect()
    fail(client, api, 5, line, behaviour)
    refused(client)


def test_a_refused_connection_is_a_failure(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    text = config(f"http://127.0.0.1:{port}", routes=ROUTES, upstream=LONG, defaults=DEFAULTS)
    with start(text).connect() as client:
        for _ in range(5):
            error(client.ask("get a"), "unavailable", reason="connect")
        refused(client)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 404, 409, 422])
def test_an_answer_is_a_success(connect, api, status):
    client = connect()
    api.on("/fine", reply("{}", status=status) if status != 204 else reply(b"", status=204, length=False))
    for _ in range(2):
        fail(client, api, 4)
        client.ask("get fine")
    assert state(client) == "closed"


def test_it_opens_when_half_of_the_requests_fail(connect, api):
    client = connect('breaker = { consecutive = 1000, min_requests = 10, failure_ratio = 0.5, window = "60s" }')
    api.on("/half", every(2, reply("1"), otherwise=FAILURE))
    for _ in range(10):
        assert state(client) == "closed"
        client.ask("get half")
    assert state(client) == "open"


def test_too_few_requests_say_nothing_of_the_ratio(connect, api):
    client = connect('breaker = { consecutive = 1000, min_requests = 10, failure_ratio = 0.5, window = "60s" }')
    fail(client, api, 9)
    assert state(client) == "closed"


def test_it_stops_retries_too(connect, api):
    client = connect('breaker = { consecutive = 3, open_for = "60s" }')
    fail(client, api, 1, "eager failing")
    assert api.count("/failing") == 3


def test_it_can_be_switched_off(connect, api):
    client = connect("breaker = { enabled = false }")
    fail(client, api, 30)
    assert api.count("/failing") == 30


def test_one_upstreams_breaker_is_not_anothers(connect, api):
    client = connect(more=f'[upstream.other]\nbase_url = "{api.url}"\n[route.other]\nupstream = "other"\npath = "/a"\n')
    fail(client, api, 5)
    refused(client)
    api.on("/a", reply("1"))
    assert ok(client.ask("other")) == 1


def test_a_route_may_have_a_breaker_of_its_own(connect, api):
    client = connect()
    fail(client, api, 2, "separate failing")
    error(client.ask("separate failing"), "unavailable", reason="breaker")
    api.on("/a", reply("1"))
    assert ok(client.ask("get a")) == 1


# What does not open it


@pytest.mark.parametrize("defaults", [DEFAULTS, SHARED], ids=["alone", "shared"])
def test_clients_with_a_timeout_of_1_ms_cannot_open_it_for_others(connect, api, defaults):
    client = connect(defaults=defaults)
    hold = api.hold("/held", reply("1"))
    for line in ["get held @timeout=1ms"] * 30 + ["get held @timeout=50ms"] * 10 + ["post held @timeout=50ms"] * 10:
        error(client.ask(line), "upstream_timeout", limit="client")
    assert api.count("/held") >= 10
    assert state(client) == "closed"
    hold.release()
    assert ok(client.ask("get held")) == 1


def test_cancelled_calls_cannot_open_it(connect, api):
    client = connect()
    api.hold("/held")
    for id in range(10):
        client.say({"jsonrpc": "2.0", "id": id, "method": "get", "params": ["held"]})
        api.arrived("/held", id + 1)
        client.say({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}})
        rpc_error(client.answer(), -32800, "cancelled")
    assert state(client) == "closed"


def test_clients_that_leave_cannot_open_it(connect, api):
    client = connect()
    api.hold("/held")
    for count in range(1, 11):
        with client.gateway.connect() as leaver:
            leaver.say("get held")
            api.arrived("/held", count)
            leaver.reset()
    while ok(client.ask("stats"))["upstreams"]["api"]["in_flight"]:
        pass
    assert state(client) == "closed"


def test_nor_do_they_reset_its_count(connect, api):
    client = connect()
    api.hold("/held")
    fail(client, api, 4)
    error(client.ask("get held @timeout=50ms"), "upstream_timeout", limit="client")
    fail(client, api, 1)
    assert state(client) == "open"


def test_refusals_of_our_own_are_no_failures(connect, api):
    client = connect(LONG + "\nmax_in_flight = 1\nmax_queue = 1")
    hold = api.hold("/held", reply("1"))
    client.say("@id=1 get held", "@id=2 get held")
    api.arrived("/held")
    for _ in range(10):
        error(client.ask("get held"), "overloaded", reason="queue")
    assert state(client) == "closed"
    hold.release()
    assert sorted(client.replies(2)) == ["#1 OK 1", "#2 OK 1"]


RESTART = pytest.mark.parametrize("death", [Exchange.close, Exchange.reset], ids=["fin", "reset"])
IN_A_ROW = 'breaker = { consecutive = 5, min_requests = 1000, open_for = "60s" }'


@RESTART
def test_an_api_restart_that_kills_64_pooled_connections_does_not_open_it(connect, api, death):
    client = connect()
    all_at_once(client, api, "post pool", reply("1"))
    api.idle(64)
    for answer in all_at_once(client, api, "post pool", death):
        error(answer, "unavailable", reason="reset", sent=True)
    assert state(client) == "closed"
    api.on("/pool", reply("2"))
    assert ok(client.ask("post pool")) == 2


@RESTART
def test_nor_when_all_64_are_replayed(connect, api, death):
    client = connect()
    all_at_once(client, api, "get pool", reply("1"))
    api.idle(64)
    assert [ok(answer) for answer in dying_and_replayed(client, api, death, reply("2"))] == [2] * 64
    assert state(client) == "closed"


@RESTART
def test_nor_when_the_replays_die_together_too(connect, api, death):
    client = connect(IN_A_ROW)
    all_at_once(client, api, "get pool", reply("1"))
    api.idle(64)
    for answer in dying_and_replayed(client, api, death, death):
        error(answer, "unavailable", reason="reset", attempts=2)
    assert state(client) == "closed"


def dying_and_replayed(client, api, death, then):
    """64 calls die together on their kept connections, and are replayed; returns the answers."""
    first, second = Hold(death), Hold(then)
    api.forget()
    api.on("/pool", in_turn(*[first] * 64, second))
    client.say(*["get pool"] * 64)
    api.arrived("/pool", 64)
    first.release()
    api.arrived("/pool", 128)
    second.release()
    return client.replies(64)


@pytest.mark.parametrize("line", ["get pool", "post pool"])
def test_64_requests_that_die_together_are_one_failure_in_a_row(connect, api, line):
    client = connect(IN_A_ROW)
    for answer in all_at_once(client, api, line, Exchange.reset):
        error(answer, "unavailable", reason="reset")
    assert state(client) == "closed"
    fail(client, api, 3)
    assert state(client) == "closed"
    fail(client, api, 1)
    assert state(client) == "open"


def test_nor_does_one_that_kills_64_idle_connections(connect, api):
    client = connect()
    all_at_once(client, api, "get pool", reply("1"))
    api.idle(64)
    api.drop_connections()
    assert [ok(line) for line in all_at_once(client, api, "get pool", reply("2"))] == [2] * 64
    assert state(client) == "closed"


def all_at_once(client, api, line, behaviour, count=64):
    """So many calls in flight together, all of which then end as told; returns the answers."""
    api.forget()
    hold = api.hold("/pool", behaviour)
    client.say(*[line] * count)
    api.arrived("/pool", count)
    hold.release()
    return client.replies(count)


# Closing

SHORT = 'breaker = { consecutive = 1, open_for = "200ms", half_open = %d }'


def test_it_closes_after_as_many_successes_as_there_are_probes(connect, api):
    client = connect(SHORT % 2)
    fail(client, api, 1)
    api.on("/a", reply("1"))
    assert ok(let_through(client)) == 1
    assert state(client) == "half_open"
    assert ok(client.ask("get a")) == 1
    assert state(client) == "closed"


def test_a_failed_probe_opens_it_again(connect, api):
    client = connect(SHORT % 2)
    fail(client, api, 1)
    error(let_through(client, "get failing"), "upstream_error")
    assert state(client) == "open"
    assert 0 < refused(client)["retry_after_ms"] <= 200


def test_no_more_probes_run_than_it_says(connect, api):
    client = connect(SHORT % 2)
    fail(client, api, 1)
    hold = api.hold("/held", reply("1"))
    with client.gateway.connect() as other:
        lines = 0
        while api.count("/held") < 2:
            other.say(f"@id={lines} get held")
            lines += 1
            client.ask("ping")
        for _ in range(20):
            refused(client, "get held @timeout=5s")
        assert api.count("/held") == 2
        hold.release()
        answers = other.replies(lines)
    assert sum("OK 1" in answer for answer in answers) == 2
    assert state(client) == "closed"


def test_a_probe_whose_client_leaves_gives_its_place_back(connect, api):
    client = connect(SHORT % 1)
    fail(client, api, 1)
    hold = probe_that_hangs(client, api, "get held")
    api.on("/a", reply("1"))
    assert ok(let_through(client)) == 1
    assert state(client) == "closed"
    hold.release()


def probe_that_hangs(client, api, line):
    """A probe is sent, others are refused meanwhile, and its client leaves."""
    hold = api.hold("/held", reply("1"))
    while api.count("/held") == 0:
        leaver = client.gateway.connect()
        leaver.say(line)
        if not answered_or_arrived(leaver, api):
            leaver.sock.close()
    refused(client)
    leaver.reset()
    return hold


def answered_or_arrived(leaver, api):
    """True when the call has arrived at the API; False when it was refused."""
    while api.count("/held") == 0:
        if not leaver.silent(0.02):
            return False
    return True


def test_a_probe_that_is_cancelled_gives_its_place_back(connect, api):
    client = connect(SHORT % 1)
    fail(client, api, 1)
    api.hold("/held", reply("1"))
    probe = {"jsonrpc": "2.0", "id": 1, "method": "get", "params": ["held"]}
    while api.count("/held") == 0:
        client.say(probe)
        if not answered_or_arrived(client, api):
            client.answer()
    client.say({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}})
    rpc_error(client.answer(), -32800, "cancelled")
    api.on("/a", reply("1"))
    assert ok(let_through(client)) == 1


def test_a_probe_that_runs_into_its_clients_deadline_gives_its_place_back(connect, api):
    client = connect(SHORT % 1)
    fail(client, api, 1)
    api.hold("/held", reply("1"))
    error(let_through(client, "get held @timeout=300ms"), "upstream_timeout", limit="client")
    api.on("/a", reply("1"))
    assert ok(let_through(client)) == 1


def test_calls_that_wait_when_it_opens_are_refused(connect, api):
    client = connect('breaker = { consecutive = 1, open_for = "60s" }\nmax_in_flight = 1')
    hold = api.hold("/held", FAILURE)
    client.say("@id=0 get held", *[f"@id={n} get a" for n in range(1, 6)])
    api.arrived("/held")
    hold.release()
    answers = sorted(client.replies(6))
    error(answers[0][3:], "upstream_error", status=503)
    for answer in answers[1:]:
        error(answer[3:], "unavailable", reason="breaker", sent=False)
    assert api.count("/a") == 0


def test_an_api_that_comes_back_is_asked_again(start):
    with Api() as first:
        first.on("/a", reply("1"))
        gateway = start(config(first.url, routes=ROUTES, upstream=SHORT % 1, defaults=DEFAULTS))
        client = gateway.connect()
        assert ok(client.ask("get a")) == 1
    error(client.ask("get a"), "unavailable")
    with Api(port=first.port) as second:
        second.on("/a", reply("2"))
        while (answer := client.ask("get a")) != "OK 2":
            error(answer, "unavailable")
    client.sock.close()


def test_retries_go_through_the_half_open_breaker_as_probes(connect, api):
    client = connect(SHORT % 1)
    fail(client, api, 1)
    api.forget()
    api.on("/a", in_turn(FAILURE, reply("1")))
    answer = let_through(client, "eager a")
    assert answer == "OK 1" or answer.startswith("ERR ")
    assert api.count("/a") <= 2


def test_meta_of_a_probe_is_ordinary(connect, api):
    client = connect(SHORT % 1)
    fail(client, api, 1)
    api.on("/a", reply("1"))
    body, meta = ok_with_meta(let_through(client, "get a @meta"))
    assert (body, meta["attempts"], meta["status"]) == (1, 1, 200)
