"""Name lookups: a hanging one stops nobody, a name with two addresses is tried on both, one that is unknown says so."""

import time

import pytest
from api import reply
from client import error, ok
from gateway import config

SLOW = """
[upstream.slow]
base_url = "http://hang.test:%d"
timeout = { connect = "%s", total = "20s" }

[route.hang]
upstream = "slow"
method = "GET"
path = "/"
"""


def longest_pause(client, seconds):
    """Asks without a pause for so long; the longest time that one answer took."""
    longest, end = 0, time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        assert ok(client.ask("fetch a")) == 1
        longest = max(longest, time.monotonic() - began)
    return longest


def test_a_hanging_lookup_stops_nobody_else(start, api, lookups):
    api.on("/a", reply("1"))
    gateway = start(config(api.url, more=SLOW % (api.port, "700ms")), env=lookups.env)
    with gateway.connect() as stuck, gateway.connect() as client:
        stuck.say(*["hang"] * 20)
        pause = longest_pause(client, 1.2)  # while they hang, when they time out, and after
        for line in stuck.replies(20):
            error(line, "upstream_timeout", upstream="slow", phase="connect", limit="connect", sent=False)
    assert "hang.test" in lookups.names()
    assert pause < 0.5, "the lookup of another upstream stalled the loop"


def test_a_hanging_lookup_does_not_stop_the_exit(start, api, lookups):
    gateway = start(config(api.url, more=SLOW % (api.port, "200ms")), env=lookups.env)
    with gateway.connect() as client:
        error(client.ask("hang"), "upstream_timeout", phase="connect", sent=False)
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 3


def test_a_call_that_waits_for_a_lookup_does_not_stop_the_exit(start, api, lookups):
    gateway = start(config(api.url, 'drain_timeout = "300ms"', more=SLOW % (api.port, "20s")), env=lookups.env)
    with gateway.connect() as client:
        client.say("hang")
        while ok(client.ask("@id=s stats").replace("#s ", ""))["in_flight"] < 1:
            pass
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 5


def test_a_reset_while_a_lookup_hangs_is_harmless(start, api, lookups):
    api.on("/a", reply("1"))
    gateway = start(config(api.url, more=SLOW % (api.port, "20s")), env=lookups.env)
    for _ in range(5):
        client = gateway.connect()
        client.say("hang")
        client.reset()
    with gateway.connect() as client:
        assert longest_pause(client, 0.2) < 0.5


def test_the_second_address_is_tried_when_nothing_listens_on_the_first(start, api, lookups):
    api.on("/a", reply("1"))
    gateway = start(config(f"http://dual.test:{api.port}"), env=lookups.env)
    with gateway.connect() as client:
        assert ok(client.ask("fetch a")) == 1
        assert ok([client.ask("fetch a") for _ in range(5)]) == [1] * 5
    assert api.requests("/a")[-1].header("Host") == f"dual.test:{api.port}"


def test_a_name_is_not_looked_up_for_every_call(start, api, lookups):
    api.on("/a", reply("1"))
    with start(config(f"http://four.test:{api.port}"), env=lookups.env).connect() as client:
        client.say(*["fetch a"] * 50)
        assert ok(client.replies(50)) == [1] * 50
    assert 1 <= lookups.names().count("four.test") <= 2


def test_a_name_is_looked_up_again_in_the_background_and_its_last_good_answer_kept(start, api, lookups):
    api.on("/a", reply("1"))
    gateway = start(config(f"http://later.test:{api.port}", upstream='dns_refresh = "1s"'), env=lookups.env)
    with gateway.connect() as client:
        assert ok(client.ask("fetch a")) == 1
        lookups.break_later()
        seen = lookups.names().count("later.test")
        while lookups.names().count("later.test") <= seen:  # the refresh that hangs
            assert ok(client.ask("fetch a")) == 1
        assert longest_pause(client, 0.4) < 0.5
        before = len(api.connections)
        for connection in api.idle():
            connection.do(lambda one: one.fin())
        assert ok(client.ask("fetch a")) == 1  # on a new connection to the known address
        assert len(api.connections) > before


@pytest.mark.parametrize("name", ["none.test", "again.test"])
def test_a_name_without_an_address_is_unavailable(start, lookups, name):
    with start(config(f"http://{name}:9"), env=lookups.env).connect() as client:
        error(client.ask("fetch a"), "unavailable", reason="dns", upstream="api", sent=False)


def test_no_address_of_several_answers(start, lookups):
    from api import Api

    closed = Api()
    closed.close()
    with start(config(f"http://dual.test:{closed.port}"), env=lookups.env).connect() as client:
        error(client.ask("fetch a"), "unavailable", reason="connect", sent=False, attempts=1)


def test_a_literal_address_is_never_looked_up(start, lookups):
    from api import Api

    with Api(host="::1") as api:
        api.on("/a", reply("1"))
        with start(config(api.url), env=lookups.env).connect() as client:
            assert ok(client.ask("fetch a")) == 1
    assert lookups.names() == []
