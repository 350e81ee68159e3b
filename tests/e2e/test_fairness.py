"""Fair share: a client with ten thousand requests does not starve a client with one."""

import pytest
from api import reply, slow_down
from client import error, ok
from gateway import config

DEFAULTS = """
[defaults]
coalesce = false
cache = { mode = "off" }
breaker = { enabled = false }
retry = { attempts = 1 }
timeout = { queue = "20s", connect = "20s", first_byte = "20s", total = "20s" }
"""
ROUTES = """
[route.get]
upstream = "api"
path = "/{name}"
params = [{ name = "name", required = true }]
"""
MANY = 10_000


@pytest.fixture
def connect(start, api):
    """Starts a gateway with room for many requests; two clients of it."""
    clients = []

    def connect_to(upstream):
        api.start_over()
        api.on("*", reply("1"))
        text = config(api.url, f"max_in_flight = {2 * MANY}", upstream, routes=ROUTES, defaults=DEFAULTS)
        gateway = start(text)
        clients.extend([gateway.connect(), gateway.connect()])
        return clients

    yield connect_to
    for client in clients:
        client.reset()


def wait_for_all(client, lines):
    """Says them and waits until the gateway has started them all; what was answered before must be refusals."""
    client.say(*lines, "@id=seen ping")
    while (answer := client.reply()) != '#seen OK "pong"':
        assert answer.startswith("#x "), answer


def before(api, path):
    """How many requests came before the one for that path."""
    return [request.path for request in api.requests()].index(path)


def test_a_client_with_ten_thousand_requests_does_not_starve_one_with_one(connect, api):
    # One place: with several, what the API sees first is up to its threads.
    greedy, modest = connect(f"max_in_flight = 1\nmax_queue = {2 * MANY}")
    hold = api.hold("/held", reply("1"))
    wait_for_all(greedy, ["@id=x get held"] + ["@id=x get greedy"] * MANY)
    api.arrived("/held")
    wait_for_all(modest, ["get modest"])
    hold.release()
    assert ok(modest.reply()) == 1
    assert before(api, "/modest") <= 1 + 1  # after what had the place already, and one turn of the other


def test_nor_where_its_requests_fill_the_room(connect, api):
    greedy, modest = connect("max_in_flight = 4\nmax_queue = 256")
    hold = api.hold("/held", reply("1"))
    wait_for_all(greedy, ["@id=x get held"] * 4 + ["@id=x get greedy"] * 1000)
    wait_for_all(modest, ["get modest"])
    hold.release()
    assert ok(modest.reply()) == 1


def test_nor_where_a_rate_holds_both(connect, api):
    greedy, modest = connect("rate = { per_second = 20, burst = 1 }\nmax_queue = 1000")
    wait_for_all(greedy, ["@id=x get greedy"] * 200)
    assert ok(modest.ask("get modest")) == 1
    assert before(api, "/modest") < 100  # of 200, which last ten seconds


def test_nor_where_all_the_time_that_one_may_wait_is_taken(connect, api):
    greedy, modest = connect('rate = { per_second = 10, burst = 1 }\nmax_queue = 1000\ntimeout = { queue = "2s" }')
    wait_for_all(greedy, ["@id=x get greedy"] * 200)
    assert ok(modest.ask("get modest")) == 1


def test_nor_behind_a_closed_gate(connect, api):
    greedy, modest = connect("max_in_flight = 1\nmax_queue = 1000")
    api.on("/busy", slow_down(1))
    error(modest.ask("get busy"), "rate_limited", status=429)
    wait_for_all(greedy, ["@id=x get greedy"] * 200)
    assert ok(modest.ask("get modest")) == 1
    assert before(api, "/modest") <= 5


def test_clients_with_the_same_needs_get_the_same(connect, api):
    one, two = connect("max_in_flight = 1\nmax_queue = 1000")
    hold = api.hold("/held", reply("1"))
    wait_for_all(one, ["@id=x get held"] + ["@id=x get one"] * 50)
    wait_for_all(two, ["@id=x get two"] * 50)
    hold.release()
    api.arrived("/one", 50)
    api.arrived("/two", 50)
    paths = [request.path for request in api.requests()]
    for end in range(3, 100):
        assert abs(paths[:end].count("/one") - paths[:end].count("/two")) <= 2


def test_hits_wait_for_nobody(api, start):
    api.start_over()
    api.on("/kept", reply("7", headers={"Cache-Control": "max-age=60"}))
    hold = api.hold("/held", reply("1"))
    defaults = DEFAULTS.replace('cache = { mode = "off" }', "")
    gateway = start(config(api.url, upstream="max_in_flight = 1", routes=ROUTES, defaults=defaults))
    with gateway.connect() as greedy, gateway.connect() as modest:
        assert ok(modest.ask("get kept")) == 7
        wait_for_all(greedy, ["@id=x get held"] * 60)
        assert ok(modest.ask("get kept")) == 7  # while the only place is taken
        hold.release()
        greedy.replies(60)
