"""SIGTERM and SIGINT: what was asked is answered, what comes later is told, and then it ends with exit status 0."""

import signal
import time

import pytest
from api import Exchange, reply
from client import Client, error, ok, rpc_error
from gateway import config

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def stops_listening(gateway):
    """Waits until new connections are refused: from then on the gateway drains."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            Client(gateway.address).sock.close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it still accepts connections")


@pytest.fixture
def hold(api):
    api.forget()
    held = api.hold("/held", reply('"done"'))
    yield held
    held.release()


@pytest.mark.parametrize("number", SIGNALS)
def test_an_idle_gateway_ends_at_once(start, api, number):
    gateway = start(config(api.url))
    began = time.monotonic()
    with gateway.connect() as client:
        assert ok(client.ask("ping")) == "pong"
        gateway.stop(number)
        assert client.closed()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("number", SIGNALS)
def test_calls_in_flight_are_answered(start, api, hold, number):
    gateway = start(config(api.url))
    with gateway.connect() as client:
        client.say("fetch held", "@id=x fetch held", {"jsonrpc": "2.0", "id": 1, "method": "fetch", "params": ["held"]})
        api.arrived("/held", 3)
        gateway.send_signal(number)
        stops_listening(gateway)
        hold.release()
        expected = [b'#x OK "done"', b'OK "done"', b'{"jsonrpc":"2.0","id":1,"result":"done"}']
        assert sorted(client.rest().splitlines()) == expected
    assert gateway.wait() == 0


def test_lines_that_wait_for_a_place_are_answered(start, api, hold):
    gateway = start(config(api.url, "max_in_flight = 2"))
    with gateway.connect() as client:
        client.say("@id=seen ping", *["fetch held"] * 6)
        client.reply()
        api.arrived("/held", 2)
        gateway.send_signal()
        stops_listening(gateway)
        hold.release()
        assert ok([line.decode() for line in client.rest().splitlines()]) == ["done"] * 6
    assert gateway.wait() == 0


def test_a_batch_that_has_begun_is_finished(start, api, hold):
    gateway = start(config(api.url, "max_in_flight = 2"))
    with gateway.connect() as client:
        client.say([{"jsonrpc": "2.0", "id": n, "method": "fetch", "params": ["held"]} for n in range(5)])
        api.arrived("/held", 2)
        gateway.send_signal()
        stops_listening(gateway)
        hold.release()
        assert [answer["result"] for answer in client.answer()] == ["done"] * 5
        assert client.rest() == b""
    assert gateway.wait() == 0


def test_later_lines_are_told_that_it_drains(start, api, hold):
    gateway = start(config(api.url))
    with gateway.connect() as client:
        client.say("fetch held")
        api.arrived("/held")
        gateway.send_signal()
        stops_listening(gateway)
        client.say("@id=late fetch held")
        error(client.reply().removeprefix("#late "), "unavailable", reason="draining")
        rpc_error(client.rpc("fetch", ["held"]), -32002, "unavailable", reason="draining")
        hold.release()
        assert client.rest() == b'OK "done"\n'
    assert gateway.wait() == 0
    assert api.count("/held") == 1


def test_a_client_whose_last_reply_is_out_is_closed(start, api, hold):
    gateway = start(config(api.url))
    with gateway.connect() as busy, gateway.connect() as idle:
        busy.say("fetch held")
        api.arrived("/held")
        gateway.send_signal()
        assert idle.closed()  # while the other still waits
        hold.release()
        assert busy.rest() == b'OK "done"\n'
    assert gateway.wait() == 0


def test_a_post_that_was_sent_and_lost_its_client_runs_to_its_end(start, api, hold):
    gateway = start(config(api.url))
    with gateway.connect() as client:
        client.say("send held")
        api.arrived("/held")
        client.reset()
    gateway.wait_for("closed 127")
    gateway.send_signal()
    stops_listening(gateway)
    hold.release()
    assert gateway.wait() == 0
    assert "outlived its client: it ended with 200" in gateway.log


def test_draining_ends_after_its_time(start, api, hold):
    gateway = start(
        config(api.url, 'drain_timeout = "300ms"', upstream='timeout = { first_byte = "20s", total = "20s" }')
    )
    with gateway.connect() as client:
        client.say("fetch held")
        api.arrived("/held")
        began = time.monotonic()
        gateway.send_signal()
        assert gateway.wait() == 0
        assert 0.25 < time.monotonic() - began < 5


def test_a_client_that_does_not_read_does_not_stop_the_end(start, api):
    api.on("/chunk", reply({"text": "x" * 100_000}))
    gateway = start(config(api.url, 'drain_timeout = "500ms"'))
    with gateway.connect(receive_buffer=4096) as client:
        client.say(*["fetch chunk"] * 100)
        api.arrived("/chunk", 3)
        gateway.send_signal()
        assert gateway.wait() == 0


@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)]
)
def test_a_second_signal_ends_at_once(start, api, hold, numbers):
    gateway = start(
        config(api.url, 'drain_timeout = "60s"', upstream='timeout = { first_byte = "60s", total = "60s" }')
    )
    with gateway.connect() as client:
        client.say("fetch held")
        api.arrived("/held")
        gateway.send_signal(numbers[0])
        stops_listening(gateway)
        began = time.monotonic()
        gateway.send_signal(numbers[1])
        gateway.wait()
        assert time.monotonic() - began < 5


def test_connections_in_the_backlog_are_not_lost_silently(start, api):
    """A client that connected before the signal gets its answer or an end, never a hang."""
    gateway = start(config(api.url))
    clients = [gateway.connect() for _ in range(50)]
    for client in clients:
        client.say("ping")
    gateway.send_signal()
    for client in clients:
        try:
            assert client.rest() in (b'OK "pong"\n', b"") or b"draining" in client.rest()
        except ConnectionResetError:
            pass
        client.sock.close()
    assert gateway.wait() == 0


def test_an_api_that_stalls_does_not_stop_the_end(start, api):
    api.on("/stall", Exchange.stall)
    gateway = start(config(api.url, upstream='timeout = { first_byte = "300ms" }'))
    with gateway.connect() as client:
        client.say("fetch stall")
        api.arrived("/stall")
        gateway.send_signal()
        error(client.reply(), "upstream_timeout", phase="first_byte")
        assert client.rest() == b""
    assert gateway.wait() == 0


def test_a_unix_socket_is_removed_at_the_end(start, api, tmp_path):
    gateway = start(config(api.url, listen=f'["unix:{tmp_path}/line"]'))
    assert (tmp_path / "line").exists()
    gateway.stop()
    assert not (tmp_path / "line").exists()
