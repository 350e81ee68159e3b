"""Bytes that no sane client sends: each line gets one typed answer, and the connection lives on."""

import json
import random

import pytest
from api import echo, reply
from client import error, ok, rpc_error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    api.on("*", echo)
    with Gateway(config(api.url, "max_protocol_errors = 1000000")) as running:
        yield running


@pytest.fixture
def client(gateway):
    """A connection that has had its first valid request."""
    with gateway.connect() as connected:
        assert ok(connected.ask("ping")) == "pong"
        yield connected


def lives(client):
    return ok(client.ask("ping")) == "pong"


@pytest.mark.parametrize(
    "line", [b"fetch \xff\xfe", b"\xc3", b"fetch \xed\xa0\x80", b"fetch \xc0\xaf", b"fetch \xf5\x80\x80\x80"]
)
def test_text_that_is_not_utf8_is_refused(client, line):
    assert client.ask(line).split()[1] in ("parse_error", "invalid_request")
    assert lives(client)


@pytest.mark.parametrize("line", [b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', b'{"\xff"', b"[\xc3]"])
def test_json_that_is_not_utf8_is_a_parse_error(client, line):
    rpc_error(client.call(line), -32700, "parse_error")
    assert lives(client)


def test_a_nul_is_a_byte_like_others(client):
    answer = client.ask(b"fetch a\0b")
    assert answer.startswith("ERR ") or ok(answer)["target"] == "/a%00b"
    assert client.ask(b"pi\0ng").split()[1] in ("unknown_method", "parse_error")
    assert lives(client)


def test_a_nul_in_a_json_string_is_escaped_for_the_path(client):
    answer = client.rpc("fetch", ["a\0b"])
    assert "error" in answer or answer["result"]["target"] == "/a%00b"


def test_a_raw_nul_in_json_is_a_parse_error(client):
    rpc_error(client.call(b'{"jsonrpc":"2.0","id":1,"method":"rpc.ping\0"}'), -32700, "parse_error")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"jsonrpc"',
        '{"jsonrpc":"2.0","id":1,"method":"rpc.ping"',
        "[",
        "[1,",
        '{"a":}',
        "{]",
        "{}}",
        '{"a":01}',
        "{'a':1}",
    ],
)
def test_half_json_is_a_parse_error(client, line):
    answer = client.call(line)
    assert answer["id"] is None
    rpc_error(answer, -32700, "parse_error")
    assert lives(client)


@pytest.mark.parametrize("line", ["[" * 60_000, '{"a":' * 10_000, "[" * 30_000 + "]" * 30_000])
def test_deep_nesting_is_refused(client, line):
    answer = client.call(line)
    answer = answer[0] if isinstance(answer, list) else answer  # a batch of one thing that is no request
    assert answer["error"]["code"] in (-32700, -32600)
    assert lives(client)


def test_a_200_kilobyte_line_is_refused_and_skipped(client):
    client.say("x" * 200_000, "ping")
    error(client.reply(), "request_too_large")
    assert ok(client.reply()) == "pong"


def test_ten_megabytes_without_a_line_end_are_refused_once(client):
    for _ in range(100):
        client.send(b"y" * 100_000)
    client.send(b"\nping\n")
    error(client.reply(), "request_too_large")
    assert ok(client.reply()) == "pong"


def test_nothing_of_a_refused_line_is_a_request(client, api):
    api.forget()
    client.say("x" * 70_000 + "\rfetch a", "ping")
    error(client.reply(), "request_too_large")
    assert ok(client.reply()) == "pong"
    assert api.count() == 0


def test_control_bytes_come_back_escaped(client):
    line = client.ask(b"\x1b[31mred\x07")
    assert line.isprintable()
    assert line.split()[1] in ("unknown_method", "parse_error")


def test_random_lines_get_one_answer_each(client):
    random.seed(4)
    alphabet = [
        b'"',
        b"\\",
        b"=",
        b"@",
        b"{",
        b"}",
        b"[",
        b"]",
        b" ",
        b"\t",
        b"ping",
        b"fetch",
        b"id",
        b":",
        b",",
        b"\xc3\xa9",
    ]
    alphabet += [b"\x01", b"\x7f", b"\xff", b"0", b"-", b"rpc", b'"jsonrpc":"2.0"']
    lines = []
    while len(lines) < 600:
        line = b"".join(random.choices(alphabet, k=random.randint(1, 12)))
        if line.strip(b" \t") and not line.startswith(b"\xff"):
            lines.append(line)
    for line in lines:
        client.say(line, b"@id=mark ping")
        first = client.line()
        if first == b'#mark OK "pong"':  # text in order comes after, or it was a batch that answers nothing
            first = client.line()
        else:
            assert client.line() == b'#mark OK "pong"', line
        first.decode()
        if first[:1] in b"{[":
            json.loads(first)
        else:
            assert first.startswith((b"OK ", b"ERR ", b"#")), (line, first)


def test_random_bytes_do_no_harm(gateway):
    random.seed(5)
    for turn in range(150):
        with gateway.connect() as other:
            other.send(random.randbytes(random.randint(1, 3000)) + b"\n" * (turn % 2))
            other.finish()
            for line in other.rest().splitlines():
                line.decode()
    with gateway.connect() as other:
        assert lives(other)


def test_many_notifications_are_all_sent(client, api):
    api.forget()
    client.say(*[{"jsonrpc": "2.0", "method": "fetch", "params": ["noted"]}] * 500, "quit")
    assert client.rest() == b"OK null\n"
    assert api.count("/noted") == 500


# Large bodies


def text_of(size):
    return {"text": "x" * (size - len('{"text":""}'))}


def test_a_body_over_the_upstreams_limit_is_refused(client, api):
    api.on("/ten", reply(text_of(10_000_000)))
    error(client.ask("fetch ten"), "upstream_bad_payload", upstream="api", sent=True)
    assert lives(client)


def test_a_body_over_the_reply_limit_is_refused(start, api):
    api.on("/ten", reply(text_of(10_000_000)))
    with start(config(api.url, upstream='max_body = "16MiB"')).connect() as client:
        error(client.ask("fetch ten"), "reply_too_large")


def test_ten_megabytes_come_through_where_they_may(start, api):
    api.on("/ten", reply(text_of(10_000_000)))
    text = config(
        api.url, 'max_reply = "16MiB"', upstream='max_body = "16MiB"\ntimeout = { total = "20s", first_byte = "20s" }'
    )
    with start(text).connect() as client:
        assert len(client.ask("fetch ten")) == len("OK ") + 10_000_000
