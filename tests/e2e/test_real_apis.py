"""nginx and httpbin as the APIs behind the gateway: what real servers do, rather than what we imagine."""

import pytest
from client import error, ok
from gateway import Gateway, config

HTTPBIN = """
[upstream.httpbin]
base_url = "%s"
headers = { "User-Agent" = "linegate", "X-Fixed" = "yes" }
query = { common = "1" }
timeout = { first_byte = "15s", total = "20s" }

[route.anything]
upstream = "httpbin"
method = "GET"
path = "/anything/{item}"
query = { q = "{q}" }
headers = { "X-Given" = "{given}" }
params = [{ name = "item", required = true }, { name = "q" }, { name = "given" }]

[route.post]
upstream = "httpbin"
method = "POST"
path = "/anything"
json = { name = "{name}", count = "{count}", nested = { list = ["{name}", "x-{count}"] } }
params = [{ name = "name", required = true }, { name = "count", type = "int", default = 1 }]

[route.form]
upstream = "httpbin"
method = "POST"
path = "/anything"
form = { name = "{name}", fixed = "a&b" }
params = [{ name = "name", required = true }]

[route.status]
upstream = "httpbin"
method = "GET"
path = "/status/{code}"
params = [{ name = "code", required = true }]

[route.page]
upstream = "httpbin"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]

[route.drip]
upstream = "httpbin"
method = "GET"
path = "/drip"
query = { duration = "{duration}", numbytes = "20", code = "200" }
params = [{ name = "duration", required = true }]

[route.delay]
upstream = "httpbin"
method = "GET"
path = "/delay/{seconds}"
params = [{ name = "seconds", required = true }]
"""


@pytest.fixture(scope="module")
def gateway(nginx, httpbin):
    with Gateway(config(nginx.url, more=HTTPBIN % httpbin.url)) as running:
        yield running


# nginx


def test_nginx_serves_a_file_as_one_line(client):
    assert client.ask("fetch weather") == 'OK {"city":"Oslo","temp_c":3.50}'


def test_nginx_squeezes_a_large_file(client):
    assert len(ok(client.ask("fetch big"))["text"]) == 300_000


def test_nginx_serves_an_empty_file(client):
    assert client.ask("fetch empty") == "OK null"


def test_nginx_says_404_as_a_page(client):
    found = error(client.ask("fetch nowhere"), "upstream_not_found", status=404)
    assert "404 Not Found" in found["excerpt"]


def test_nginx_says_503_as_json(client):
    error(client.ask("fetch broken"), "upstream_error", status=503, body={"why": "maintenance"})


def test_nginx_says_a_problem(client):
    error(
        client.ask("fetch problem"),
        "upstream_error",
        status=422,
        problem={"type": "about:blank", "title": "Unprocessable", "status": 422},
    )


def test_nginx_answers_a_page_where_json_was_due(client):
    error(client.ask("fetch page"), "upstream_bad_payload")


def test_nginx_redirects(client):
    error(client.ask("fetch moved"), "upstream_error", status=302)


def test_nginx_limits_the_rate(client):
    client.say(*["fetch limited"] * 3)
    replies = client.replies(3)
    assert sum(reply.startswith("OK ") for reply in replies) == 1
    assert sum(reply.startswith("ERR rate_limited ") for reply in replies) == 2


def test_nginx_closes_after_each_answer(client):
    client.say(*["fetch oneshot"] * 50)
    assert client.replies(50) == ['OK {"city":"Oslo","temp_c":3.50}'] * 50


def test_nginx_refuses_a_post_to_a_file(client):
    error(client.ask("send weather text=x"), "upstream_error", status=405)


def test_nginx_under_many_pipelined_calls(client):
    client.say(*["fetch weather"] * 500)
    assert client.replies(500) == ['OK {"city":"Oslo","temp_c":3.50}'] * 500


# httpbin


def test_httpbin_gets_path_query_and_headers(client):
    seen = ok(client.ask('anything "a b/c?d" q="x&y=é" given=v'))
    assert seen["method"] == "GET"
    assert seen["args"] == {"common": "1", "q": "x&y=é"}
    assert seen["headers"]["X-Given"] == "v" and seen["headers"]["X-Fixed"] == "yes"
    assert seen["headers"]["User-Agent"] == "linegate"
    assert "/anything/a%20b/c%3Fd?" in seen["url"]  # gunicorn has undone the %2F


def test_httpbin_gets_a_json_body(client):
    answer = client.rpc("post", {"name": 'é "quoted"', "count": 9007199254740993})
    seen = answer["result"]
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["json"] == {
        "name": 'é "quoted"',
        "count": 9007199254740993,
        "nested": {"list": ['é "quoted"', "x-9007199254740993"]},
    }


def test_httpbin_gets_a_form(client):
    seen = ok(client.ask('form "a b&c=é+"'))
    assert seen["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert seen["form"] == {"name": "a b&c=é+", "fixed": "a&b"}


@pytest.mark.parametrize(
    "code, symbol",
    [(404, "upstream_not_found"), (418, "upstream_error"), (429, "rate_limited"), (500, "upstream_error")],
)
def test_httpbin_answers_a_status(client, code, symbol):
    error(client.ask(f"status {code}"), symbol, status=code)


def test_httpbin_sends_gzip(client):
    assert ok(client.ask("page gzip"))["gzipped"] is True


def test_httpbin_sends_json(client):
    assert len(ok(client.ask("page uuid"))["uuid"]) == 36


def test_httpbin_sends_html(client):
    error(client.ask("page html"), "upstream_bad_payload")


def test_httpbin_is_late(client):
    client.say("@id=late delay 1", "@id=hasty delay 5 @timeout=300ms")
    hasty, late = client.replies(2)
    assert hasty.startswith("#hasty ERR upstream_timeout ")
    assert late.startswith("#late OK ")


def test_httpbin_drips_beyond_the_deadline(client):
    error(client.ask("drip 3 @timeout=500ms"), "upstream_timeout", limit="client")
