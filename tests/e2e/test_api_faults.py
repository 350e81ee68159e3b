"""An API on a bad day: it resets, stalls, drips, cuts its body, lies about its length or type. One typed error each, and
never a wrong answer."""

import gzip
import json

import pytest
from api import Exchange, chunked, echo, head, raw, reply
from client import error, ok
from faultproxy import Faults, FaultProxy
from gateway import Gateway, config

# Short enough to wait for, long enough for a busy machine to answer in.
CLOCKS = 'timeout = { first_byte = "600ms", total = "900ms" }\nmax_body = "64KiB"'


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, upstream=CLOCKS)) as running:
        yield running


CHUNKED = {"Transfer-Encoding": "chunked"}
JSON = b'{"a":1}'


@pytest.mark.parametrize(
    "behaviour",
    [
        Exchange.close,
        Exchange.reset,
        raw(b"HTTP/1.1 200 OK\r\n", then=Exchange.close),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le", then=Exchange.close),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le", then=Exchange.reset),
        raw(head(length=100) + JSON, then=Exchange.close),
        raw(head(length=100) + JSON, then=Exchange.reset),
        raw(head(length=100) + JSON, then=Exchange.half_close),
        raw(head(length=False, headers=CHUNKED) + b"7\r\n" + JSON + b"\r\n", then=Exchange.close),
        raw(head(length=False, headers=CHUNKED) + b"ff\r\n" + JSON, then=Exchange.reset),
    ],
)
def test_a_lost_connection_is_told(client, api, behaviour):
    api.on("/broken", behaviour)
    error(client.ask("fetch broken"), "unavailable", reason="reset", upstream="api", sent=True, attempts=1)


@pytest.mark.parametrize(
    "behaviour, phase",
    [
        (Exchange.stall, "first_byte"),
        (raw(b"HTTP/1.1 100 Continue\r\n\r\n"), "first_byte"),
        (raw(b"HTTP/1.1 200 O"), "first_byte"),
        (raw(head(length=7)), "body"),
        (raw(head(length=7) + b'{"a"'), "body"),
        (raw(head(length=100) + JSON), "body"),
        (raw(head(length=False, headers=CHUNKED) + b"7\r\n" + JSON + b"\r\n"), "body"),
    ],
)
def test_a_stall_ends_by_the_clock(client, api, behaviour, phase):
    api.on("/stalled", behaviour)
    limit = "first_byte" if phase == "first_byte" else "total"
    error(client.ask("fetch stalled"), "upstream_timeout", phase=phase, limit=limit, sent=True)


def test_a_drip_within_the_time_is_an_answer(client, api):
    api.on("/drip", lambda exchange: exchange.drip(head(length=7) + JSON, step=5, every=0.002))
    assert client.ask("fetch drip") == 'OK {"a":1}'


def test_a_drip_beyond_the_time_is_none(client, api):
    api.on("/drip", lambda exchange: exchange.drip(head(length=900) + b" " * 900, step=1, every=0.02))
    error(client.ask("fetch drip"), "upstream_timeout", limit="total", sent=True)


def test_a_head_that_drips_is_held_to_first_byte(client, api):
    api.on("/drip", lambda exchange: exchange.drip(b"HTTP/1.1 200 OK\r\n", step=1, every=0.1))
    error(client.ask("fetch drip"), "upstream_timeout", phase="first_byte", limit="first_byte")


# Type


@pytest.mark.parametrize(
    "type", ["text/html", "text/plain", "application/xml", "application/jsonp", "image/png", "json"]
)
def test_another_content_type_is_no_json(client, api, type):
    api.on("/typed", reply(JSON, type=type))
    error(client.ask("fetch typed"), "upstream_bad_payload", upstream="api", sent=True)


@pytest.mark.parametrize(
    "type",
    [
        None,
        "application/json",
        "Application/JSON; charset=latin1",
        "text/json",
        "application/vnd.api+json",
        "application/geo+json;x=y",
        "application/problem+json",
    ],
)
def test_json_by_content_type(client, api, type):
    api.on("/typed", reply(JSON, type=type))
    assert client.ask("fetch typed") == 'OK {"a":1}'


@pytest.mark.parametrize(
    "body",
    [b"<html></html>", b"{", b'{"a":1', b"{}{}", b"{} x", b"NaN", b'{"a":01}', b'"\xff"', b'"\n"', b"\0", b"   "],
)
def test_bytes_that_are_no_json_are_refused(client, api, body):
    api.on("/lie", reply(body))
    error(client.ask("fetch lie"), "upstream_bad_payload", upstream="api", sent=True)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_empty_body_is_null(client, api, status):
    api.on("/empty", reply(b"", status=status))
    assert client.ask("fetch empty") == "OK null"


def test_no_content_is_null(client, api):
    api.on("/none", reply(b"", status=204, type=None, length=False))
    assert client.ask("fetch none") == "OK null"


def test_text_routes_answer_one_json_string(start, api):
    api.on("/text", reply('two\nlines "é"\x01', type="text/plain"))
    text = config(api.url, more='[route.text]\nupstream = "api"\nmethod = "GET"\npath = "/text"\nresponse = "text"')
    with start(text).connect() as client:
        assert ok(client.ask("text")) == 'two\nlines "é"\x01'


def test_text_routes_ask_for_no_compression(start, api):
    """A compressed body that is cut between two blocks looks complete to libcurl, and text cannot show the cut."""
    api.on("/text", echo)
    text = config(api.url, more='[route.text]\nupstream = "api"\nmethod = "GET"\npath = "/text"\nresponse = "text"')
    with start(text).connect() as client:
        headers = json.loads(ok(client.ask("text")))["headers"]
        assert [value for name, value in headers if name == "Accept-Encoding"] == ["identity"]


# Length


def test_a_body_longer_than_it_says_spoils_no_later_answer(client, api):
    api.on("/longer", raw(head(length=7) + JSON + b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"bad"'))
    api.on("/next", reply('"next"'))
    assert client.ask("fetch longer") == 'OK {"a":1}'
    assert client.ask("fetch next") == 'OK "next"'


def test_a_length_that_cuts_the_json_is_a_bad_payload(client, api):
    api.on("/shorter", raw(head(length=4) + JSON))
    error(client.ask("fetch shorter"), "upstream_bad_payload")


def test_a_body_until_the_end_of_the_connection_is_an_answer(client, api):
    api.on("/old", raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + JSON, then=Exchange.close))
    assert client.ask("fetch old") == 'OK {"a":1}'


def test_chunks_are_put_together(client, api):
    api.on("/chunks", raw(head(length=False, headers=CHUNKED) + chunked(JSON, 2)))
    assert client.ask("fetch chunks") == 'OK {"a":1}'


@pytest.mark.parametrize(
    "answer",
    [
        head(length="x") + JSON,
        head(length=False, headers=CHUNKED) + b"zz\r\n" + JSON,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02\x03 garbage \xff" * 10,
        b"HTTP/9.9 200 OK\r\n\r\n",
        head(headers={"X-Long": "x" * 400_000}),
    ],
)
def test_what_is_not_http_is_some_error_and_no_answer(client, api, answer):
    api.on("/garbage", raw(answer, then=Exchange.close))
    reply_ = client.ask("fetch garbage")
    assert reply_.split()[:2] in (
        ["ERR", "unavailable"],
        ["ERR", "upstream_bad_payload"],
        ["ERR", "upstream_error"],
    ), reply_
    assert json.loads(reply_.split(" ", 2)[2])["sent"] is True
    assert client.ask("ping") == 'OK "pong"'


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3]
)
def test_interim_answers_are_passed_over(client, api, interim):
    api.on("/interim", raw(interim + head(length=7) + JSON))
    assert client.ask("fetch interim") == 'OK {"a":1}'


# Size


@pytest.mark.parametrize("length", [None, False])
def test_a_body_over_max_body_is_refused(client, api, length):
    body = json.dumps("x" * 70_000).encode()
    api.on("/huge", lambda exchange: (exchange.reply(body, length=length), exchange.close()))
    error(client.ask("fetch huge"), "upstream_bad_payload", upstream="api", sent=True)


def test_an_endless_body_is_cut_off(client, api):
    def endless(exchange):
        exchange.send(head(length=False, headers=CHUNKED))
        while True:
            exchange.send(b"400\r\n" + b" " * 1024 + b"\r\n")

    api.on("/endless", endless)
    error(client.ask("fetch endless"), "upstream_bad_payload")
    api.wait_until(lambda: all(connection.idle for connection in api.open_connections()))


# Content coding


def squeezed(body, **how):
    return reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}, **how)


def test_gzip_is_asked_for_and_undone(client, api):
    api.forget()
    api.on("/gzip", squeezed(JSON))
    assert client.ask("fetch gzip") == 'OK {"a":1}'
    assert "gzip" in api.requests("/gzip")[0].header("Accept-Encoding")


def test_gzip_can_be_switched_off(start, api):
    api.forget()
    api.on("/plain", reply(JSON))
    with start(config(api.url, upstream="gzip = false")).connect() as client:
        assert client.ask("fetch plain") == 'OK {"a":1}'
    assert api.requests("/plain")[0].header("Accept-Encoding") is None


def test_a_small_body_that_unpacks_large_is_refused(client, api):
    api.on("/bomb", squeezed(b'"' + b"x" * 10_000_000 + b'"'))
    error(client.ask("fetch bomb"), "upstream_bad_payload")


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(JSON)[:14]])
def test_broken_gzip_is_no_answer(client, api, body):
    api.on("/torn", reply(body, headers={"Content-Encoding": "gzip"}))
    assert client.ask("fetch torn").split()[1] in ("upstream_bad_payload", "unavailable")


# A real server behind a bad network


@pytest.mark.parametrize(
    "faults, symbol, members",
    [
        (Faults(delay=0.05), None, {}),
        (Faults(step=8000, every=0.001), None, {}),
        (Faults(cut_after=0), "unavailable", {"reason": "reset"}),
        (Faults(reset_after=300), "unavailable", {"reason": "reset"}),
        (Faults(cut_after=300), "unavailable", {"reason": "reset"}),
        (Faults(half_close_after=300), "unavailable", {"reason": "reset"}),
        (Faults(stall_after=0), "upstream_timeout", {"phase": "first_byte"}),
        (Faults(stall_after=300), "upstream_timeout", {"phase": "body"}),
    ],
)
def test_a_bad_network_before_nginx(start, nginx, faults, symbol, members):
    with FaultProxy(nginx.address, to_client=faults) as proxy:
        clocks = 'gzip = false\ntimeout = { first_byte = "600ms", total = "900ms" }'
        with start(config(proxy.url, upstream=clocks)).connect() as client:
            answer = client.ask("fetch big")
            if symbol:
                error(answer, symbol, **members)
            else:
                assert len(ok(answer)["text"]) == 300_000


def test_broken_calls_do_not_touch_the_others(client, api):
    def answer(exchange):
        name = exchange.request.path
        exchange.reset() if name.startswith("/bad") else exchange.reply(json.dumps(name).encode())

    api.on("*", answer)
    client.say(*[f"fetch {'bad' if n % 3 == 0 else 'good'}{n}" for n in range(60)])
    for n, answer in enumerate(client.replies(60)):
        if n % 3 == 0:
            error(answer, "unavailable", reason="reset")
        else:
            assert ok(answer) == f"/good{n}"
