"""How `linegate serve` starts, and how it refuses to: ports in use, files that are missing or wrong, open doors."""

import contextlib
import socket
import threading
import time

import pytest
from api import reply
from client import Client, ok
from gateway import Gateway, config, parse_address, run


def refused(text, tmp_path, *arguments):
    """Serving this config must end by itself with an error; returns stderr."""
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    done = run("serve", "-c", file, *arguments)
    assert done.returncode not in (0, None)
    assert "linegate: ready" not in done.stderr
    return done.stderr


def test_it_says_where_it_listens_and_when_it_is_ready(start, api):
    gateway = start(config(api.url, listen='["127.0.0.1:0", "127.0.0.1:0"]'))
    lines = [line for line in gateway.log.splitlines() if line.startswith("linegate: ")]
    assert lines[-1] == "linegate: ready"
    assert lines[-3:-1] == [f"linegate: listening on 127.0.0.1:{port}" for _, port in gateway.addresses]


def test_it_serves_from_flags_alone(start, api):
    api.on("/current/oslo", reply('"sunny"'))
    arguments = ["--listen", "127.0.0.1:0", "--upstream", api.url, "--route", "weather=/current/{city}"]
    with start(arguments=arguments).connect() as client:
        assert client.ask("weather oslo") == 'OK "sunny"'
        assert client.ask("weather city=oslo") == 'OK "sunny"'


def test_several_flags_of_a_kind(start, api):
    api.on("/a", reply('"a"'))
    api.on("/b", reply('"b"'))
    arguments = ["--upstream", api.url, "--route", "one=/a", "--route", "two=/b"]
    gateway = start(arguments=["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", *arguments])
    assert len(gateway.addresses) == 2
    with Client(gateway.addresses[1]) as client:
        assert [client.ask("one"), client.ask("two")] == ['OK "a"', 'OK "b"']


@pytest.mark.parametrize(
    "arguments",
    [
        ["--route", "weather=/current/{city}"],
        ["--upstream", "http://127.0.0.1:9", "--route", "weather"],
        ["--upstream", "http://127.0.0.1:9", "--route", "weather=current"],
        ["--upstream", "gopher://127.0.0.1:9"],
        ["--upstream", "http://127.0.0.1:9", "--listen", "nowhere"],
        ["--no-such-flag"],
    ],
)
def test_wrong_flags_are_refused(arguments):
    done = run("serve", *arguments)
    assert done.returncode != 0
    assert done.stderr.strip()


# A port in use


@contextlib.contextmanager
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, listener.getsockname()[1]


def test_a_port_in_use_is_tried_again_until_it_is_free(api):
    with taken_port() as (listener, port):
        gateway = Gateway(config(api.url, listen=f'["127.0.0.1:{port}"]'), wait=False)
        threading.Timer(0.7, listener.close).start()
        with gateway:
            gateway.wait_until_ready()
            with gateway.connect() as client:
                assert ok(client.ask("ping")) == "pong"


def test_a_port_that_stays_in_use_is_given_up_after_two_seconds(api, tmp_path):
    with taken_port() as (_, port):
        began = time.monotonic()
        said = refused(config(api.url, listen=f'["127.0.0.1:{port}"]'), tmp_path)
        assert time.monotonic() - began > 1.8
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said


def test_two_gateways_do_not_share_a_port(start, api, tmp_path):
    gateway = start(config(api.url))
    assert "in use" in refused(config(api.url, listen=f'["127.0.0.1:{gateway.port}"]'), tmp_path)


def test_a_port_can_be_used_again_at_once(start, api):
    gateway = start(config(api.url))
    with gateway.connect() as client:
        assert ok(client.ask("ping")) == "pong"
        gateway.stop()  # the server closes first: its end is in TIME_WAIT
        assert client.closed()
    again = start(config(api.url, listen=f'["127.0.0.1:{gateway.port}"]'))
    with again.connect() as client:
        assert ok(client.ask("ping")) == "pong"


# Open doors


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", ":0"])
def test_a_listener_off_loopback_is_refused_with_the_reason(api, tmp_path, listen):
    said = refused(config(api.url, listen=f'["{listen}"]'), tmp_path)
    assert "allow_from" in said and "allow_unauthenticated" in said


@pytest.mark.parametrize("server", ["allow_unauthenticated = true", 'allow_from = ["127.0.0.0/8"]'])
def test_a_listener_off_loopback_needs_a_word(start, api, server):
    gateway = start(config(api.url, server, listen='["0.0.0.0:0"]'))
    with Client(("127.0.0.1", gateway.port)) as client:
        assert ok(client.ask("ping")) == "pong"


def test_the_rule_holds_for_flags_too():
    done = run("serve", "--listen", "0.0.0.0:0", "--upstream", "http://127.0.0.1:9", "--route", "a=/a")
    assert done.returncode != 0
    assert "allow" in done.stderr


# Files


def test_a_missing_file_is_named(tmp_path):
    done = run("serve", "-c", tmp_path / "nothing.toml")
    assert done.returncode != 0
    assert "nothing.toml" in done.stderr


def test_a_directory_is_no_file(tmp_path):
    done = run("serve", "-c", tmp_path)
    assert done.returncode != 0
    assert str(tmp_path) in done.stderr


GOOD = config("http://127.0.0.1:9")


@pytest.mark.parametrize(
    "line, column, wrong, hint",
    [
        (6, 1, 'uspstream.x = "1"\n', None),
        (4, 1, "max_conections = 5", "max_connections"),
        (4, 10, 'unix_mode = "rw"', None),
        (4, 1, "max_line = 5.5", None),
        (4, 1, 'max_line = "5 parsecs"', None),
        (4, 1, 'idle_timeout = "soon"', None),
        (4, 1, "max_batch = -1", None),
        (4, 1, "max_batch = 0", None),
        (4, 1, 'allow_from = ["300.0.0.0/8"]', None),
        (4, 1, "max_batch = \n", None),
        (4, 1, "max_batch = 1\nmax_batch = 2", None),
    ],
)
def test_a_mistake_is_shown_with_its_place(tmp_path, line, column, wrong, hint):
    said = refused(config("http://127.0.0.1:9", server=wrong), tmp_path)
    assert "gateway.toml:" in said
    place = said.split("gateway.toml:", 1)[1].split(":")
    assert place[0].isdigit() and place[1].strip().split()[0].isdigit(), said
    if hint:
        assert (place[0], hint in said) == (str(line), True), said


@pytest.mark.parametrize(
    "more, hint",
    [
        ('[route.x]\nupstream = "apii"\nmethod = "GET"\npath = "/"', "api"),
        ('[route.x]\nupstream = "api"\nmethod = "GET"\npath = "x"', "/"),
        ('[route.x]\nupstream = "api"\nmethod = "GET"\npath = "/{nme}"\nparams = [{ name = "name" }]', "name"),
        ('[route.x]\nupstream = "api"\nmethod = "GET"\npath = "/{name}"\nparams = [{ name = "name" }]', "name"),
        ('[route.x]\nupstream = "api"\nmethod = "FETCH IT"\npath = "/"', ""),
        ('[route.x]\nupstream = "api"\nmethod = "GET"\npaht = "/"', "path"),
        ('[route.ping]\nupstream = "api"\nmethod = "GET"\npath = "/"', "ping"),
        ('[route."rpc.x"]\nupstream = "api"\nmethod = "GET"\npath = "/"', "rpc."),
        ('[route.X]\nupstream = "api"\nmethod = "GET"\npath = "/"', ""),
        (
            '[route.x]\nupstream = "api"\nmethod = "GET"\npath = "/"\nheaders = { Host = "{h}" }\nparams = [{ name = "h" }]',
            "Host",
        ),
        (
            '[route.x]\nupstream = "api"\nmethod = "GET"\npath = "/"\nheaders = { "{h}" = "x" }\nparams = [{ name = "h" }]',
            "",
        ),
        ('[upstream.y]\nbase_url = "127.0.0.1:80"', ""),
        ('[upstream.y]\nbase_url = "http://127.0.0.1/?q=1"', ""),
        ('[upstream.y]\nbase_url = "http://127.0.0.1/#f"', ""),
        ("[upstream.y]\nmax_in_flight = 5", "base_url"),
        ("[sever]\nmax_batch = 5", "server"),
    ],
)
def test_a_wrong_route_or_upstream_is_shown_with_its_place(tmp_path, more, hint):
    said = refused(config("http://127.0.0.1:9", more=more), tmp_path)
    assert "gateway.toml:" in said and hint in said


@pytest.mark.parametrize(
    "header", ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect", "host"]
)
def test_headers_that_frame_a_request_are_no_templates(tmp_path, header):
    more = f"""
[route.x]
upstream = "api"
method = "GET"
path = "/"
headers = {{ "{header}" = "{{h}}" }}
params = [{{ name = "h" }}]
"""
    assert "gateway.toml:" in refused(config("http://127.0.0.1:9", more=more), tmp_path)


def test_several_mistakes_are_shown_at_once(tmp_path):
    said = refused(config("http://127.0.0.1:9", server="max_bach = 1\nidle_timeuot = 2"), tmp_path)
    assert "max_batch" in said and "idle_timeout" in said


def test_a_schema_of_the_future_is_refused(tmp_path):
    assert "schema" in refused(GOOD.replace("schema = 1", "schema = 2"), tmp_path)


def test_a_key_whose_feature_is_not_there_warns_once(start, api):
    gateway = start(config(api.url, more='[admin]\nlisten = "127.0.0.1:1"'))
    assert gateway.log.count("accepted, not in effect") == 1


# Unix sockets


def test_a_socket_in_use_is_not_taken_away(start, api, tmp_path):
    text = config(api.url, listen=f'["unix:{tmp_path}/line"]')
    gateway = start(text)
    assert "in use" in refused(text, tmp_path)
    with gateway.connect() as client:
        assert ok(client.ask("ping")) == "pong"


def test_a_file_that_is_no_socket_is_not_removed(api, tmp_path):
    file = tmp_path / "precious"
    file.write_text("data")
    assert "precious" in refused(config(api.url, listen=f'["unix:{file}"]'), tmp_path)
    assert file.read_text() == "data"


@pytest.mark.parametrize("path", ["/no/such/folder/line", "/" + "x" * 200, ""])
def test_a_socket_path_that_cannot_be_is_refused(api, tmp_path, path):
    assert refused(config(api.url, listen=f'["unix:{path}"]'), tmp_path)


# Few descriptors


def test_few_descriptors_lower_the_cap_with_a_warning(start, api):
    api.on("/a", reply("1"))
    gateway = start(config(api.url), open_files=256)
    gateway.wait_for("(?i)max_connections")
    with gateway.connect() as client:
        assert ok(client.ask("fetch a")) == 1


def test_running_out_of_descriptors_loses_nobody(start, api):
    api.on("/a", reply("1"))
    gateway = start(config(api.url), open_files=256)
    clients = [gateway.connect() for _ in range(300)]
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
            client.say("fetch a")
        assert ok(clients[0].reply()) == 1
        for client in clients[:200]:
            client.sock.close()
        assert ok(clients[-1].reply()) == 1


# Addresses


@pytest.mark.parametrize(
    "text, address", [("127.0.0.1:8", ("127.0.0.1", 8)), ("[::1]:8", ("::1", 8)), ("unix:/a/b", "/a/b")]
)
def test_addresses_are_printed_in_the_form_of_the_config(text, address):
    assert parse_address(text) == address


def test_localhost_is_both_families(start, api):
    gateway = start(config(api.url, listen='["localhost:0"]'))
    for address in gateway.addresses:
        with Client(address) as client:
            assert ok(client.ask("ping")) == "pong"
