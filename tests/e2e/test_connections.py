"""How a connection begins and ends: end of input, quit, reset, Unix sockets, several listeners."""

import os
import shutil
import socket
import stat
import subprocess

import pytest
from api import reply
from client import Client, ok
from faultproxy import Faults, FaultProxy
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/a", reply('"a"'))
    api.on("/big", reply({"text": "x" * 1_000_000}))
    with Gateway(config(api.url)) as running:
        yield running


def netcat(program, gateway, text, *options):
    """`program` is Debian's name of one of the two netcats."""
    found = shutil.which(program)
    assert found, f"{program} is not installed"
    command = [found, *options, "127.0.0.1", str(gateway.port)]
    return subprocess.run(command, input=text, capture_output=True, timeout=20).stdout


def test_openbsds_netcat_ends_its_input(gateway):
    assert netcat("nc.openbsd", gateway, b"ping\nfetch a\n", "-N") == b'OK "pong"\nOK "a"\n'


def test_the_traditional_netcat_ends_its_input(gateway):
    assert netcat("nc.traditional", gateway, b"fetch a\n", "-q1") == b'OK "a"\n'


@pytest.mark.parametrize("program", ["nc.openbsd", "nc.traditional"])
def test_quit_ends_a_netcat_that_sends_no_fin(gateway, program):
    assert netcat(program, gateway, b"fetch a\nquit\n") == b'OK "a"\nOK null\n'


def test_a_last_line_without_lf_is_answered(client):
    client.send(b"ping\nfetch a")
    client.finish()
    assert client.rest() == b'OK "pong"\nOK "a"\n'


def test_a_last_jsonrpc_line_without_lf_is_answered(client):
    client.send(b'{"jsonrpc":"2.0","id":1,"method":"rpc.ping"}')
    client.finish()
    assert client.rest() == b'{"jsonrpc":"2.0","id":1,"result":"pong"}\n'


def test_calls_in_flight_are_answered_after_the_end_of_input(client, api):
    hold = api.hold("/held", reply("1"))
    client.say("fetch held", "fetch a", {"jsonrpc": "2.0", "id": 1, "method": "fetch", "params": ["held"]})
    client.finish()
    api.arrived("/held", 2)
    hold.release()
    assert sorted(client.rest().splitlines()) == [b'OK "a"', b"OK 1", b'{"jsonrpc":"2.0","id":1,"result":1}']


def test_nothing_sent_is_nothing_answered(client):
    client.finish()
    assert client.rest() == b""


def test_quit_answers_earlier_lines_and_drops_later_bytes(client, api):
    api.forget()
    hold = api.hold("/held", reply("1"))
    client.say("fetch held", "ping", "quit", "fetch a", "fetch a")
    api.arrived("/held")
    hold.release()
    assert client.rest() == b'OK 1\nOK "pong"\nOK null\n'
    assert api.count("/a") == 0


def test_the_last_replies_survive_bytes_that_nobody_reads(client):
    client.say("fetch big", "quit")
    client.send(b"junk\n" * 20_000)
    lines = client.rest().splitlines()
    assert (len(lines[0]), lines[1]) == (len('OK {"text":""}') + 1_000_000, b"OK null")


def busy(api):
    return [connection for connection in api.open_connections() if not connection.idle]


def test_a_reset_cancels_what_can_be_cancelled(gateway, api):
    api.forget()
    api.hold("/held")
    client = gateway.connect()
    client.say("fetch held")
    api.arrived("/held")
    client.reset()
    api.wait_until(lambda: not busy(api))


def test_a_sent_post_outlives_its_client(gateway, api):
    api.forget()
    done = []
    hold = api.hold("/order", lambda exchange: done.append(exchange.reply()))
    client = gateway.connect()
    client.say("send order")
    api.arrived("/order")
    client.reset()
    with gateway.connect() as other:
        while ok(other.ask("stats"))["connections"] > 1:
            pass
    assert len(busy(api)) == 1
    hold.release()
    api.wait_until(lambda: not busy(api))
    assert len(done) == 1 and len(api.open_connections()) >= 1
    gateway.wait_for(r"\bapi\b.*\b200\b")


def test_a_request_may_come_byte_by_byte(client):
    for byte in b'fetch a\n{"jsonrpc":"2.0","id":1,"method":"rpc.ping"}\n':
        client.send(bytes([byte]))
    assert sorted(client.replies(2)) == ['OK "a"', '{"jsonrpc":"2.0","id":1,"result":"pong"}']


def test_a_slow_network_changes_nothing(gateway):
    slow = Faults(step=3, every=0.001)
    with FaultProxy(("127.0.0.1", gateway.port), to_server=slow, to_client=slow) as proxy:
        with Client(proxy.address) as client:
            client.say("fetch a", "fetch b", "quit")
            assert client.rest().splitlines()[0::2] == [b'OK "a"', b"OK null"]


def test_a_cut_network_leaves_the_gateway_serving(gateway, client):
    with FaultProxy(("127.0.0.1", gateway.port), to_server=Faults(reset_after=8)) as proxy:
        with Client(proxy.address) as broken:
            broken.say("fetch a", "fetch a", "fetch a")
            broken.closed()
    assert ok(client.ask("ping")) == "pong"


# Listeners


def test_several_listeners_serve_the_same_routes(start, api, tmp_path):
    listen = f'["127.0.0.1:0", "[::1]:0", "unix:{tmp_path}/line"]'
    gateway = start(config(api.url, listen=listen))
    assert len(gateway.addresses) == 3
    for address in gateway.addresses:
        with Client(address) as client:
            assert client.ask("fetch a") == 'OK "a"'


def test_a_unix_socket_has_its_mode(start, api, tmp_path):
    path = tmp_path / "line"
    start(config(api.url, 'unix_mode = "0620"', listen=f'["unix:{path}"]'))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o620


def test_a_unix_socket_peer_may_explain(start, api, tmp_path):
    gateway = start(config(api.url, listen=f'["unix:{tmp_path}/line"]'))
    with gateway.connect() as client:
        assert ok(client.ask("explain fetch a"))["url"] == api.url + "/a"


def test_a_socket_file_left_by_a_killed_gateway_is_taken_over(start, api, tmp_path):
    text = config(api.url, listen=f'["unix:{tmp_path}/line"]')
    Gateway(text).kill()
    with start(text).connect() as client:
        assert ok(client.ask("ping")) == "pong"


def test_all_interfaces_are_both_families(start, api):
    gateway = start(config(api.url, "allow_unauthenticated = true", listen='[":0"]'))
    for address in (("127.0.0.1", gateway.port), ("::1", gateway.port)):
        with Client(address) as client:
            assert ok(client.ask("ping")) == "pong"
