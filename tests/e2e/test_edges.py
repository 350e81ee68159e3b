"""Values at the very edge: durations, sizes and numbers that are just right, just too large, or absurd."""

import pytest
from api import Exchange, echo, raw, reply
from client import error, ok, ok_with_meta, rpc_error
from gateway import Gateway, config

ROUTES = """
[route.fetch]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]
reply_headers = ["X-Odd", "Link"]

[route.int]
upstream = "api"
method = "GET"
path = "/int"
query = { n = "{n}" }
params = [{ name = "n", type = "int" }]

[route.probe]
upstream = "api"
method = "HEAD"
path = "/head"

[route.text]
upstream = "api"
method = "GET"
path = "/text"
response = "text"

[route.send]
upstream = "api"
method = "POST"
path = "/sent"
json = { text = "{text}" }
params = [{ name = "text", max_length = 100000 }]
"""


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/int", echo)
    api.on("/sent", echo)
    api.on("/a", reply("1"))
    limits = 'max_reply = "20KiB"'
    with Gateway(config(api.url, limits, upstream='max_body = "10KiB"', routes=ROUTES)) as running:
        yield running


# Time


@pytest.mark.parametrize("value", ["1ms", "1us", "5s", "10m", "1h", "99999h"])
def test_a_deadline_may_be_short_or_long(client, value):
    answer = client.ask(f"fetch a @timeout={value}")
    assert answer == "OK 1" or answer.startswith(("ERR upstream_timeout ", "ERR invalid_request "))


@pytest.mark.parametrize(
    "value", ["0", "0s", "-1s", "1e3s", "s", "1.5.5s", "1 s", "99999999999999999999h", "9223372036854775807s", "١s"]
)
def test_an_absurd_deadline_is_refused_or_harmless(client, value):
    answer = client.ask(f'fetch a @timeout="{value}"')
    assert answer == "OK 1" or answer.split()[1] in ("invalid_request", "upstream_timeout"), answer
    assert client.ask("ping") == 'OK "pong"'


@pytest.mark.parametrize("value", [0, 1, -1, 1.5, 1e18, 9223372036854775807, 10**30, "1e400", None, [], "5"])
def test_an_absurd_deadline_in_meta_is_refused_or_harmless(client, value):
    text = "1e400" if value == "1e400" else '"5"' if value == "5" else str(value).replace("None", "null")
    line = f'{{"jsonrpc":"2.0","id":1,"method":"fetch","params":["a"],"meta":{{"timeout_ms":{text}}}}}'
    answer = client.call(line)
    assert answer.get("result") == 1 or answer["error"]["code"] in (-32600, -32003), answer


# Numbers


@pytest.mark.parametrize("n", ["9223372036854775807", "-9223372036854775808", "0", "-1"])
def test_an_int_has_64_bits(client, n):
    assert f"n={n}" in ok(client.ask(f"int {n}"))["target"]


@pytest.mark.parametrize(
    "n", ["9223372036854775808", "-9223372036854775809", "1e3", "1.0", "+1", "01", "0x1", "--1", "1_000", "٣"]
)
def test_anything_else_is_no_int(client, n):
    error(client.ask(f"int {n}"), "invalid_params", param="n")


@pytest.mark.parametrize("n", ["9223372036854775808", "1.5", "1E400", "true", '"1"'])
def test_anything_else_is_no_int_in_jsonrpc_either(client, n):
    answer = client.call(f'{{"jsonrpc":"2.0","id":1,"method":"int","params":[{n}]}}')
    rpc_error(answer, -32602, "invalid_params", param="n")


# Sizes


def string(size):
    return b'"' + b"x" * (size - 2) + b'"'


def test_a_body_of_exactly_max_body_is_an_answer(client, api):
    api.on("/edge", reply(string(10 * 1024)))
    assert len(ok(client.ask("fetch edge"))) == 10 * 1024 - 2


def test_a_body_of_one_byte_more_is_none(client, api):
    api.on("/edge", reply(string(10 * 1024 + 1)))
    error(client.ask("fetch edge"), "upstream_bad_payload")


def test_a_line_near_the_limit_goes_through_whole(client):
    text = "y" * 60_000
    answer = client.ask(f"send {text}")
    error(answer, "upstream_bad_payload")  # the echo is over max_body: the request itself was fine


def test_an_error_body_over_max_body_is_still_that_status(client, api):
    api.on("/large", reply(string(15 * 1024), status=500))
    answer = client.ask("fetch large")
    assert answer.startswith(("ERR upstream_error ", "ERR upstream_bad_payload "))


# Methods and types


def test_head_has_no_body(client, api):
    api.on("/head", lambda exchange: exchange.reply(b"", length=1234))
    assert client.ask("probe") == "OK null"
    assert client.ask("fetch a") == "OK 1"


def test_text_that_is_not_utf8_is_made_so(client, api):
    api.on("/text", reply(b"caf\xe9 \x00 \xff", type="text/plain"))
    assert ok(client.ask("text")).startswith("caf")


def test_a_header_that_is_not_utf8_is_shown_as_valid_json(client, api):
    def answer(exchange):
        exchange.send(b'HTTP/1.1 200 OK\r\nX-Odd: caf\xe9 "\\ \x01\r\nContent-Length: 1\r\n\r\n1')

    api.on("/odd", answer)
    body, meta = ok_with_meta(client.ask("fetch odd @meta"))
    assert body == 1 and len(meta["headers"]) == 1


def test_a_header_that_comes_twice_is_shown_whole(client, api):
    head = b"HTTP/1.1 200 OK\r\nLink: <a>\r\nLink: <b>\r\nContent-Length: 1\r\n\r\n1"
    api.on("/twice", lambda exchange: exchange.send(head))
    _, meta = ok_with_meta(client.ask("fetch twice @meta"))
    shown = str(meta["headers"])
    assert "<a>" in shown and "<b>" in shown


def test_cookies_are_not_kept(client, api):
    api.forget()
    api.on("/cookie", reply("1", headers={"Set-Cookie": "a=b; Path=/"}))
    assert ok([client.ask("fetch cookie") for _ in range(3)]) == [1, 1, 1]
    assert [request.header("Cookie") for request in api.requests("/cookie")] == [None] * 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\nContent-Length: 1\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 5000 + b"Content-Length: 1\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n11",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\n\xff",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n1",
        b"HTTP/1.1 302 Found\r\nLocation: " + b"/" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_odd_response_is_one_typed_error(client, api, answer):
    api.on("/odd", raw(answer, then=Exchange.close))
    reply_ = client.ask("fetch odd")
    assert reply_.startswith(("ERR upstream_", "ERR unavailable ")) or reply_ in ("OK 1", "OK 11", "OK null"), reply_
    assert not (reply_ == "OK null" and b"200 OK" not in answer), reply_
    assert client.ask("ping") == 'OK "pong"'


# Ends


def test_a_batch_is_answered_after_the_end_of_input(client, api):
    hold = api.hold("/held", reply("2"))
    client.say([{"jsonrpc": "2.0", "id": n, "method": "fetch", "params": ["held"]} for n in range(3)])
    client.finish()
    api.arrived("/held", 3)
    hold.release()
    assert client.rest().count(b'"result":2') == 3


def test_quit_may_have_an_id(client):
    client.say("@id=bye quit")
    assert client.rest() == b"#bye OK null\n"


@pytest.mark.parametrize("line", ["quit now", "ping now", "hello you", "stats all", "routes x=1"])
def test_words_without_parameters_take_none(client, line):
    assert client.ask(line).split()[1] in ("invalid_params", "invalid_request")
    assert client.ask("ping") == 'OK "pong"'


def test_a_flood_of_small_requests_starves_nobody(gateway, client):
    with gateway.connect() as flood:
        import threading

        writer = threading.Thread(target=flood.send, args=(b"ping\n" * 100_000,))
        writer.start()
        flood.reply()
        for _ in range(20):
            assert client.ask("fetch a") == "OK 1"
        for _ in range(99_999):
            assert flood.line() == b'OK "pong"'
        writer.join()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n\n", " \n"])
def test_empty_lines_cost_nothing(client, end):
    client.send((end * 5000).encode() + b"ping\n")
    assert client.reply() == 'OK "pong"'
