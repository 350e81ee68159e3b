"""Kept-alive connections that die or get dirty while nobody uses them: they never reach the next call."""

import pytest
from api import Api, Connection, Exchange, in_turn, reply
from certificates import server_context
from client import error, ok, ok_with_meta
from gateway import config

AT_ONCE = 8
TIMEOUT_408 = b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
STRAY_200 = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"stray"'


def push_and_fin(connection, data):
    connection.push(data)
    connection.fin()


SPOILED = {
    "fin": (Connection.fin,),
    "reset": (Connection.reset,),
    "stray 408": (Connection.push, TIMEOUT_408),
    "stray 408, then fin": (push_and_fin, TIMEOUT_408),
    "stray 200": (Connection.push, STRAY_200),
    "one stray byte": (Connection.push, b"\n"),
}


def calls_at_once(client, api):
    """So many calls in flight together, each on a connection of its own; all answered."""
    api.forget()
    hold = api.hold("/a", reply('"right"'))
    client.say(*["fetch a"] * AT_ONCE)
    api.arrived("/a", AT_ONCE)
    hold.release()
    assert ok(client.replies(AT_ONCE)) == ["right"] * AT_ONCE


def spoil_all_idle(api, action, *arguments):
    for connection in api.idle(AT_ONCE):
        connection.do(action, *arguments)


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_idle_connection_is_not_used(start, api, how):
    with start(config(api.url)).connect() as client:
        for _ in range(3):
            calls_at_once(client, api)
            spoil_all_idle(api, *SPOILED[how])
        calls_at_once(client, api)
        assert api.count() == AT_ONCE


def test_healthy_connections_are_used_again(start, api):
    with start(config(api.url)).connect() as client:
        before = len(api.connections)
        for _ in range(5):
            calls_at_once(client, api)
        assert len(api.connections) - before == AT_ONCE


@pytest.fixture
def tls_api(authority):
    with Api(tls=server_context(authority.issue("localhost", "DNS:localhost,IP:127.0.0.1"))) as running:
        yield running


@pytest.mark.parametrize("how", ["close_notify", "close_notify, then fin", "fin", "reset", "stray 408"])
def test_a_spoiled_tls_connection_is_not_used(start, tls_api, authority, how):
    def goodbye(connection):
        if "close_notify" in how:
            connection.close_notify()
        if "fin" in how:
            connection.fin()
        if how == "stray 408":
            connection.push(TIMEOUT_408)
        if how == "reset":
            connection.reset()

    with start(config(tls_api.url, upstream=f'tls = {{ ca_file = "{authority.file}" }}')).connect() as client:
        for _ in range(3):
            calls_at_once(client, tls_api)
            spoil_all_idle(tls_api, goodbye)
        calls_at_once(client, tls_api)
        assert tls_api.count() == AT_ONCE


def test_a_tls_connection_that_is_reset_under_a_request(start, tls_api, authority):
    tls_api.on("/a", in_turn(reply("1"), Exchange.reset, reply("2"), Exchange.reset, reply("3")))
    with start(config(tls_api.url, upstream=f'tls = {{ ca_file = "{authority.file}" }}')).connect() as client:
        assert ok(client.ask("fetch a")) == 1
        body, meta = ok_with_meta(client.ask("fetch a @meta"))
        assert (body, meta["attempts"]) == (2, 2)
        error(client.ask("send a"), "unavailable", reason="reset", sent=True, attempts=1)
        assert ok(client.ask("send a")) == 3


def test_an_api_that_closes_after_each_answer_is_served(start, api):
    api.on("/once", reply("1", headers={"Connection": "close"}))
    with start(config(api.url)).connect() as client:
        assert ok([client.ask("fetch once") for _ in range(10)]) == [1] * 10


def test_an_api_that_closes_without_saying_so_is_served(start, api):
    def answer_and_close(exchange):
        exchange.reply(b"1")
        exchange.close()

    api.on("/abrupt", answer_and_close)
    with start(config(api.url)).connect() as client:
        for _ in range(10):
            assert ok(client.ask("fetch abrupt")) == 1
            api.wait_until(lambda: not api.open_connections())


def test_idle_connections_are_not_kept_for_ever(start, api):
    api.on("/a", reply("1"))
    with start(config(api.url, upstream='max_idle = "1s"')).connect() as client:
        assert ok(client.ask("fetch a")) == 1
        before = len(api.connections)
        assert client.silent(2.1)
        assert ok(client.ask("fetch a")) == 1
        assert len(api.connections) == before + 1
