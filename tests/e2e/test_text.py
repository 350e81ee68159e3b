"""The text dialect: words in, one line out. Framing, arguments, options, built-in words."""

import json

import pytest
from api import echo, reply
from client import error, ok, ok_with_meta
from gateway import Gateway, config

ROUTES = """
[route.weather]
help = "Current weather for a city"
upstream = "weather"
method = "GET"
path = "/current/{city}"
query = { units = "{units}", lang = "en" }
params = [
  { name = "city", required = true, max_length = 12 },
  { name = "units", enum = ["metric", "imperial"], default = "metric" },
]

[route.typed]
upstream = "weather"
method = "GET"
path = "/typed"
query = { n = "{n}", x = "{x}", flag = "{flag}" }
params = [
  { name = "n", type = "int", min = 1, max = 5 },
  { name = "x", type = "number" },
  { name = "flag", type = "bool" },
]
"""


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/current/oslo", reply(b'{"city": "Oslo",\n "temp_c": 3.50}\n'))
    api.on("/typed", echo)
    api.on("*", echo)
    with Gateway(config(api.url, routes=ROUTES).replace("[upstream.api]", "[upstream.weather]")) as running:
        yield running


OSLO = 'OK {"city":"Oslo","temp_c":3.50}'


def target(reply):
    """What the echoing API was asked for: path and query, the query as a dict."""
    path, _, query = ok(reply)["target"].partition("?")
    return path, dict(pair.split("=") for pair in query.split("&") if pair)


# The exchange of the protocol's page.


def test_a_route_answers_the_apis_json_in_one_line(client):
    assert client.ask("weather oslo") == OSLO


def test_an_id_tags_the_reply(client):
    assert client.ask("@id=7 weather oslo") == "#7 " + OSLO


def test_an_unknown_route_gets_a_suggestion(client):
    assert client.ask("wether oslo") == (
        'ERR unknown_method {"message":"\\"wether\\" is not a route; did you mean \\"weather\\"?","did_you_mean":["weather"]}'
    )


def test_a_missing_parameter_is_named_with_the_usage(client):
    assert client.ask("weather") == (
        'ERR invalid_params {"message":"missing parameter \\"city\\"; usage: weather <city> [units]","param":"city"}'
    )


def test_the_clients_own_deadline_is_told(client, api):
    hold = api.hold("/current/slow")
    assert client.ask("weather slow @timeout=50ms") == (
        'ERR upstream_timeout {"message":"no answer within 50 ms","upstream":"weather","phase":"first_byte",'
        '"limit":"client","sent":true,"attempts":1}'
    )
    hold.release()


def test_meta_adds_a_second_object(client):
    body, meta = ok_with_meta(client.ask("weather oslo @meta"))
    assert body == {"city": "Oslo", "temp_c": 3.5}
    assert (meta["cache"], meta["attempts"], meta["status"]) == ("off", 1, 200)
    assert meta["upstream_ms"] >= 0


# Framing.


@pytest.mark.parametrize(
    "sent",
    [
        b"ping\n",
        b"ping\r\n",
        b"  ping\t \n",
        b"\n\r\n  \nping\n",
        b"\xef\xbb\xbfping\n",
    ],
)
def test_one_cr_blanks_empty_lines_and_a_bom_are_dropped(client, sent):
    client.send(sent)
    client.say("quit")
    assert client.rest() == b'OK "pong"\nOK null\n'


def test_a_bom_later_than_the_start_is_not_dropped(client):
    client.say("ping", b"\xef\xbb\xbfping")
    assert ok(client.reply()) == "pong"
    error(client.reply(), "unknown_method")


def test_names_are_case_sensitive(client):
    error(client.ask("Weather oslo"), "unknown_method", did_you_mean=["weather"])
    error(client.ask("PING"), "unknown_method")


# Arguments.


@pytest.mark.parametrize(
    "line",
    [
        "weather Rome imperial",
        "weather city=Rome units=imperial",
        "weather units=imperial city=Rome",
        "weather units=imperial Rome",
        "weather Rome units=imperial",
        'weather "Rome" units="imperial"',
        "weather   Rome \t imperial  ",
        'weather "Ro\\u006de" imperial',
    ],
)
def test_arguments_come_by_position_or_by_name(client, line):
    assert target(client.ask(line)) == ("/current/Rome", {"units": "imperial", "lang": "en"})


def test_a_default_stands_in_for_a_parameter_not_given(client):
    assert target(client.ask("weather Rome"))[1]["units"] == "metric"


def test_a_parameter_without_a_default_leaves_its_key_out(client):
    assert target(client.ask("typed x=2")) == ("/typed", {"x": "2"})


def test_a_value_is_utf8_and_escaped_for_its_place(client):
    assert target(client.ask('weather city="São Paulo"'))[0] == "/current/S%C3%A3o%20Paulo"


def test_a_quoted_word_is_never_a_named_argument(client):
    assert target(client.ask('weather "a=b"'))[0] == "/current/a%3Db"


def test_a_bare_word_may_hold_a_quote_and_an_at_sign_inside(client):
    assert target(client.ask("weather a@b"))[0] == "/current/a%40b"


@pytest.mark.parametrize(
    "line, members",
    [
        ("weather oslo city=rome", {"param": "city"}),
        ("weather city=oslo city=rome", {"param": "city"}),
        ("weather city=oslo imperial", {"param": "city"}),  # by position it is the first parameter again
        ("weather oslo metric more", {}),
        ("weather ctiy=oslo", {"did_you_mean": ["city"]}),
        ("weather oslo kelvin", {"param": "units"}),
        ('weather ""', {"param": "city"}),
        ("weather .", {"param": "city"}),
        ("weather ..", {"param": "city"}),
        ("weather a/../b", {"param": "city"}),
        ("weather a\\..\\b", {"param": "city"}),
        ("weather abcdefghijklm", {"param": "city"}),
        ("typed n=0", {"param": "n"}),
        ("typed n=6", {"param": "n"}),
        ("typed n=1.5", {"param": "n"}),
        ("typed n=99999999999999999999", {"param": "n"}),
        ("typed n=abc", {"param": "n"}),
        ("typed x=.5", {"param": "x"}),
        ("typed x=0x10", {"param": "x"}),
        ("typed x=NaN", {"param": "x"}),
        ("typed flag=yes", {"param": "flag"}),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_sent(client, api, line, members):
    api.forget()
    error(client.ask(line), "invalid_params", **members)
    assert api.count() == 0


@pytest.mark.parametrize("number", ["1E+400", "3.50", "-0", "123456789012345678901234567890", "1e-7"])
def test_a_number_is_passed_on_byte_for_byte(client, number):
    assert target(client.ask(f"typed x={number}"))[1]["x"] == number.replace("+", "%2B")


def test_typed_values_are_parsed_by_their_type(client):
    assert target(client.ask("typed 5 2.5 true"))[1] == {"n": "5", "x": "2.5", "flag": "true"}


def test_length_is_counted_in_code_points(client):
    assert target(client.ask("weather " + "é" * 12))[0] == "/current/" + "%C3%A9" * 12
    error(client.ask("weather " + "é" * 13), "invalid_params", param="city")


@pytest.mark.parametrize("line", ['weather "oslo"x', 'weather "oslo', 'weather "os\\qlo"', 'weather city="oslo"x'])
def test_a_badly_quoted_word_is_refused(client, line):
    symbol = client.ask(line).split()[1]
    assert symbol in ("invalid_request", "parse_error")


# Options.


def test_options_stand_before_or_after_the_name(client):
    assert client.ask("weather @id=a oslo") == client.ask("@id=a weather oslo") == "#a " + OSLO


def test_raw_leaves_out_ok(client):
    assert client.ask("@raw weather oslo") == OSLO.removeprefix("OK ")
    assert client.ask("@id=x @raw weather oslo") == "#x " + OSLO.removeprefix("OK ")
    error(client.ask("@raw weather"), "invalid_params")


@pytest.mark.parametrize(
    "line",
    [
        "@raw @meta weather oslo",
        "@nope weather oslo",
        "@meta @meta weather oslo",
        "@timeout=1s weather oslo @timeout=1s",
        "@timeout=fast weather oslo",
        "@timeout weather oslo",
        "@id= weather oslo",
        "@id=a/b weather oslo",
        f"@id={'x' * 65} weather oslo",
        "@fresh=1 weather oslo",
        "@meta",
    ],
)
def test_wrong_options_are_invalid_requests(client, line):
    assert "ERR invalid_request {" in client.ask(line)


def test_the_longest_id_is_64_bytes(client):
    token = "A" * 60 + "._:-"
    assert client.ask(f"@id={token} ping") == f'#{token} OK "pong"'


def test_an_error_carries_the_id_too(client):
    assert client.ask("@id=e wether").startswith("#e ERR unknown_method ")
    assert client.ask("@id=e weather").startswith("#e ERR invalid_params ")


def test_fresh_is_accepted(client):
    assert client.ask("@fresh weather oslo") == OSLO


def test_the_clients_deadline_is_never_longer_than_the_routes(start, api):
    text = config(api.url, upstream='timeout = { total = "100ms" }')
    api.hold("/never")
    with start(text).connect() as client:
        error(client.ask("@timeout=20s fetch never"), "upstream_timeout", limit="total")


# Suggestions and reflected input.


def test_reflected_input_is_cut_at_64_bytes(client):
    message = error(client.ask("w" * 2000), "unknown_method")["message"]
    assert "w" * 64 in message and "w" * 65 not in message


def test_only_short_words_get_a_suggestion(client):
    assert "did_you_mean" not in error(client.ask("weather" + "r" * 60), "unknown_method")


# Built-in words.


def test_ping(client):
    assert client.ask("ping") == 'OK "pong"'


def test_hello_tells_the_limits(client):
    hello = ok(client.ask("hello"))
    assert (hello["server"], hello["protocol"]) == ("linegate", 1)
    assert hello["version"]
    assert hello["limits"].items() >= {"line": 65536, "reply": 4194304, "batch": 100, "in_flight": 64}.items()


def test_help_is_lines_for_people(client):
    lines = ok(client.ask("help"))
    assert all(isinstance(line, str) and "\n" not in line for line in lines)
    assert any("weather" in line and "Current weather for a city" in line for line in lines)


def test_help_of_a_route_tells_its_parameters(client):
    text = "\n".join(ok(client.ask("help weather")))
    assert "city" in text and "units" in text and "imperial" in text


def test_help_of_an_unknown_route_suggests(client):
    error(client.ask("help wether"), "unknown_method", did_you_mean=["weather"])


def test_routes_describes_every_route(client):
    routes = {route["name"]: route for route in ok(client.ask("routes"))}
    assert set(routes) == {"weather", "typed"}
    assert (routes["weather"]["help"], routes["weather"]["idempotent"]) == ("Current weather for a city", True)
    city, units = routes["weather"]["params"]
    assert city.items() >= {"name": "city", "type": "string", "required": True}.items()
    assert units.items() >= {"name": "units", "type": "string", "required": False, "default": "metric"}.items()


def test_explain_shows_the_request_and_sends_nothing(client, api):
    api.forget()
    told = ok(client.ask("explain weather oslo imperial"))
    assert (told["route"], told["method"]) == ("weather", "GET")
    assert told["url"].startswith(api.url + "/current/oslo?")
    assert "units=imperial" in told["url"]
    assert {"headers", "body", "cache", "breaker", "queue"} <= set(told)
    assert api.count() == 0


def test_explain_refuses_what_the_route_would_refuse(client):
    error(client.ask("explain weather"), "invalid_params", param="city")
    error(client.ask("explain wether oslo"), "unknown_method", did_you_mean=["weather"])


def test_stats_counts(client):
    stats = ok(client.ask("stats"))
    assert stats["connections"] >= 1
    assert stats["uptime_s"] >= 0
    assert "weather" in stats["upstreams"]
    assert "in_flight" in stats


@pytest.mark.parametrize("word", ["auth", "watch", "unwatch"])
def test_reserved_words_say_so(client, word):
    assert "reserved" in error(client.ask(word), "unknown_method")["message"]


def test_jsonrpc_names_are_not_words(client):
    error(client.ask("rpc.ping"), "unknown_method")


def test_a_reply_is_valid_json_after_its_first_word(client):
    for line in ("help", "routes", "hello", "stats", "explain weather oslo"):
        assert json.loads(client.ask(line).removeprefix("OK ")) is not None
