"""HTTP/2 to the API, over TLS and ALPN, through nginx. It is forced here, because libcurl before 8.10 does it badly:
what those versions take for a complete answer must still be an error of ours."""

import pytest
from api import head, reply
from client import error, ok
from gateway import config
from servers import Nginx

AT_ONCE = 100
BODY = b'"' + b"x" * 200_000 + b'"'


@pytest.fixture(scope="module")
def front(api, authority):
    """nginx, which speaks HTTP/2 with the gateway and HTTP/1.1 with the scripted API behind it."""
    file, key = authority.issue("front", "DNS:localhost,IP:127.0.0.1")
    more = f"""
    ssl_certificate {file}; ssl_certificate_key {key};
    location = /connection {{ return 200 '"$connection"'; }}
    location / {{ gzip off; proxy_pass {api.url}; proxy_http_version 1.1; proxy_buffering off; }}
    """
    with Nginx({}, "ssl http2", more) as running:
        yield running


@pytest.fixture
def client(start, front, authority):
    more = f'http = "2"\nhttp2_force = true\ntls = {{ ca_file = "{authority.file}" }}'
    with start(config(front.url.replace("http:", "https:"), upstream=more)).connect() as connected:
        yield connected


def test_many_calls_share_one_connection(client):
    client.say(*["fetch connection"] * AT_ONCE)
    assert len(set(ok(client.replies(AT_ONCE)))) == 1


def test_large_answers_arrive_whole_side_by_side(client, api):
    api.on("/large", reply(BODY))
    client.say(*["fetch large"] * AT_ONCE)
    assert ok(client.replies(AT_ONCE)) == ["x" * 200_000] * AT_ONCE


@pytest.mark.parametrize("cut", [0, 1, 1000, 100_000, len(BODY) - 1])
def test_an_answer_that_is_cut_is_an_error(client, api, cut):
    def cut_off(exchange):
        exchange.send(head(length=len(BODY)) + BODY[:cut])
        exchange.close()

    api.on("/cut", cut_off)
    error(client.ask("fetch cut"), "unavailable", reason="reset", sent=True)
    api.on("/whole", reply("1"))
    assert ok(client.ask("fetch whole")) == 1


def test_a_chunked_answer_that_is_cut_is_an_error(client, api):
    def cut_off(exchange):
        exchange.send(head(length=False, headers={"Transfer-Encoding": "chunked"}) + b"1\r\n1\r\n")
        exchange.close()

    api.on("/chunked", cut_off)
    error(client.ask("fetch chunked"), "unavailable", reason="reset", sent=True)


def test_a_cancelled_call_leaves_the_others_alone(client, api):
    hold = api.hold("/held", reply("1"))
    client.say("fetch held @timeout=100ms", *["fetch connection @id=%d" % i for i in range(10)])
    others = client.replies(10)
    error(client.reply(), "upstream_timeout", limit="client")
    assert len({reply.partition(" ")[2] for reply in others}) == 1
    hold.release()
