"""Redirects: off unless configured; then followed by ours alone, for GET, to the same place only."""

import pytest
from api import Api, reply
from client import error, ok
from gateway import Gateway, config

SECRET = 'headers = { "X-Api-Key" = "k" }\n'


def to(location, status=302):
    return reply(b"{}", status=status, headers={"Location": location})


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/end", reply('"end"'))
    with Gateway(config(api.url, upstream=SECRET + "redirects = { max = 2 }")) as running:
        yield running


@pytest.fixture
def client(gateway, api):
    api.forget()
    with gateway.connect() as connected:
        yield connected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_off_by_default(start, api, status):
    api.forget()
    api.on("/moved", to("/end", status))
    with start(config(api.url)).connect() as client:
        error(client.ask("fetch moved"), "upstream_error", status=status, sent=True)
    assert api.count() == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_followed_when_allowed(client, api, status):
    api.on("/moved", to("/end", status))
    assert ok(client.ask("fetch moved")) == "end"
    assert [request.method for request in api.requests()] == ["GET", "GET"]
    assert api.requests("/end")[0].header("X-Api-Key") == "k"


@pytest.mark.parametrize(
    "location", ["/end", "end", "./end", "//{address}/end", "http://{address}/end", "/x/../end", "/end#part"]
)
def test_a_location_may_be_relative(client, api, location):
    api.on("/moved", to(location.format(address=api.address)))
    assert ok(client.ask("fetch moved")) == "end"


def test_a_location_keeps_its_own_query(client, api):
    api.on("/moved", to("/end?a=b%20c"))
    assert ok(client.ask("fetch moved")) == "end"
    assert api.requests("/end")[0].target == "/end?a=b%20c"


def test_only_so_many_are_followed(client, api):
    api.on("/one", to("/two"))
    api.on("/two", to("/three"))
    api.on("/three", to("/end"))
    assert ok(client.ask("fetch two")) == "end"
    api.forget()
    error(client.ask("fetch one"), "upstream_error", status=302)
    assert [request.path for request in api.requests()] == ["/one", "/two", "/three"]


def test_a_circle_ends(client, api):
    api.on("/circle", to("/circle"))
    error(client.ask("fetch circle"), "upstream_error", status=302)
    assert api.count() == 3


def test_a_post_is_not_followed(client, api):
    for status in (301, 302, 303, 307, 308):
        api.forget()
        api.on("/moved", to("/end", status))
        error(client.ask("send moved"), "upstream_error", status=status)
        assert api.count() == 1


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{port}/end", "//127.0.0.1:{port}/end", "http://localhost:{port}/end"]
)
def test_another_place_is_not_asked(client, api, form):
    with Api() as other:
        api.on("/away", to(form.format(port=other.port)))
        error(client.ask("fetch away"), "upstream_error", status=302)
        assert other.connections == []


@pytest.mark.parametrize(
    "location",
    [
        "https://{address}/end",
        "file:///etc/passwd",
        "ftp://{address}/",
        "http://",
        "http://[::1",
        "\x01",
        "",
        "javascript:x",
    ],
)
def test_another_scheme_or_nonsense_is_not_followed(client, api, location):
    api.on("/odd", to(location.format(address=api.address)))
    error(client.ask("fetch odd"), "upstream_error", status=302)
    assert api.count("/end") == 0


def test_no_location_is_not_followed(client, api):
    api.on("/lost", reply(b"{}", status=302))
    error(client.ask("fetch lost"), "upstream_error", status=302)
