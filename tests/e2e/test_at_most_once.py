"""No request is sent twice behind our back. When a kept-alive connection dies under a request, a call that may have acted
fails and says so; an idempotent one is repeated once, by the gateway, and that is counted."""

import pytest
from api import Exchange, in_turn, reply
from client import error, ok, ok_with_meta
from gateway import Gateway, config

ROUTES = "".join(
    f"""
[route.{name}]
upstream = "api"
method = "{method}"
path = "/target"
{body}
"""
    for name, method, body in [
        ("fetch", "GET", ""),
        ("remove", "DELETE", ""),
        ("replace", "PUT", 'json = { a = "b" }'),
        ("change", "PATCH", 'json = { a = "b" }'),
        ("order", "POST", 'json = { item = "book" }'),
        ("form", "POST", 'form = { item = "book" }'),
        ("touch", "POST", ""),
    ]
)
IDEMPOTENT = ["fetch", "remove", "replace"]  # by RFC 9110 section 9.2.2
OTHERS = ["change", "order", "form", "touch"]
NAMES = IDEMPOTENT + OTHERS
DEATHS = pytest.mark.parametrize("death", [Exchange.close, Exchange.reset], ids=["fin", "reset"])


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url, routes=ROUTES)) as running:
        yield running


@DEATHS
@pytest.mark.parametrize("name", OTHERS)
def test_a_request_on_a_dying_connection_arrives_once(client, api, name, death):
    place = []  # of the dying request on its connection

    def die(exchange):
        place.append(exchange.connection.exchanges)
        death(exchange)

    api.forget()
    api.on("/target", in_turn(reply("1"), die, reply("2")))
    assert ok(client.ask(name)) == 1
    error(client.ask(name), "unavailable", reason="reset", upstream="api", sent=True, attempts=1)
    assert api.count("/target") == 2
    assert place[0] > 1  # it was a kept-alive connection that died
    assert ok(client.ask(name)) == 2
    assert api.count("/target") == 3


@DEATHS
@pytest.mark.parametrize("name", IDEMPOTENT)
def test_an_idempotent_one_is_repeated_once_and_counted(client, api, name, death):
    api.forget()
    api.on("/target", in_turn(reply("1"), death, reply("2")))
    assert ok(client.ask(name)) == 1
    body, meta = ok_with_meta(client.ask(f"{name} @meta"))
    assert (body, meta["attempts"]) == (2, 2)
    assert api.count("/target") == 3


@DEATHS
@pytest.mark.parametrize("name", IDEMPOTENT)
def test_an_idempotent_one_is_repeated_no_further(client, api, name, death):
    api.forget()
    api.on("/target", in_turn(reply("1"), death))
    assert ok(client.ask(name)) == 1
    error(client.ask(name), "unavailable", reason="reset", sent=True, attempts=2)
    assert api.count("/target") == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_request_on_a_fresh_connection_arrives_once(start, api, name):
    api.forget()
    api.on("/target", Exchange.close)
    with start(config(api.url, routes=ROUTES)).connect() as client:
        error(client.ask(name), "unavailable", reason="reset", sent=True)
    assert api.count("/target") == 1


def test_many_requests_on_dying_connections_arrive_once_each(client, api):
    hold = api.hold("/target", reply("1"))
    client.say(*["order"] * 20)
    api.arrived("/target", 20)
    hold.release()
    client.replies(20)
    api.idle(20)
    api.forget()
    api.on("/target", Exchange.close)
    client.say(*["order"] * 20)
    for line in client.replies(20):
        error(line, "unavailable", reason="reset", sent=True)
    assert api.count("/target") == 20


def test_a_refused_request_is_not_repeated(client, api):
    api.forget()
    api.on("/target", reply("{}", status=503, headers={"Retry-After": "0"}))
    error(client.ask("order"), "upstream_error", status=503)
    assert api.count("/target") == 1
