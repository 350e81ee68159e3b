"""The clocks: queue, connect, first_byte, total, and the client's own. Each error says what was going on (phase) and which
clock ran out (limit)."""

import contextlib
import signal
import socket
import time

import pytest
from api import Api, head, in_turn, raw, reply
from certificates import server_context
from client import error, ok, rpc_error
from gateway import config

LONG = {"queue": "20s", "connect": "20s", "first_byte": "20s", "total": "20s"}


def clocks(**short):
    pairs = ", ".join(f'{name} = "{value}"' for name, value in {**LONG, **short}.items())
    return f"timeout = {{ {pairs} }}\n"


@contextlib.contextmanager
def full_backlog():
    """An address that answers no SYN: its queue of connections is full and nobody accepts."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield "http://%s:%d" % listener.getsockname()


def timed_out(client, line, **members):
    """Asks, and checks the error and that it came in far less time than the long clocks."""
    began = time.monotonic()
    found = error(client.ask(line), "upstream_timeout", upstream="api", **members)
    assert time.monotonic() - began < 10
    return found


def test_queue(start, api):
    hold = api.hold("/held", reply("1"))
    with start(config(api.url, upstream=clocks(queue="100ms") + "max_in_flight = 1")).connect() as client:
        client.say("@id=first fetch held")
        api.arrived("/held")
        timed_out(client, "fetch other", phase="queue", limit="queue", sent=False)
        hold.release()
        assert client.reply() == "#first OK 1"
    assert api.count("/other") == 0


def test_connect(start):
    with full_backlog() as url, start(config(url, upstream=clocks(connect="100ms"))).connect() as client:
        found = timed_out(client, "fetch a", phase="connect", limit="connect", sent=False, attempts=1)
        assert "100 ms" in found["message"]


def test_connect_includes_the_tls_handshake(start, authority):
    listener = socket.create_server(("127.0.0.1", 0))  # accepts in the kernel, and says nothing
    url = "https://127.0.0.1:%d" % listener.getsockname()[1]
    more = clocks(connect="150ms") + f'tls = {{ ca_file = "{authority.file}" }}'
    with listener, start(config(url, upstream=more)).connect() as client:
        timed_out(client, "fetch a", phase="connect", limit="connect", sent=False)


def test_first_byte(start, api):
    api.hold("/held")
    with start(config(api.url, upstream=clocks(first_byte="100ms"))).connect() as client:
        found = timed_out(client, "fetch held", phase="first_byte", limit="first_byte", sent=True, attempts=1)
        assert found["message"] == "no answer within 100 ms"


def test_first_byte_is_not_stopped_by_an_interim_answer(start, api):
    api.on("/hints", raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
    with start(config(api.url, upstream=clocks(first_byte="100ms"))).connect() as client:
        timed_out(client, "fetch hints", phase="first_byte", limit="first_byte", sent=True)


def test_first_byte_is_over_at_the_status_line(start, api):
    def slow_body(exchange):
        exchange.send(head(length=3))
        time.sleep(0.4)
        exchange.send(b'"x"')

    api.on("/slow", slow_body)
    with start(config(api.url, upstream=clocks(first_byte="200ms"))).connect() as client:
        assert ok(client.ask("fetch slow")) == "x"


@pytest.mark.parametrize(
    "behaviour, phase", [(raw(b""), "first_byte"), (raw(head(length=9)), "body"), (raw(head(length=9) + b"12"), "body")]
)
def test_total(start, api, behaviour, phase):
    api.on("/part", behaviour)
    with start(config(api.url, upstream=clocks(total="150ms"))).connect() as client:
        timed_out(client, "fetch part", phase=phase, limit="total", sent=True)


def test_total_while_connecting(start):
    with full_backlog() as url, start(config(url, upstream=clocks(total="100ms"))).connect() as client:
        timed_out(client, "fetch a", phase="connect", limit="total", sent=False)


def test_total_while_waiting_in_the_queue(start, api):
    hold = api.hold("/held", reply("1"))
    late = '[route.late]\nupstream = "api"\npath = "/held"\ntimeout = { total = "20s" }\n'
    text = config(api.url, upstream=clocks(total="200ms") + "max_in_flight = 1", more=late)
    with start(text).connect() as client:
        client.say("@id=first late")
        api.arrived("/held")
        timed_out(client, "fetch other", phase="queue", limit="total", sent=False)
        hold.release()
        assert client.reply() == "#first OK 1"


def test_the_clients_clock(start, api):
    api.hold("/held")
    with start(config(api.url, upstream=clocks())).connect() as client:
        timed_out(client, "fetch held @timeout=100ms", phase="first_byte", limit="client", sent=True)
        answer = client.rpc("fetch", ["held"], meta={"timeout_ms": 100})
        rpc_error(answer, -32003, "upstream_timeout", phase="first_byte", limit="client", sent=True)


def test_the_clients_clock_in_the_queue_and_in_the_body(start, api):
    hold = api.hold("/held")
    api.on("/part", raw(head(length=9) + b"12"))
    with start(config(api.url, upstream=clocks() + "max_in_flight = 1")).connect() as client:
        timed_out(client, "fetch part @timeout=100ms", phase="body", limit="client", sent=True)
        client.say("@id=first fetch held")
        api.arrived("/held")
        timed_out(client, "fetch other @timeout=100ms", phase="queue", limit="client", sent=False)
        hold.release()
        assert client.reply().startswith("#first OK")


def test_the_clients_clock_while_waiting_for_a_place(start, api):
    hold = api.hold("/held", reply('"done"'))
    api.on("/never", reply("1"))
    gateway = start(config(api.url, "max_in_flight = 1"))
    with gateway.connect() as client:
        client.say("@id=1 fetch held", "@id=2 fetch never @timeout=50ms", "@id=3 fetch held @timeout=60s")
        tag, _, answer = client.reply().partition(" ")
        assert tag == "#2"
        error(answer, "upstream_timeout", phase="queue", limit="client", sent=False, attempts=0)
        hold.release()
        assert client.replies(2) == ['#1 OK "done"', '#3 OK "done"']
        assert client.ask("quit") == "OK null"  # nothing of the third's clock is left to wait for
    assert api.count("/never") == 0


def test_the_clients_clock_while_connecting(start):
    with full_backlog() as url, start(config(url, upstream=clocks())).connect() as client:
        timed_out(client, "fetch a @timeout=100ms", phase="connect", limit="client", sent=False)


def test_a_timed_out_transfer_is_cancelled(start, api):
    api.hold("/held")
    with start(config(api.url, upstream=clocks(first_byte="100ms"))).connect() as client:
        timed_out(client, "fetch held", sent=True)
        api.wait_until(lambda: not any(not connection.idle for connection in api.open_connections()))


def test_an_answer_that_came_while_the_gateway_stood_still_is_in_time(start, api):
    hold = api.hold("/held", reply("1"))
    gateway = start(config(api.url, upstream=clocks(first_byte="500ms")))
    with gateway.connect() as client:
        client.say(*["fetch held"] * 20)
        api.arrived("/held", 20)
        gateway.send_signal(signal.SIGSTOP)
        hold.release()
        api.idle(20)
        time.sleep(0.6)  # beyond the clock: the stall is the fault itself
        gateway.send_signal(signal.SIGCONT)
        assert ok(client.replies(20)) == [1] * 20


def test_a_route_may_have_its_own_clocks(start, api):
    api.hold("/held")
    more = '[route.hasty]\nupstream = "api"\nmethod = "GET"\npath = "/held"\ntimeout = { total = "100ms" }'
    with start(config(api.url, upstream=clocks(), more=more)).connect() as client:
        timed_out(client, "hasty", limit="total", phase="first_byte")


def test_the_clocks_start_anew_for_every_call(start, api):
    api.on("/a", reply("1"))
    with start(config(api.url, upstream=clocks(connect="300ms", first_byte="300ms"))).connect() as client:
        assert ok(client.ask("fetch a")) == 1
        assert client.silent(0.4)
        assert ok(client.ask("fetch a")) == 1


def test_a_call_after_a_timeout_gets_its_own_answer(start, api):
    late = api.hold("/late", reply('"late"'))
    api.on("/a", reply('"a"'))
    with start(config(api.url, upstream=clocks(first_byte="100ms"))).connect() as client:
        timed_out(client, "fetch late")
        late.release()
        assert [ok(client.ask("fetch a")) for _ in range(5)] == ["a"] * 5


def test_a_slow_server_with_tls_is_in_first_byte(start, authority):
    certificate = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
    with Api(tls=server_context(certificate)) as api:
        api.hold("/held")
        more = clocks(first_byte="150ms") + f'tls = {{ ca_file = "{authority.file}" }}'
        with start(config(api.url, upstream=more)).connect() as client:
            timed_out(client, "fetch held", phase="first_byte", limit="first_byte", sent=True)


def test_the_builtin_defaults_hold(start, api):
    turns = in_turn(lambda exchange: exchange.stall(), reply("1"))
    api.on("/slow", turns)
    with start(config(api.url)).connect() as client:
        error(client.ask("fetch slow"), "upstream_timeout", phase="first_byte", limit="first_byte")
        assert ok(client.ask("fetch slow")) == 1
