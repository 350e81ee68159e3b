"""Other protocols on the line port: refused at once, in a way that their clients understand, and logged."""

import re
import socket
import ssl
import subprocess

import pytest
from api import reply
from client import ok, rpc_error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/a", reply('"a"'))
    with Gateway(config(api.url)) as running:
        yield running


def refusal(data):
    """Checks that this is the one HTTP answer; returns its sentence."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request", data
    headers = dict(line.lower().split(b": ") for line in lines[1:])
    assert headers[b"connection"] == b"close"
    assert int(headers[b"content-length"]) == len(body)
    return body.decode()


def test_curl_gets_an_http_answer(gateway):
    url = f"http://127.0.0.1:{gateway.port}/a"
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-m", "10", "-w", "|%{http_code}", url], capture_output=True
    )
    sentence, status = done.stdout.decode().strip().rsplit("|", 1)
    assert done.returncode == 0 and status == "400"
    assert len(sentence) > 10
    gateway.wait_for("(?i)http")


@pytest.mark.parametrize("method", "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split())
def test_an_http_method_is_refused(client, method):
    client.send(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    refusal(client.rest())


@pytest.mark.parametrize(
    "line", ["GET", "GET /", "Host: localhost", "fetch a HTTP/1.1", "BREW /pot HTCPCP/1.0 HTTP/1.0"]
)
def test_a_line_that_looks_like_http_is_refused(client, line):
    client.say(line, "fetch a")
    refusal(client.rest())


def test_it_is_refused_before_the_line_ends(client):
    client.send(b"GET /" + b"a" * 1100)
    refusal(client.rest())


def test_a_browser_cannot_get_a_command_in(client, api):
    api.forget()
    body = '{"jsonrpc":"2.0","id":1,"method":"fetch","params":["a"]}'
    client.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}\nfetch a\n".encode())
    refusal(client.rest())
    assert api.count() == 0


def test_a_long_first_line_gets_no_command_in(client, api):
    api.forget()
    client.send(b"/" + b"a" * 70_000 + b" HTTP/1.1\r\nfetch a\n")
    try:
        assert b"OK" not in client.rest()
    except ConnectionResetError:
        pass
    assert api.count() == 0


def test_an_unknown_route_is_no_valid_request(client):
    client.say("nosuch", "GET / HTTP/1.1")
    assert client.reply().startswith("ERR unknown_method ")
    refusal(client.rest())


def test_after_a_valid_request_get_is_an_unknown_route(client):
    client.say("ping", "GET /", "ping")
    assert ok(client.reply()) == "pong"
    assert client.reply().startswith("ERR unknown_method ")
    assert ok(client.reply()) == "pong"


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
def test_after_a_valid_request_an_http_request_line_still_closes(client, version):
    client.say("ping", f"GET / HTTP/{version}", "fetch a")
    assert ok(client.reply()) == "pong"
    refusal(client.rest())


@pytest.mark.parametrize("header", ["Content-Length", "Content-Type"])
def test_header_framed_jsonrpc_is_told_the_framing(client, header):
    body = '{"jsonrpc":"2.0","id":1,"method":"rpc.ping"}'
    client.send(f"{header}: {len(body)}\r\n\r\n{body}".encode())
    client.finish()
    answer = client.answer()
    found = rpc_error(answer, -32600, "invalid_request")
    assert "one message a line" in found["data"]["message"]
    assert client.rest() == b""


def test_a_tls_hello_closes(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as sock:
        context = ssl._create_unverified_context()
        with pytest.raises(OSError):
            context.wrap_socket(sock, server_hostname="localhost")
    gateway.wait_for("(?i)tls")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"\xff\xfd\x18\xff\xfd\x20", b"\xff"])
def test_tls_and_telnet_bytes_close_without_a_line_end(client, data):
    client.send(data)
    assert client.closed()


def test_each_refusal_is_logged_with_its_reason(gateway, client):
    client.send(b"\xff\xfb\x01")
    assert client.closed()
    gateway.wait_for("(?i)telnet")


def test_repeated_refusals_are_logged_once_a_second_with_a_count(start, api):
    gateway = start(config(api.url))
    for _ in range(60):
        with gateway.connect() as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            client.rest()
    gateway.wait_for(r"(?i)http.*\b([2-9]|\d\d)\b such")
    lines = [line for line in gateway.log.splitlines() if "HTTP" in line]
    assert len(lines) <= 20, gateway.log
    counts = [re.search(r"(\d+) such", line) for line in lines]
    assert sum(int(count[1]) if count else 1 for count in counts) == 60
