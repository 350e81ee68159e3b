"""Limits on what a client may send, hold and leave unread. Each test has a gateway whose limit is near enough to reach."""

import contextlib
import time

import pytest
from api import reply
from client import DEADLINE, error, ok, rpc_error
from gateway import Gateway, config


def until(condition):
    """Waits for what only shows in the gateway's own numbers, asking every 20 ms."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


# Lines


@pytest.fixture(scope="module")
def gateway(api):
    limits = 'max_line = "4KiB"\nmax_reply = "8KiB"\nmax_protocol_errors = 4\nmax_in_flight = 2'
    with Gateway(config(api.url, limits)) as running:
        yield running


def test_a_line_at_the_limit_is_a_request(client):
    client.say("ping", "ping" + " " * 4092)
    assert client.replies(2) == ['OK "pong"'] * 2


def test_a_longer_line_is_refused_and_skipped(client):
    client.say("ping", "fetch " + "x" * 5000, "ping")
    assert ok(client.reply()) == "pong"
    error(client.reply(), "request_too_large")
    assert ok(client.reply()) == "pong"


def test_a_longer_line_is_refused_before_its_end(client):
    client.say("ping")
    client.send(b"fetch " + b"x" * 5000)
    assert ok(client.reply()) == "pong"
    error(client.reply(), "request_too_large")
    client.send(b"x" * 100_000 + b"\nping\n")
    assert ok(client.reply()) == "pong"


def test_a_longer_json_line_is_refused_in_its_dialect(client):
    client.say("ping", '{"jsonrpc":"2.0","id":1,"method":"' + "x" * 5000 + '"}')
    assert ok(client.reply()) == "pong"
    answer = client.answer()
    assert answer["id"] is None
    rpc_error(answer, -32007, "request_too_large")


def test_a_longer_line_is_answered_in_its_place(client, api):
    hold = api.hold("/held", reply("1"))
    client.say("fetch held", "x" * 5000, "ping")
    api.arrived("/held")
    assert client.silent()
    hold.release()
    assert ok(client.reply()) == 1
    error(client.reply(), "request_too_large")
    assert ok(client.reply()) == "pong"


def test_a_longer_line_before_the_first_valid_request_closes(client):
    client.send(b"x" * 10_000)
    assert b"OK" not in client.rest()


# Replies


def test_a_reply_over_the_limit_is_an_error(client, api):
    api.on("/large", reply({"text": "x" * 9000}))
    error(client.ask("fetch large"), "reply_too_large")
    rpc_error(client.rpc("fetch", ["large"]), -32008, "reply_too_large")


def test_a_reply_below_the_limit_comes_whole(client, api):
    api.on("/fits", reply({"text": "x" * 8000}))
    assert len(ok(client.ask("fetch fits"))["text"]) == 8000


# Errors in a row


def test_too_many_protocol_errors_in_a_row_close(client):
    client.say("ping", *['fetch "'] * 4, "ping")
    assert ok(client.reply()) == "pong"
    answers = client.rest().splitlines()
    assert len(answers) == 4 and all(answer.startswith(b"ERR ") for answer in answers)


def test_a_valid_request_resets_the_count(client):
    client.say("ping", *(['fetch "'] * 3 + ["ping"]) * 3)
    answers = client.replies(13)
    assert answers.count('OK "pong"') == 4


def test_an_unknown_route_is_no_protocol_error(client):
    client.say(*["nosuch"] * 10, "ping")
    assert client.replies(11)[-1] == 'OK "pong"'


def test_errors_of_both_dialects_count_together(client):
    client.say("ping", "{", 'fetch "', '{"jsonrpc":"2.0"}', "x" * 5000, "ping")
    assert len(client.rest().splitlines()) == 5


# Requests in flight


def test_reading_stops_when_enough_waits(client, api):
    hold = api.hold("/held", reply("1"))
    client.say("fetch held", "fetch held")
    api.arrived("/held", 2)
    client.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        for _ in range(1000):  # 64 MB, far more than the kernel holds
            client.send(b"fetch held\n" * 6000)
    hold.release()


def test_a_reset_is_seen_while_all_places_are_taken(gateway, api):
    api.hold("/held")
    client = gateway.connect()
    client.say(*["fetch held"] * 4)
    busy = lambda: [c for c in api.open_connections() if not c.idle]  # noqa: E731
    api.wait_until(lambda: len(busy()) == 2)
    client.reset()
    api.wait_until(lambda: not busy())


# Time


def test_an_idle_connection_is_closed(start, api):
    gateway = start(config(api.url, 'idle_timeout = "200ms"'))
    with gateway.connect() as client:
        assert client.closed()


def test_a_connection_with_a_call_in_flight_is_not_idle(start, api):
    hold = api.hold("/slow", reply("1"))
    gateway = start(config(api.url, 'idle_timeout = "150ms"'))
    with gateway.connect() as client, gateway.connect() as idle:
        client.say("fetch slow")
        api.arrived("/slow")
        assert idle.closed()
        hold.release()
        assert ok(client.reply()) == 1
        assert client.closed()


def test_an_unfinished_line_is_given_up(start, api):
    gateway = start(config(api.url, 'partial_line_timeout = "200ms"'))
    with gateway.connect() as client:
        client.send(b"pi")
        assert b"OK" not in client.rest()


def test_the_time_for_a_line_runs_from_its_first_byte(start, api):
    gateway = start(config(api.url, 'partial_line_timeout = "300ms"'))
    with gateway.connect() as client:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() < began + DEADLINE:
                client.send(b"x")
                client.sock.settimeout(0.03)
                with contextlib.suppress(TimeoutError):
                    if not client.sock.recv(1000):
                        break
        assert time.monotonic() - began < DEADLINE / 2


def test_finished_lines_have_no_such_limit(start, api):
    gateway = start(config(api.url, 'partial_line_timeout = "200ms"'))
    with gateway.connect() as client:
        client.send(b"ping\npi")
        assert ok(client.reply()) == "pong"
        client.send(b"ng\n")
        assert ok(client.reply()) == "pong"
        assert client.silent(0.4)
        assert ok(client.ask("ping")) == "pong"


# Clients that do not read

SMALL = 4096  # a receive buffer, so that the kernel does not hide the gateway's own


def connections(client):
    return ok(client.ask("stats"))["connections"]


def test_a_client_that_never_reads_starts_no_more_calls_and_is_closed(start, api):
    api.forget()
    api.on("/chunk", reply({"text": "x" * 60_000}))
    gateway = start(config(api.url, 'write_timeout = "500ms"\nmax_unsent = "128KiB"'))
    with gateway.connect() as watcher, gateway.connect(receive_buffer=SMALL) as hog:
        hog.say(*["fetch chunk"] * 500)
        api.arrived("/chunk", 3)
        until(lambda: connections(watcher) == 1)
    assert api.count("/chunk") < 250


def test_a_client_that_reads_too_slowly_is_closed(start, api):
    api.on("/chunk", reply({"text": "x" * 60_000}))
    gateway = start(config(api.url, 'write_timeout = "600ms"\nmax_unsent = "128KiB"'))
    with gateway.connect() as watcher, gateway.connect(receive_buffer=SMALL) as hog:
        hog.say(*["fetch chunk"] * 200)

        def read_a_little():
            with contextlib.suppress(OSError):
                hog.sock.recv(100)
            return connections(watcher) == 1

        until(read_a_little)


def test_a_client_that_reads_late_gets_everything(start, api):
    api.on("/chunk", reply({"text": "x" * 60_000}))
    gateway = start(config(api.url, 'max_unsent = "64KiB"'))
    with gateway.connect(receive_buffer=SMALL) as client:
        client.say(*["fetch chunk"] * 40, "quit")
        api.arrived("/chunk", 3)
        assert len(client.rest().splitlines()) == 41


def test_what_all_clients_hold_together_is_bounded(start, api):
    hold = api.hold("/first", reply("1"))
    api.on("/chunk", reply({"text": "x" * 100_000}))
    gateway = start(config(api.url, 'max_buffered = "1MiB"\nmax_unsent = "16MiB"'))
    with gateway.connect() as hog, gateway.connect() as other:
        hog.say("fetch first", *["fetch chunk"] * 63)  # all replies wait behind the first
        api.arrived("/first")
        ended = []

        def relieved():
            """Either the hog is closed, or a new call is told about it."""
            hog.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                ended.append(hog.sock.recv(1))
            return ended or "memory" in other.ask("fetch chunk")

        until(relieved)
        assert ok(other.ask("ping")) == "pong"
        hold.release()


def test_new_calls_are_refused_above_the_memory_budget(start, api):
    hold = api.hold("/first", reply("1"))
    api.on("/chunk", reply({"text": "x" * 100_000}))
    one_by_one = 'max_in_flight = 2\ntimeout = { queue = "20s", first_byte = "20s", total = "20s" }'
    gateway = start(config(api.url, 'max_buffered = "1MiB"\nmax_unsent = "16MiB"', one_by_one))
    with gateway.connect() as hog, gateway.connect() as other:
        hog.say("fetch first", *["fetch chunk"] * 11)  # 1 MB waits behind the first: no room for another chunk
        until(lambda: ok(other.ask("stats"))["buffered"] > 1_000_000)
        error(other.ask("fetch chunk"), "overloaded", reason="memory")
        assert ok(other.ask("ping")) == "pong"
        hold.release()
        assert len(hog.replies(12)) == 12
        until(lambda: other.ask("fetch chunk").startswith("OK "))


@pytest.mark.parametrize("line", ["routes", "fetch chunk"])
def test_replies_that_wait_for_their_turn_are_bounded(start, api, line):
    hold = api.hold("/first", reply("1"))
    api.on("/chunk", reply({"text": "x" * 10_000}))
    gateway = start(config(api.url, 'max_unsent = "64KiB"\nmax_in_flight = 4'))
    with gateway.connect() as client, gateway.connect() as watcher:
        client.say("fetch first", *[line] * 4000)
        until(lambda: ok(watcher.ask("stats"))["buffered"] > 64 << 10)
        assert client.silent()
        assert ok(watcher.ask("stats"))["buffered"] < 400_000
        hold.release()
        assert len(client.replies(4001)) == 4001


def test_what_was_held_is_let_go(start, api):
    hold = api.hold("/first", reply("1"))
    api.on("/chunk", reply({"text": "x" * 10_000}))
    gateway = start(config(api.url, "max_in_flight = 2"))
    with gateway.connect() as client:
        batch = [{"jsonrpc": "2.0", "id": id, "method": "fetch", "params": ["chunk"]} for id in range(5)]
        client.say("fetch first", *["fetch chunk"] * 20, batch, *["@id=x fetch chunk"] * 5)
        api.arrived("/chunk", 5)
        hold.release()
        assert len(client.replies(27)) == 27
        assert ok(client.ask("stats"))["buffered"] < 1000


# Connections


def answered(clients):
    """Those of the clients whose ping is answered within a moment."""
    for client in clients:
        with contextlib.suppress(OSError):
            client.say("ping")
    return [client for client in clients if gets_pong(client)]


def gets_pong(client):
    client.sock.settimeout(0.02)
    try:
        return client.line() == b'OK "pong"'
    except (OSError, AssertionError):
        return False


def test_accepting_stops_at_the_cap_and_resumes(start, api):
    gateway = start(config(api.url, "max_connections = 20"))
    clients = [gateway.connect() for _ in range(20)]
    assert [ok(client.ask("ping")) for client in clients] == ["pong"] * 20
    waiting = [gateway.connect() for _ in range(20)]
    early = answered(waiting)
    assert len(early) <= 8  # the places kept for loopback
    for client in clients:
        client.sock.close()
    late = [client for client in waiting if client not in early]
    for client in late[:10]:
        client.sock.settimeout(DEADLINE)
        assert client.line() == b'OK "pong"'
    for client in waiting:
        client.sock.close()


def test_one_address_has_only_so_many_connections(start, api):
    gateway = start(config(api.url, "max_connections_per_ip = 3"))
    clients = [gateway.connect(source="127.0.0.5") for _ in range(3)]
    assert [ok(client.ask("ping")) for client in clients] == ["pong"] * 3
    with gateway.connect(source="127.0.0.5") as extra:
        with contextlib.suppress(OSError):
            extra.say("ping")
        assert not gets_pong(extra)
    with gateway.connect(source="127.0.0.6") as other:
        assert ok(other.ask("ping")) == "pong"
    for client in clients:
        client.sock.close()


def test_a_place_that_is_given_back_can_be_used(start, api):
    gateway = start(config(api.url, "max_connections_per_ip = 1"))

    def served():
        with gateway.connect() as client, contextlib.suppress(OSError):
            client.say("ping", "quit")
            return client.rest() == b'OK "pong"\nOK null\n'

    for _ in range(5):
        until(served)


def test_a_thousand_connections_are_served(start, api):
    with many_files():
        gateway = start(config(api.url, "max_connections_per_ip = 2000"))
        clients = [gateway.connect() for _ in range(1000)]
        for client in clients:
            client.say("ping")
        assert [ok(client.reply()) for client in clients] == ["pong"] * 1000
        for client in clients:
            client.sock.close()


@contextlib.contextmanager
def many_files():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
