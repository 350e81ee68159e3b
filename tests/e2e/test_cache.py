"""The cache: what is kept, for how long, for whom, how it is refreshed, and what it answers when the API cannot."""

import json
import time
from email.utils import formatdate

import pytest
from api import Api, Exchange, Hold, echo, head, in_turn, numbered, reply, slow_down, validated
from client import error, ok, ok_with_meta
from gateway import Gateway, config

# Only the cache: nothing is retried, no breaker opens, no gate closes.
CACHE_ALONE = """
[defaults]
retry = { attempts = 1, gate_max = "0s" }
breaker = { enabled = false }
"""


NAME = '{ name = "name", required = true }'


def route(name, method="GET", more="", params=NAME):
    return f"""
[route.{name}]
upstream = "api"
method = "{method}"
path = "/{{name}}"
params = [{params}]
{more}
"""


ROUTES = "".join(
    [
        route("get"),
        route("post", "POST"),
        route("put", "PUT"),
        route("patch", "PATCH"),
        route("delete", "DELETE"),
        route("search", "POST", 'idempotent = true\njson = { q = "{q}" }', NAME + ', { name = "q" }'),
        route("forced", more='cache = { mode = "override", ttl = "60s" }'),
        route("off", more='coalesce = false\ncache = { mode = "off" }'),
        route("graceful", more='cache = { stale_if_error = "1h" }'),
        route("patient", more='cache = { stale_while_revalidate = "1h" }'),
        route("patient_alone", more='coalesce = false\ncache = { stale_while_revalidate = "1h" }'),
        route("never_stale", more='cache = { max_stale = "0s" }'),
        route("negative", more='cache = { negative = { "404" = "60s", "503" = "60s" } }'),
        route("strict", more="cache = { fresh = false }"),
        route("lenient", more='cache = { fresh = "1h" }'),
        route("small", more='cache = { max_object = "1KiB" }'),
        route("text", more='response = "text"'),
        route("versioned", more='reply_headers = ["X-Version"]'),
        route("queried", more='query = { q = "{q}" }', params=NAME + ', { name = "q" }'),
        route(
            "mine",
            more='headers = { Authorization = "Bearer {token}" }\ncache = { mode = "override", ttl = "60s" }',
            params=NAME + ', { name = "token", required = true }',
        ),
    ]
)
FRESH = {"Cache-Control": "max-age=60"}
GRACE = {"Cache-Control": "max-age=0, stale-if-error=60"}


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, routes=ROUTES, defaults=CACHE_ALONE)) as running:
        yield running


@pytest.fixture
def target(request):
    """A path that no other test asks for."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name)


def quoted(text):
    return json.dumps(text).encode()


def ask(client, line):
    """The body of the answer and what its meta says of the cache."""
    body, meta = ok_with_meta(client.ask(f"{line} @meta"))
    return body, meta["cache"]


def twice(client, api, path, behaviour, route="get"):
    """Asks two times; returns what meta says of the second, and how many requests came."""
    api.on(f"/{path}", behaviour)
    ask(client, f"{route} {path}")
    return ask(client, f"{route} {path}")[1], api.count(f"/{path}")


# What is kept


def test_a_fresh_answer_is_given_again_without_asking(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    body, meta = ok_with_meta(client.ask(f"get {target} @meta"))
    assert (body, meta["cache"], meta["attempts"]) == (1, "hit", 0)
    assert 0 <= meta["age_ms"] < 60_000
    assert api.count(f"/{target}") == 1


def test_a_hit_is_the_first_answer_byte_for_byte(client, api, target):
    api.on(f"/{target}", reply('{ "n": 12345678901234567890, "f": 3.50, "s": "\\ud800", "e": 1E+400 }', headers=FRESH))
    first = client.ask(f"get {target}")
    assert first == 'OK {"n":12345678901234567890,"f":3.50,"s":"\\ud800","e":1E+400}'
    assert client.ask(f"get {target}") == first
    assert api.count(f"/{target}") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "max-age=60"},
        {"Cache-Control": "public, MAX-AGE=60"},
        {"Cache-Control": "s-maxage=60, max-age=0"},
        {"Cache-Control": "max-age=60", "Age": "30"},
        {"Cache-Control": "max-age=60", "Vary": "Accept-Language"},
        {"Cache-Control": "max-age=60, must-revalidate"},
        {"Cache-Control": "max-age=60", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Date": formatdate(time.time(), usegmt=True), "Expires": formatdate(time.time() + 600, usegmt=True)},
    ],
    ids=str,
)
def test_it_is_fresh_when_the_response_says_so(client, api, target, headers):
    assert twice(client, api, target, numbered(headers=headers)) == ("hit", 1)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cache-Control": "max-age=0"},
        {"Cache-Control": "no-store, max-age=60"},
        {"Cache-Control": "private, max-age=60"},
        {"Cache-Control": "no-cache, max-age=60"},
        {"Cache-Control": "s-maxage=0, max-age=60"},
        {"Cache-Control": "max-age=60", "Age": "61"},
        {"Cache-Control": "max-age=60", "Vary": "*"},
        {"Cache-Control": "max-age=60", "Set-Cookie": "session=1"},
        {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Expires": "0"},
        {"Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
    ids=str,
)
def test_it_is_asked_again_otherwise(client, api, target, headers):
    state, asked = twice(client, api, target, numbered(headers=headers))
    assert state in ("miss", "revalidated") and asked == 2


def test_age_counts_what_earlier_caches_held_it(client, api, target):
    api.on(f"/{target}", reply("1", headers={**FRESH, "Age": "20"}))
    client.ask(f"get {target}")
    _, meta = ok_with_meta(client.ask(f"get {target} @meta"))
    assert meta["cache"] == "hit" and 20_000 <= meta["age_ms"] < 60_000


def test_override_keeps_what_says_nothing(client, api, target):
    assert twice(client, api, target, numbered(), "forced") == ("hit", 1)


def test_override_keeps_what_says_no_store(client, api, target):
    assert twice(client, api, target, numbered(headers={"Cache-Control": "no-store"}), "forced") == ("hit", 1)


@pytest.mark.parametrize("headers", [{"Set-Cookie": "a=b"}, {"Vary": "*"}], ids=str)
def test_override_keeps_nothing_that_is_for_one(client, api, target, headers):
    assert twice(client, api, target, numbered(headers=headers), "forced") == ("miss", 2)


def test_mode_off_asks_every_time(client, api, target):
    assert twice(client, api, target, numbered(headers=FRESH), "off") == ("off", 2)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_failures_are_not_kept(client, api, target, status):
    api.on(f"/{target}", reply("{}", status=status, headers=FRESH))
    for _ in range(2):
        assert client.ask(f"get {target}").startswith("ERR ")
    assert api.count(f"/{target}") == 2


def test_a_missing_thing_is_not_kept_unless_it_says_so(client, api, target):
    api.on(f"/{target}", reply("{}", status=404))
    for _ in range(2):
        error(client.ask(f"get {target}"), "upstream_not_found")
    assert api.count(f"/{target}") == 2


@pytest.mark.parametrize("status, symbol", [(404, "upstream_not_found"), (503, "upstream_error")])
def test_negative_answers_are_kept_where_the_route_says_so(client, api, target, status, symbol):
    api.on(f"/{target}", reply('{"why":"gone"}', status=status))
    first = client.ask(f"negative {target}")
    error(first, symbol, status=status, body={"why": "gone"})
    assert error(client.ask(f"negative {target}"), symbol)["body"] == {"why": "gone"}
    assert api.count(f"/{target}") == 1


def test_a_negative_answer_that_says_no_store_is_not_kept(client, api, target):
    api.on(f"/{target}", reply("{}", status=404, headers={"Cache-Control": "no-store"}))
    for _ in range(2):
        error(client.ask(f"negative {target}"), "upstream_not_found")
    assert api.count(f"/{target}") == 2


def test_text_is_kept_too(client, api, target):
    api.on(f"/{target}", reply("two\nlines", type="text/plain", headers=FRESH))
    assert [ok(client.ask(f"text {target}")) for _ in range(2)] == ["two\nlines"] * 2
    assert api.count(f"/{target}") == 1


def test_an_answer_above_max_object_is_not_kept(client, api, target):
    assert twice(client, api, target, reply({"text": "x" * 1100}, headers=FRESH), "small") == ("miss", 2)
    assert twice(client, api, target + "b", reply({"text": "x" * 900}, headers=FRESH), "small") == ("hit", 1)


# The key: the request as it will be sent


def test_another_path_is_another_answer(client, api, target):
    api.on("*", lambda exchange: exchange.reply(quoted(exchange.request.path), headers=FRESH))
    for _ in range(2):
        assert ok(client.ask(f"get {target}-a")) == f"/{target}-a"
        assert ok(client.ask(f"get {target}-b")) == f"/{target}-b"


def test_another_query_is_another_answer(client, api, target):
    api.on(f"/{target}", lambda exchange: exchange.reply(quoted(exchange.request.target), headers=FRESH))
    for _ in range(2):
        assert ok(client.ask(f"queried {target} a")).endswith("?q=a")
        assert ok(client.ask(f"queried {target} b")).endswith("?q=b")
    assert api.count(f"/{target}") == 2


def test_another_body_is_another_answer(client, api, target):
    api.on(f"/{target}", lambda exchange: exchange.reply(exchange.request.body, headers=FRESH))
    for _ in range(2):
        assert ok(client.ask(f"search {target} a")) == {"q": "a"}
        assert ok(client.ask(f"search {target} b")) == {"q": "b"}
    assert api.count(f"/{target}") == 2


def test_clients_with_different_tokens_never_see_each_others_answers(gateway, api, target):
    api.on(f"/{target}", lambda exchange: exchange.reply(quoted(exchange.request.header("Authorization"))))
    with gateway.connect() as alice, gateway.connect() as bob:
        for _ in range(3):
            assert ok(alice.ask(f"mine {target} alice")) == "Bearer alice"
            assert ok(bob.ask(f"mine {target} bob")) == "Bearer bob"
    assert api.count(f"/{target}") == 2  # each was kept for its own


def test_routes_that_send_the_same_request_share_the_answer(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"graceful {target}") == (1, "hit")


def test_text_that_is_no_json_is_none_for_a_route_that_wants_json(client, api, target):
    api.on(f"/{target}", reply("two\nlines", type="text/plain", headers=FRESH))
    assert ok(client.ask(f"text {target}")) == "two\nlines"
    error(client.ask(f"get {target}"), "upstream_bad_payload")
    assert ok(client.ask(f"text {target}")) == "two\nlines"


@pytest.mark.parametrize("first, second", [("text", "get"), ("get", "text")])
def test_json_is_one_line_whoever_asked_for_it_first(client, api, target, first, second):
    body = '{\n  "a": 1\n}\n'
    api.on(f"/{target}", reply(body, headers=FRESH))
    for route in (first, second, first):
        answer = client.ask(f"{route} {target}")
        if route == "get":
            assert answer == 'OK {"a":1}'
        else:
            assert json.loads(ok(answer)) == {"a": 1}
    assert client.silent(0.05)


def test_upstreams_share_nothing(start, api, target):
    other = f"""
[upstream.other]
base_url = "{api.url}"
[route.other]
upstream = "other"
path = "/{target}"
"""
    api.on(f"/{target}", numbered(headers=FRESH))
    with start(config(api.url, routes=ROUTES, more=other, defaults=CACHE_ALONE)).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        assert ask(client, "other") == (2, "miss")
        assert ask(client, f"get {target}") == (1, "hit")


def test_text_and_jsonrpc_share_the_answer(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    answer = client.rpc("get", [target], meta={"want": True})
    assert (answer["result"], answer["meta"]["cache"], answer["meta"]["attempts"]) == (1, "hit", 0)
    assert [one["result"] for one in client.call([rpc(1, target), rpc(2, target)])] == [1, 1]
    assert api.count(f"/{target}") == 1


def rpc(id, target, **more):
    return {"jsonrpc": "2.0", "id": id, "method": "get", "params": [target], **more}


def test_a_notification_warms_the_cache(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    client.say({"jsonrpc": "2.0", "method": "get", "params": [target]})
    api.arrived(f"/{target}")
    body, state = ask(client, f"get {target}")
    assert body == 1 and state in ("hit", "coalesced")
    assert ask(client, f"get {target}") == (1, "hit")
    assert api.count(f"/{target}") == 1


# Revalidation


@pytest.mark.parametrize("control", ["no-cache", "max-age=0", "max-age=0, must-revalidate"])
def test_an_etag_is_revalidated(client, api, target, control):
    api.on(f"/{target}", validated('"v1"', {"v": 1}, headers={"Cache-Control": control}))
    assert ask(client, f"get {target}") == ({"v": 1}, "miss")
    body, meta = ok_with_meta(client.ask(f"get {target} @meta"))
    assert (body, meta["cache"], meta["attempts"], meta["status"]) == ({"v": 1}, "revalidated", 1, 200)
    first, second = api.requests(f"/{target}")
    assert first.header("If-None-Match") is None and second.header("If-None-Match") == '"v1"'


def test_a_modification_date_is_revalidated(client, api, target):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    api.on(
        f"/{target}", in_turn(reply("1", headers={"Last-Modified": date, "Cache-Control": "no-cache"}), not_modified())
    )
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"get {target}") == (1, "revalidated")
    assert api.requests(f"/{target}")[1].header("If-Modified-Since") == date


def not_modified(**headers):
    return lambda exchange: exchange.send(head(304, type=None, headers=headers, length=False))


def test_a_304_refreshes_what_is_kept(client, api, target):
    api.on(f"/{target}", validated('"v1"', 1, not_modified=FRESH, headers={"Cache-Control": "max-age=0"}))
    assert [ask(client, f"get {target}") for _ in range(3)] == [(1, "miss"), (1, "revalidated"), (1, "hit")]
    assert api.count(f"/{target}") == 2


def test_a_304_brings_new_header_fields(client, api, target):
    kept = {"X-Version": "old", "Cache-Control": "no-cache"}
    api.on(f"/{target}", validated('"v1"', 1, not_modified={"X-Version": "new"}, headers=kept))
    client.ask(f"versioned {target}")
    _, meta = ok_with_meta(client.ask(f"versioned {target} @meta"))
    assert (meta["cache"], meta["headers"]) == ("revalidated", {"X-Version": "new"})


def test_what_has_changed_replaces_what_was_kept(client, api, target):
    headers = {"ETag": '"v1"', "Cache-Control": "no-cache"}
    api.on(f"/{target}", in_turn(reply("1", headers=headers), reply("2", headers=FRESH)))
    assert [ask(client, f"get {target}") for _ in range(3)] == [(1, "miss"), (2, "miss"), (2, "hit")]


def test_a_304_that_nobody_asked_for_is_an_error(client, api, target):
    api.on(f"/{target}", not_modified())
    error(client.ask(f"get {target}"), "upstream_error", status=304)


# @fresh


def test_fresh_asks_the_api_and_keeps_the_answer(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"get {target} @fresh") == (2, "miss")
    assert ask(client, f"get {target}") == (2, "hit")


def test_fresh_in_jsonrpc(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert client.call(rpc(1, target))["result"] == 1
    assert client.call(rpc(2, target, meta={"fresh": True}))["result"] == 2
    assert client.call(rpc(3, target))["result"] == 2


def test_fresh_may_revalidate(client, api, target):
    api.on(f"/{target}", validated('"v1"', 1, headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"get {target} @fresh")[1] in ("miss", "revalidated")
    assert api.count(f"/{target}") == 2


def test_fresh_is_forbidden_where_the_route_says_so(client, api, target):
    error(client.ask(f"strict {target} @fresh"), "forbidden")
    assert api.count(f"/{target}") == 0


def test_fresh_is_forbidden_to_a_call_that_had_to_wait_for_its_turn(start, api, target):
    held = api.hold(f"/{target}-held", reply("1"))
    with start(config(api.url, "max_in_flight = 1", routes=ROUTES)).connect() as client:
        client.say(f"get {target}-held", f"strict {target} @fresh")
        api.arrived(f"/{target}-held")
        held.release()
        assert ok(client.reply()) == 1
        error(client.reply(), "forbidden")
    assert api.count(f"/{target}") == 0


def test_fresh_takes_an_entry_that_is_young_enough(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"lenient {target}") == (1, "miss")
    assert ask(client, f"lenient {target} @fresh") == (1, "hit")


def test_fresh_never_gets_a_stale_answer(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), reply("{}", status=503)))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"get {target}") == (1, "stale")
    error(client.ask(f"get {target} @fresh"), "upstream_error", status=503)


# Invalidation


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_unsafe_method_invalidates_the_get_of_the_same_target(client, api, target, method):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ok(client.ask(f"{method} {target}")) == 2
    assert ask(client, f"get {target}") == (3, "miss")


# Lines that are known by heart: the third time a plain line is not taken apart any more. What is stored decides all the same.


def test_a_known_line_follows_what_is_stored(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert [ok(client.ask(f"get {target}")) for _ in range(5)] == [1] * 5
    assert ok(client.ask(f"post {target}")) == 2
    assert [ok(client.ask(f"get {target}")) for _ in range(5)] == [3] * 5
    assert ok(client.ask(f"get {target} @fresh")) == 4
    assert [ok(client.ask(f"get {target}")) for _ in range(3)] == [4] * 3


def test_a_known_line_goes_out_of_date(client, api, target):
    api.on(f"/{target}", numbered(headers={"Cache-Control": "max-age=2"}))
    while ok(client.ask(f"get {target}")) == 1:
        time.sleep(0.05)
    assert api.count(f"/{target}") == 2


def test_known_lines_are_counted(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    before = ok(client.ask("stats"))["upstreams"]["api"]
    for _ in range(5):
        ok(client.ask(f"get {target}"))
    after = ok(client.ask("stats"))["upstreams"]["api"]
    assert (after["calls"] - before["calls"], after["hits"] - before["hits"]) == (5, 4)


def test_known_lines_wait_for_their_turn(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    for _ in range(3):
        ok(client.ask(f"get {target}"))
    hold = api.hold(f"/{target}-held", reply("9"))
    client.say(f"get {target}-held", f"get {target}", f"get {target}", f"get {target}-held")
    api.arrived(f"/{target}-held")
    hold.release()
    assert [ok(client.reply()) for _ in range(4)] == [9, 1, 1, 9]


def test_known_lines_of_two_tokens_have_two_answers(client, api, target):
    api.on(f"/{target}", lambda exchange: exchange.reply(json.dumps(exchange.request.header("Authorization")).encode()))
    for token in ["a", "b"] * 4:
        assert ok(client.ask(f"mine {target} {token}")) == f"Bearer {token}"
    assert api.count(f"/{target}") == 2


def test_it_invalidates_no_other_target(client, api, target):
    api.on("*", reply("1", headers=FRESH))
    client.ask(f"get {target}-other")
    ok(client.ask(f"post {target}"))
    assert ask(client, f"get {target}-other") == (1, "hit")


def test_one_that_failed_invalidates_nothing(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=FRESH), reply("{}", status=400)))
    client.ask(f"get {target}")
    error(client.ask(f"post {target}"), "upstream_error", status=400)
    assert ask(client, f"get {target}") == (1, "hit")


def test_an_idempotent_post_invalidates_nothing(client, api, target):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"search {target} a") == (2, "miss")
    assert ask(client, f"get {target}") == (1, "hit")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_answer_to_an_unsafe_method_is_not_kept(client, api, target, method):
    api.on(f"/{target}", numbered(headers=FRESH))
    assert [ok(client.ask(f"{method} {target}")) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("last", ["old", "new"])
def test_an_answer_that_was_on_its_way_meanwhile_is_not_kept(client, api, target, last):
    old, new = Hold(reply("1", headers=FRESH)), Hold(reply("2", headers=FRESH))
    api.on(f"/{target}", in_turn(old, reply("0"), new))
    client.say(f"@id=old get {target}")
    api.arrived(f"/{target}")
    assert ok(client.ask(f"post {target}")) == 0
    client.say(f"@id=new get {target}")  # does not join the older one
    api.arrived(f"/{target}", 3)
    for hold, answer in [(new, "#new OK 2"), (old, "#old OK 1")][:: 1 if last == "old" else -1]:
        hold.release()
        assert client.reply() == answer
    assert ask(client, f"get {target}") == (2, "hit")


# Stale while revalidate


LATER = {"Cache-Control": "max-age=0, stale-while-revalidate=60"}


def refreshes_once(client, api, target, route, headers):
    """Five questions while the refresh is held: all answered with what is kept, one request more."""
    api.on(f"/{target}", reply("1", headers=headers))
    assert ask(client, f"{route} {target}") == (1, "miss")
    hold = api.hold(f"/{target}", reply("2", headers=FRESH))
    assert [ask(client, f"{route} {target}") for _ in range(5)] == [(1, "stale")] * 5
    api.arrived(f"/{target}", 2)
    hold.release()
    while (answer := ask(client, f"{route} {target}")) != (2, "hit"):
        assert answer == (1, "stale")
    assert api.count(f"/{target}") == 2


def test_stale_while_revalidate_answers_now_and_makes_one_refresh(client, api, target):
    refreshes_once(client, api, target, "get", LATER)


def test_stale_while_revalidate_may_be_the_routes_wish(client, api, target):
    refreshes_once(client, api, target, "patient", {"Cache-Control": "max-age=0"})


def test_one_refresh_is_made_where_calls_are_not_shared(client, api, target):
    refreshes_once(client, api, target, "patient_alone", {"Cache-Control": "max-age=0"})


def test_a_background_refresh_may_be_a_304(client, api, target):
    api.on(f"/{target}", validated('"v"', 1, not_modified=FRESH, headers=LATER))
    assert ask(client, f"get {target}") == (1, "miss")
    while (answer := ask(client, f"get {target}")) != (1, "hit"):
        assert answer == (1, "stale")
    assert api.count(f"/{target}") == 2


def test_a_background_refresh_that_fails_leaves_what_is_kept(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=LATER), reply("{}", status=500)))
    assert ask(client, f"get {target}") == (1, "miss")
    while api.count(f"/{target}") < 3:  # the first refresh has failed and another was made
        assert ask(client, f"get {target}") == (1, "stale")


def test_a_refresh_that_hangs_does_not_keep_the_program_from_ending(start, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=LATER), Exchange.stall))
    endless = 'timeout = { first_byte = "1h", total = "1h" }'
    gateway = start(config(api.url, routes=ROUTES, upstream=endless, defaults=CACHE_ALONE))
    with gateway.connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        assert ask(client, f"get {target}") == (1, "stale")
        api.arrived(f"/{target}", 2)
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 8  # less than drain_timeout: nobody waits for it


def test_max_stale_bounds_what_the_response_permits(client, api, target):
    assert twice(client, api, target, numbered(headers=LATER), "never_stale") == ("miss", 2)


# Stale if error: a dead API with a warm cache keeps answering


@pytest.mark.parametrize(
    "failure",
    [
        reply("{}", status=500),
        reply("{}", status=502),
        reply("{}", status=503),
        reply("{}", status=504),
        Exchange.reset,
        Exchange.close,
    ],
    ids=["500", "502", "503", "504", "reset", "close"],
)
def test_a_failing_api_with_a_warm_cache_keeps_answering(client, api, target, failure):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), failure))
    assert ask(client, f"get {target}") == (1, "miss")
    for _ in range(3):
        assert ask(client, f"get {target}") == (1, "stale")
    assert api.count(f"/{target}") >= 4  # each time it was asked first


def test_it_may_be_the_routes_wish(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers={"Cache-Control": "max-age=0"}), reply("{}", status=500)))
    assert ask(client, f"graceful {target}") == (1, "miss")
    assert ask(client, f"graceful {target}") == (1, "stale")


def test_a_stale_answer_tells_its_age(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers={**GRACE, "Age": "30"}), reply("{}", status=500)))
    client.ask(f"get {target}")
    _, meta = ok_with_meta(client.ask(f"get {target} @meta"))
    assert meta["cache"] == "stale" and 30_000 <= meta["age_ms"] < 60_000


@pytest.mark.parametrize(
    "control",
    [
        "max-age=0, must-revalidate, stale-if-error=60",
        "max-age=0, proxy-revalidate, stale-if-error=60",
        "max-age=0",
        "no-store",
    ],
)
def test_without_permission_a_failure_is_a_failure(client, api, target, control):
    api.on(f"/{target}", in_turn(reply("1", headers={"Cache-Control": control}), reply("{}", status=500)))
    assert ask(client, f"get {target}") == (1, "miss")
    error(client.ask(f"get {target}"), "upstream_error", status=500)


def test_max_stale_bounds_it_too(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), reply("{}", status=500)))
    assert ask(client, f"never_stale {target}") == (1, "miss")
    error(client.ask(f"never_stale {target}"), "upstream_error", status=500)


def test_a_missing_thing_is_no_failure(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), reply("{}", status=404)))
    assert ask(client, f"get {target}") == (1, "miss")
    error(client.ask(f"get {target}"), "upstream_not_found")


def test_a_dead_api_with_a_warm_cache_keeps_answering(start):
    with Api() as api:
        api.on("*", numbered(headers=GRACE))
        client = start(config(api.url, routes=ROUTES, defaults=CACHE_ALONE)).connect()
        warm = [ask(client, f"get {n}")[0] for n in range(20)]
    error(client.ask("get cold"), "unavailable", reason="connect")
    for _ in range(3):
        assert [ask(client, f"get {n}") for n in range(20)] == [(value, "stale") for value in warm]
    answer = client.rpc("get", ["7"], meta={"want": True})
    assert (answer["result"], answer["meta"]["cache"]) == (warm[7], "stale")


def test_an_api_that_does_not_answer_in_time(start, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), Exchange.stall))
    short = 'timeout = { first_byte = "200ms", total = "10s" }'
    with start(config(api.url, routes=ROUTES, upstream=short, defaults=CACHE_ALONE)).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        assert ask(client, f"get {target}") == (1, "stale")


def test_a_clients_own_deadline_with_a_warm_cache(client, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), Exchange.stall))
    assert ask(client, f"get {target}") == (1, "miss")
    assert ask(client, f"get {target} @timeout=100ms") == (1, "stale")


def test_an_open_breaker_with_a_warm_cache_keeps_answering(start, api, target):
    api.on(f"/{target}", in_turn(reply("1", headers=GRACE), reply("{}", status=503)))
    breaker = 'retry = { attempts = 1 }\nbreaker = { consecutive = 1, open_for = "60s" }'
    with start(config(api.url, routes=ROUTES, upstream=breaker, defaults="")).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        for _ in range(3):
            assert ask(client, f"get {target}") == (1, "stale")
        assert api.count(f"/{target}") == 2  # the second answer opened it
        error(client.ask(f"get {target} @fresh"), "unavailable", reason="breaker", sent=False)


def test_a_closed_gate_with_a_warm_cache_keeps_answering(start, api, target):
    api.on(f"/{target}", reply("1", headers=GRACE))
    api.on("/busy", slow_down(30))
    with start(config(api.url, routes=ROUTES, defaults="")).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        error(client.ask("get busy"), "rate_limited")
        for _ in range(3):
            assert ask(client, f"get {target}") == (1, "stale")
        assert api.count(f"/{target}") == 1


def test_a_full_room_with_a_warm_cache_keeps_answering(start, api, target):
    api.on(f"/{target}", reply("1", headers=GRACE))
    hold = api.hold("/held")
    places = 'max_in_flight = 1\nmax_queue = 1\ntimeout = { queue = "20s", first_byte = "20s", total = "20s" }'
    with start(config(api.url, routes=ROUTES, upstream=places, defaults=CACHE_ALONE)).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        client.say("@id=1 off held", "@id=2 off held")
        api.arrived("/held")
        assert ask(client, f"get {target}") == (1, "stale")
        error(client.ask("get cold"), "overloaded", reason="queue")
        hold.release()
        client.replies(2)
    assert api.count(f"/{target}") == 1


def test_a_spent_rate_with_a_warm_cache_keeps_answering(start, api, target):
    api.on(f"/{target}", reply("1", headers=GRACE))
    rate = "rate = { per_second = 0.01, burst = 1 }"
    with start(config(api.url, routes=ROUTES, upstream=rate, defaults=CACHE_ALONE)).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        assert ask(client, f"get {target}") == (1, "stale")
        error(client.ask(f"get {target} @fresh"), "rate_limited", sent=False)


def test_a_fresh_answer_needs_no_api(start, api, target):
    api.on(f"/{target}", reply("1", headers=FRESH))
    api.on("/busy", slow_down(30))
    breaker = 'retry = { attempts = 1 }\nbreaker = { consecutive = 1, open_for = "60s" }'
    with start(config(api.url, routes=ROUTES, upstream=breaker, defaults="")).connect() as client:
        assert ask(client, f"get {target}") == (1, "miss")
        error(client.ask("get busy"), "rate_limited")
        assert ask(client, f"get {target}") == (1, "hit")


# Room


def test_the_least_recently_used_makes_room(start, api):
    api.on("*", reply({"text": "x" * 10_000}, headers=FRESH))
    text = config(api.url, routes=ROUTES, more='[cache]\nmax_bytes = "64KiB"', defaults=CACHE_ALONE)
    with start(text).connect() as client:
        ask(client, "get kept")
        for n in range(30):
            assert ask(client, f"get room-{n}")[1] == "miss"
            assert ask(client, "get kept")[1] == "hit"
        assert ask(client, "get room-29")[1] == "hit"
        assert ask(client, "get room-0")[1] == "miss"
        told = ok(client.ask("stats"))["cache"]
        assert 0 < told["bytes"] <= told["max_bytes"] == 64 * 1024
        assert told["entries"] <= 6 and told["evicted"] >= 25


def test_stats_count(start, api, target):
    api.on(f"/{target}", validated('"v"', 1, headers=FRESH))
    api.on("/grace", in_turn(reply("1", headers=GRACE), reply("{}", status=500)))
    api.on("/again", validated('"v"', 1, headers={"Cache-Control": "no-cache"}))
    with start(config(api.url, routes=ROUTES, defaults=CACHE_ALONE)).connect() as client:
        for path in (target, target, target, "grace", "grace", "again", "again"):
            client.ask(f"get {path}")
        ok(client.ask(f"post {target}"))
        told = ok(client.ask("stats"))
    upstream = told["upstreams"]["api"]
    assert (upstream["hits"], upstream["stale"], upstream["revalidated"]) == (2, 1, 1)
    assert set(told["cache"]) >= {"entries", "bytes", "max_bytes", "stored", "evicted", "invalidated"}
    assert (told["cache"]["entries"], told["cache"]["evicted"], told["cache"]["invalidated"]) == (2, 0, 1)
    assert told["cache"]["stored"] >= 3


def test_echo_of_headers_holds_no_condition_without_an_entry(client, api, target):
    api.on(f"/{target}", echo)
    names = {name.lower() for name, _ in ok(client.ask(f"get {target}"))["headers"]}
    assert not names & {"if-none-match", "if-modified-since"}
