"""An upstream with more work than places: who waits, who is refused at once, and that one client cannot starve another."""

import pytest
from api import reply
from client import error, ok, rpc_error
from gateway import config

PATIENT = 'timeout = { queue = "20s", first_byte = "20s", total = "20s" }\n'


@pytest.fixture
def hold(api):
    api.forget()
    held = api.hold("/held", reply('"done"'))
    yield held
    held.release()


def test_a_full_queue_refuses_at_once(start, api, hold):
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 2\nmax_queue = 3"))
    with gateway.connect() as client:
        client.say(*[f"@id={n} fetch held" for n in range(5)])
        api.arrived("/held", 2)
        error(client.ask("fetch held"), "overloaded", reason="queue", upstream="api", sent=False)
        rpc_error(client.rpc("fetch", ["held"]), -32006, "overloaded", reason="queue", sent=False)
        hold.release()
        assert sorted(client.replies(5)) == [f'#{n} OK "done"' for n in range(5)]


def test_no_more_run_than_there_are_places(start, api, hold):
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 3"))
    before = len(api.connections)
    with gateway.connect() as client:
        client.say(*["fetch held"] * 10)
        api.arrived("/held", 3)
        assert client.silent()
        assert api.count("/held") == 3
        hold.release()
        assert ok(client.replies(10)) == ["done"] * 10
    assert len(api.connections) - before == 3


def test_a_place_that_comes_free_goes_to_who_waits(start, api, hold):
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 1\nmax_queue = 1"))
    with gateway.connect() as client:
        client.say("@id=1 fetch held", "@id=2 fetch held")
        api.arrived("/held", 1)
        error(client.ask("fetch held"), "overloaded", reason="queue")
        hold.release()
        assert sorted(client.replies(2)) == ['#1 OK "done"', '#2 OK "done"']
        assert ok(client.ask("fetch held")) == "done"


def test_a_client_that_leaves_gives_its_place_in_the_queue_back(start, api, hold):
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 1\nmax_queue = 1"))
    with gateway.connect() as first, gateway.connect() as third:
        first.say("fetch held")
        api.arrived("/held")
        second = gateway.connect()
        second.say("fetch held", "@id=seen ping")
        assert second.reply() == '#seen OK "pong"'  # it waits
        error(third.ask("fetch held @timeout=20ms"), "overloaded", reason="queue")
        second.reset()
        while "ERR overloaded" in (answer := third.ask("fetch held @timeout=20ms")):
            pass
        error(answer, "upstream_timeout", phase="queue", limit="client")
        hold.release()
        assert ok(first.reply()) == "done"


def test_connections_take_turns(start, api, hold):
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 1"))
    api.on("*", reply("1"))
    with gateway.connect() as greedy, gateway.connect() as modest:
        greedy.say("fetch held", *[f"fetch g{n}" for n in range(40)])
        api.arrived("/held")
        greedy.say("@id=seen ping")
        assert greedy.reply() == '#seen OK "pong"'  # all 40 wait
        modest.say("fetch m0", "fetch m1", "@id=seen ping")
        assert modest.reply() == '#seen OK "pong"'
        hold.release()
        assert ok(modest.replies(2)) == [1, 1]
        assert len(ok(greedy.replies(41))) == 41
    order = [request.path for request in api.requests()]
    assert order.index("/m0") <= 3 and order.index("/m1") <= 6, order


def test_one_full_upstream_does_not_touch_another(start, api, hold):
    more = f"""
[upstream.free]
base_url = "{api.url}"
[route.free]
upstream = "free"
method = "GET"
path = "/free"
"""
    api.on("/free", reply("1"))
    gateway = start(config(api.url, upstream=PATIENT + "max_in_flight = 1\nmax_queue = 1", more=more))
    with gateway.connect() as client:
        client.say("@id=1 fetch held", "@id=2 fetch held")
        api.arrived("/held")
        assert ok(client.ask("free")) == 1
        hold.release()
        client.replies(2)
