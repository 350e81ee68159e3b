"""What the API gets: each value escaped for its place, the configured method, headers and body, and nothing else."""

import json

import pytest
from api import Api, echo, reply
from client import error, ok
from gateway import Gateway, config, environment

ROUTES = """
[route.path]
upstream = "api"
method = "GET"
path = "/v1/{a}/x-{b}.json"
params = [{ name = "a", required = true }, { name = "b", default = "d" }]

[route.query]
upstream = "api"
method = "GET"
path = "/q"
query = { a = "{a}", mixed = "p-{b}-s", fixed = "1 2" }
params = [{ name = "a" }, { name = "b", default = "" }]

[route.header]
upstream = "api"
method = "GET"
path = "/h"
headers = { "X-A" = "{a}", "X-Fixed" = "f" }
params = [{ name = "a" }]

[route.json]
upstream = "api"
method = "PUT"
path = "/j"
json = { s = "{s}", i = "{i}", n = "{n}", b = "{b}", text = "s={s} i={i} b={b}", deep = [{ s = "{s}" }, 1, true], k = "{{s}}" }
params = [
  { name = "s" },
  { name = "i", type = "int" },
  { name = "n", type = "number" },
  { name = "b", type = "bool" },
]

[route.form]
upstream = "api"
method = "POST"
path = "/f"
form = { a = "{a}", fixed = "x&y" }
params = [{ name = "a" }]

[route.braces]
upstream = "api"
method = "GET"
path = "/{{literal}}/{a}"
params = [{ name = "a", required = true }]

[route.remove]
upstream = "api"
method = "DELETE"
path = "/r/{a}"
params = [{ name = "a", required = true }]

[route.plain]
upstream = "api"
path = "/plain"
"""


@pytest.fixture(scope="module")
def gateway(api):
    api.on("*", echo)
    upstream = 'query = { always = "yes" }\nheaders = { "User-Agent" = "linegate", "X-Up" = "u" }'
    with Gateway(config(api.url + "/base", upstream=upstream, routes=ROUTES)) as running:
        yield running


@pytest.fixture
def last(client, api):
    """Says a line and returns the request that the API got."""

    def ask(line):
        api.forget()
        ok(client.ask(line))
        assert api.count() == 1
        return api.requests()[0]

    return ask


def quoted(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    "value, escaped",
    [
        ("plain-._~1", "plain-._~1"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("a+b&c=d;e", "a%2Bb%26c%3Dd%3Be"),
        ("é", "%C3%A9"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("a:b@c", "a%3Ab%40c"),
        ("\r\nX: y", "%0D%0AX%3A%20y"),
        ("{a}", "%7Ba%7D"),
        ("!$'()*,[]", "%21%24%27%28%29%2A%2C%5B%5D"),
    ],
)
def test_a_path_value_is_escaped(last, value, escaped):
    assert last(f"path {quoted(value)}").path == f"/base/v1/{escaped}/x-d.json"


@pytest.mark.parametrize("value", ["", ".", "..", "a/..", "../a", "a/./b", "..\\a"])
def test_a_path_value_that_could_climb_is_refused(client, api, value):
    api.forget()
    error(client.ask(f"path {quoted(value)}"), "invalid_params", param="a")
    assert api.count() == 0


def test_a_query_value_is_escaped(last):
    request = last(f"query {quoted('a&b=c d+é#%')} b=x")
    assert len(request.query) == 4
    assert dict(request.query) == {"a": "a&b=c d+é#%", "mixed": "p-x-s", "fixed": "1 2", "always": "yes"}


def test_a_query_key_without_a_value_is_left_out(last):
    assert dict(last("query").query) == {"mixed": "p--s", "fixed": "1 2", "always": "yes"}


def test_an_empty_query_value_is_sent_when_it_was_given(last):
    assert dict(last('query a=""').query)["a"] == ""


def test_headers_are_sent(last):
    request = last("header value")
    assert (request.header("X-A"), request.header("X-Fixed"), request.header("X-Up")) == ("value", "f", "u")
    assert request.header("User-Agent") == "linegate"


def test_an_empty_header_value_leaves_the_header_out(last):
    assert last("header").header("X-A") is None
    assert last('header ""').header("X-A") is None


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
def test_a_header_value_cannot_end_its_line(client, api, value):
    api.forget()
    error(client.ask(f"header {quoted(value)}"), "invalid_params", param="a")
    assert api.count() == 0


def test_a_json_body_has_types(last):
    request = last(f"json {quoted('é')} -5 1E+400 true")
    assert request.method == "PUT" and request.header("Content-Type") == "application/json"
    assert b"1E+400" in request.body
    body = json.loads(request.body.replace(b"1E+400", b"7"))
    assert body == {
        "s": "é",
        "i": -5,
        "n": 7,
        "b": True,
        "text": "s=é i=-5 b=true",
        "deep": [{"s": "é"}, 1, True],
        "k": "{s}",
    }


def test_a_json_string_is_escaped(last):
    value = 'a"b\\c\n\t\x01\x7f\u2028é'
    assert last(f"json {quoted(value)} 1 1 true").json()["s"] == value


def test_a_form_value_is_escaped(last):
    request = last(f"form {quoted('a b&c=d+é%')}")
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"
    assert b"a+b%26c%3Dd%2B%C3%A9%25" in request.body or b"a%20b%26c%3Dd%2B%C3%A9%25" in request.body
    assert b"x%26y" in request.body


def test_doubled_braces_are_braces(last):
    assert last("braces x").path in ("/base/%7Bliteral%7D/x", "/base/{literal}/x")


def test_a_delete_has_no_body(last):
    request = last("remove x")
    assert (request.method, request.body, request.header("Content-Type")) == ("DELETE", b"", None)


def test_get_is_the_default_method(last):
    assert last("plain").method == "GET"


def test_nothing_of_curl_shows(last):
    request = last("plain")
    names = {name.lower() for name, _ in request.headers}
    assert names <= {"host", "user-agent", "x-up", "accept", "accept-encoding"}, names
    assert request.version == "HTTP/1.1"


def test_no_expect_header_before_a_large_body(start, api):
    api.forget()
    text = config(
        api.url, 'max_line = "4MiB"', routes=ROUTES.replace('{ name = "s" }', '{ name = "s", max_length = 1000000 }')
    )
    with start(text).connect() as client:
        client.ask(f"json {'é' * 900_000} 1 1 true")
    request = api.requests()[0]
    assert request.header("Expect") is None and len(request.body) > 1_500_000


def test_a_proxy_of_the_environment_is_not_used(start, api):
    api.on("/plain", reply("1"))
    with Api() as proxy:
        env = environment(http_proxy=proxy.url, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url)
        with start(config(api.url, routes=ROUTES), env=env).connect() as client:
            assert ok(client.ask("plain")) == 1
        assert proxy.connections == []


def test_a_configured_proxy_is_used(start, api):
    with Api() as proxy:
        proxy.on("*", reply('"by proxy"'))
        with start(config(api.url, upstream=f'proxy = "{proxy.url}"', routes=ROUTES)).connect() as client:
            assert ok(client.ask("plain")) == "by proxy"
        assert proxy.requests()[0].target == api.url + "/plain"


def test_explain_tells_what_is_then_sent(client, api):
    api.forget()
    line = 'json "x" 1 2.50 true'
    told = ok(client.ask("explain " + line))
    ok(client.ask(line))
    request = api.requests()[0]
    assert told["url"] == api.url + request.target
    assert told["method"] == request.method
    sent = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    assert json.loads(sent) == request.json()


def test_a_base_url_may_end_in_a_slash(start, api):
    api.forget()
    with start(config(api.url + "/base/", routes=ROUTES)).connect() as client:
        ok(client.ask("plain"))
    assert api.requests()[0].path == "/base/plain"
