"""The error table: which status becomes which error, what it carries, in both dialects."""

import email.utils
import json
import time

import pytest
from api import reply
from client import error, rpc_error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url)) as running:
        yield running


@pytest.mark.parametrize(
    "status, symbol, code",
    [
        (300, "upstream_error", -32000),
        (302, "upstream_error", -32000),
        (304, "upstream_error", -32000),
        (400, "upstream_error", -32000),
        (401, "upstream_error", -32000),
        (403, "upstream_error", -32000),
        (404, "upstream_not_found", -32001),
        (408, "upstream_error", -32000),
        (409, "upstream_error", -32000),
        (410, "upstream_not_found", -32001),
        (418, "upstream_error", -32000),
        (422, "upstream_error", -32000),
        (429, "rate_limited", -32005),
        (500, "upstream_error", -32000),
        (502, "upstream_error", -32000),
        (503, "upstream_error", -32000),
        (504, "upstream_error", -32000),
        (599, "upstream_error", -32000),
    ],
)
def test_a_status_has_its_error(client, api, status, symbol, code):
    body = b"" if status == 304 else b'{"why": "because"}'
    api.on("/status", reply(body, status=status, length=False if status == 304 else None))
    members = {"status": status, "upstream": "api", "sent": True, "attempts": 1}
    if body:
        members["body"] = {"why": "because"}
    found = error(client.ask("fetch status"), symbol, **members)
    assert isinstance(found["message"], str) and str(status) in found["message"]
    answer = rpc_error(client.rpc("fetch", ["status"]), code, symbol, **members)
    assert answer["message"] == found["message"]


def test_a_body_is_minified_and_otherwise_untouched(client, api):
    api.on("/odd", reply(b'{ "n": 1E+400,\n "n": 3.50 }', status=500))
    assert '"body":{"n":1E+400,"n":3.50}' in client.ask("fetch odd")


def test_a_json_body_is_shown_up_to_16_kib(client, api):
    def string(size):
        return b'"' + b"x" * (size - 2) + b'"'

    api.on("/edge", reply(string(16384), status=500))
    assert len(error(client.ask("fetch edge"), "upstream_error")["body"]) == 16382
    api.on("/over", reply(string(16385), status=500))
    found = error(client.ask("fetch over"), "upstream_error")
    assert "body" not in found
    assert len(found["excerpt"]) <= 512


def test_any_other_body_is_shown_as_an_excerpt(client, api):
    api.on("/page", reply("<h1>Sorry</h1>" + "é" * 1000, status=502, type="text/html"))
    found = error(client.ask("fetch page"), "upstream_error", status=502)
    assert "body" not in found
    assert found["excerpt"].startswith("<h1>Sorry</h1>éé")
    assert len(found["excerpt"].encode()) <= 512 + 3


def test_an_excerpt_is_made_utf8(client, api):
    api.on("/latin", reply(b"caf\xe9 \x00\x1b[0m\r\n", status=500, type="text/plain"))
    line = client.ask("fetch latin")
    assert error(line, "upstream_error")["excerpt"].startswith("caf")
    assert line.isprintable()


def test_json_that_is_none_becomes_an_excerpt(client, api):
    api.on("/broken", reply(b'{"why":', status=500))
    assert error(client.ask("fetch broken"), "upstream_error")["excerpt"] == '{"why":'


def test_an_empty_error_body_has_neither(client, api):
    api.on("/silent", reply(b"", status=500))
    found = error(client.ask("fetch silent"), "upstream_error", status=500)
    assert "body" not in found and not found.get("excerpt")


def test_a_problem_document_is_a_problem(client, api):
    problem = {"type": "about:blank", "title": "Out of stock", "status": 409, "detail": "none left", "instance": "/1"}
    api.on("/problem", reply(problem, status=409, type="application/problem+json"))
    found = error(client.ask("fetch problem"), "upstream_error", status=409)
    assert found["problem"] == problem
    assert "body" not in found


def test_a_body_stays_json_in_jsonrpc(client, api):
    api.on("/deep", reply({"errors": [{"code": 7}]}, status=400))
    found = rpc_error(client.rpc("fetch", ["deep"]), -32000, "upstream_error", status=400)
    assert found["data"]["body"] == {"errors": [{"code": 7}]}


# 429


def test_429_tells_when_to_come_again(client, api):
    api.on("/limited", reply(b"{}", status=429, headers={"Retry-After": "7"}))
    error(client.ask("fetch limited"), "rate_limited", scope="upstream", retry_after_ms=7000, status=429, sent=True)


def test_429_may_name_a_date(client, api):
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    api.on("/limited", reply(b"{}", status=429, headers={"Retry-After": date}))
    assert 90_000 < error(client.ask("fetch limited"), "rate_limited")["retry_after_ms"] <= 100_000


@pytest.mark.parametrize("value", [None, "soon", "-5", "", "1e9", "99999999999999999999"])
def test_429_without_a_usable_time_is_still_429(client, api, value):
    headers = {} if value is None else {"Retry-After": value}
    api.on("/limited", reply(b"{}", status=429, headers=headers))
    found = error(client.ask("fetch limited"), "rate_limited", scope="upstream")
    assert found.get("retry_after_ms", 0) >= 0


# Other symbols


def test_no_connection_is_unavailable_and_nothing_was_sent(start, api):
    from api import Api

    closed = Api()
    closed.close()
    with start(config(closed.url)).connect() as client:
        error(client.ask("fetch a"), "unavailable", reason="connect", upstream="api", sent=False, attempts=1)
        rpc_error(client.rpc("fetch", ["a"]), -32002, "unavailable", reason="connect", sent=False)


def test_a_bad_payload_has_its_code(client, api):
    api.on("/page", reply(b"<html>", type="text/html"))
    rpc_error(client.rpc("fetch", ["page"]), -32004, "upstream_bad_payload", upstream="api", sent=True)


def test_errors_without_an_upstream_do_not_say_sent(client):
    assert "sent" not in error(client.ask("nosuch"), "unknown_method")
    assert "sent" not in error(client.ask("fetch"), "invalid_params")


def test_an_error_is_one_line_in_every_case(client, api):
    api.on("/lines", reply(json.dumps({"a": 1}, indent=2), status=500, headers={"X": "y"}))
    assert error(client.ask("fetch lines"), "upstream_error")["body"] == {"a": 1}
    assert client.ask("ping") == 'OK "pong"'
