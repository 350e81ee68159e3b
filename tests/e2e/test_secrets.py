"""Secrets of the config: sent to the API, and never shown in a reply, in explain, in an error or in a log."""

import base64

import pytest
from api import echo, encode, reply
from client import error, ok
from gateway import Gateway, config, environment, run

KEY = "s3cr3t-k3y-0123456789"
QUERY = "qu/ery s3cret+&"
PASSWORD = "p4ssw0rd-xyz"
BODY = 'b0dy-s3cret-"quoted"'
ALL = [KEY, QUERY, PASSWORD, BODY]
# The same, as they look once they are escaped for their place.
SHAPES = ALL + [
    "qu%2Fery%20s3cret%2B%26",
    'b0dy-s3cret-\\"quoted\\"',
    base64.b64encode(b"user:" + PASSWORD.encode()).decode(),
]


@pytest.fixture(scope="module")
def gateway(api, tmp_path_factory):
    file = tmp_path_factory.mktemp("secrets") / "query"
    file.write_text(QUERY + "\n")
    text = config(
        api.url.replace("http://", "http://user:${env:TEST_PASSWORD}@"),
        upstream=f"""
headers = {{ "X-Api-Key" = "${{env:TEST_KEY}}", "X-Both" = "id=7 key=${{env:TEST_KEY}}" }}
query = {{ key = "${{file:{file}}}" }}
""",
        more="""
[log]
level = "trace"
access = "all"

[route.token]
upstream = "api"
method = "POST"
path = "/token"
json = { secret = "${env:TEST_BODY}", name = "{name}" }
params = [{ name = "name", default = "x" }]
""",
    )
    env = environment(TEST_KEY=KEY, TEST_PASSWORD=PASSWORD, TEST_BODY=BODY)
    with Gateway(text, env=env) as running:
        yield running
    assert_silent(running.log)


def assert_silent(text):
    for secret in SHAPES:
        assert secret not in text


def test_they_are_sent(client, api):
    api.forget()
    api.on("/plain", reply("1"))
    assert ok(client.ask("fetch plain")) == 1
    request = api.requests("/plain")[0]
    assert request.header("X-Api-Key") == KEY
    assert request.header("X-Both") == f"id=7 key={KEY}"
    assert request.query == [("key", QUERY)]
    assert base64.b64decode(request.header("Authorization").removeprefix("Basic ")).decode() == f"user:{PASSWORD}"


def test_one_trailing_newline_of_a_file_is_cut(client, api):
    api.forget()
    api.on("/plain", reply("1"))
    client.ask("fetch plain")
    assert "%0A" not in api.requests("/plain")[0].target


def test_they_are_sent_in_a_body(client, api):
    api.forget()
    api.on("/token", reply("1"))
    client.ask("token")
    assert api.requests("/token")[0].json() == {"secret": BODY, "name": "x"}


@pytest.mark.parametrize(
    "line", ["explain fetch plain", "explain token", "routes", "help", "help token", "stats", "hello"]
)
def test_no_built_in_word_shows_them(client, line):
    assert_silent(client.ask(line))


def test_no_jsonrpc_method_shows_them(client):
    for method, params in [
        ("rpc.explain", ["fetch", "plain"]),
        ("rpc.routes", []),
        ("rpc.discover", []),
        ("rpc.stats", []),
    ]:
        client.say({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert_silent(client.reply())


def test_explain_shows_the_rest_of_a_masked_value(client):
    told = ok(client.ask("explain fetch plain"))
    headers = str(told["headers"])
    assert "id=7 key=" in headers and KEY not in headers
    assert "key=" in told["url"]


def test_an_error_body_that_echoes_them_is_masked(client, api):
    api.on("/echo", lambda exchange: exchange.reply(encode(described(exchange)), status=500))
    line = client.ask("fetch echo")
    assert_silent(line)
    assert error(line, "upstream_error")["body"]["method"] == "GET"


def described(exchange):
    request = exchange.request
    query = dict(request.query)
    return {"method": request.method, "target": request.target, "headers": dict(request.headers), "query": query}


def test_an_excerpt_that_echoes_them_is_masked(client, api):
    body = f"wrong key {KEY} and again {KEY} for {PASSWORD} or {QUERY}"
    api.on("/page", reply(body, status=403, type="text/plain"))
    line = client.ask("fetch page")
    assert_silent(line)
    assert error(line, "upstream_error")["excerpt"].startswith("wrong key ")


def test_a_secret_at_the_cut_of_an_excerpt_is_masked(client, api):
    api.on("/edge", reply("x" * 505 + KEY, status=403, type="text/plain"))
    assert KEY[:7] not in client.ask("fetch edge")


def test_a_problem_that_echoes_them_is_masked(client, api):
    api.on("/problem", reply({"detail": f"bad key {KEY}"}, status=401, type="application/problem+json"))
    line = client.ask("fetch problem")
    assert_silent(line)
    assert error(line, "upstream_error")["problem"]["detail"].startswith("bad key ")


def test_a_secret_escaped_by_the_api_is_masked(client, api):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    api.on("/escaped", reply(f'{{"key":"{escaped}"}}'.encode(), status=500))
    assert escaped not in client.ask("fetch escaped")


def test_an_echoed_request_body_is_masked(client, api):
    api.on("/token", lambda exchange: exchange.reply(exchange.request.body, status=422))
    assert_silent(client.ask("token name=n"))


def test_failed_connections_do_not_show_them(start, api):
    from api import Api

    closed = Api()
    closed.close()
    text = config(
        closed.url, upstream='headers = { "X-Api-Key" = "${env:TEST_KEY}" }\nquery = { k = "${env:TEST_KEY}" }'
    )
    gateway = start(text, env=environment(TEST_KEY=KEY))
    with gateway.connect() as client:
        assert_silent(client.ask("fetch a"))
    gateway.stop()
    assert_silent(gateway.log)


def test_a_clients_own_words_are_not_secrets(client, api):
    api.on("/mine", lambda exchange: exchange.reply(exchange.request.body, status=422))
    assert error(client.ask("send mine text=hello"), "upstream_error")["body"] == {"text": "hello"}


def test_a_good_answer_comes_through_unchanged(client, api):
    api.on("/good", echo)
    assert ok(client.ask("fetch good"))["method"] == "GET"


# At the start


def test_a_secret_over_plain_http_warns(gateway):
    gateway.wait_for(r"(?i)secret.*http://|http://.*secret")


def checked(tmp_path, text, **env):
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return run("check", file, env=environment(**env))


@pytest.mark.parametrize("value", ["${env:SURELY_NOT_SET}", "${file:/no/such/file}", "${vault:x}", "${env:"])
def test_a_secret_that_cannot_be_read_is_a_config_error(tmp_path, value):
    done = checked(tmp_path, config("http://127.0.0.1:9", upstream=f'headers = {{ "X-Key" = "{value}" }}'))
    assert done.returncode != 0
    assert "gateway.toml:" in done.stderr + done.stdout


def test_check_does_not_show_them(tmp_path):
    text = config("http://127.0.0.1:9", upstream='headers = { "X-Key" = "${env:TEST_KEY}" }')
    done = checked(tmp_path, text, TEST_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert_silent(done.stdout + done.stderr)


@pytest.mark.parametrize("value", ["two\nlines", "carriage\rreturn"])
def test_a_secret_that_would_split_a_header_is_refused(tmp_path, value):
    text = config("http://127.0.0.1:9", upstream='headers = { "X-Key" = "${env:TEST_KEY}" }')
    done = checked(tmp_path, text, TEST_KEY=value)
    assert done.returncode != 0
    assert value not in done.stderr
