"""TLS to the API: verified against a CA file, with a client certificate where one is asked for."""

import re
import socket
import threading

import pytest
from api import Api, reply
from certificates import Authority, server_context
from client import error, ok
from gateway import config, run
from servers import Nginx


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("server", "DNS:localhost,IP:127.0.0.1")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A second CA, which nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def api(certificate):
    with Api(tls=server_context(certificate)) as running:
        running.on("/a", reply("1"))
        yield running


def tls(**keys):
    pairs = ", ".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else chr(34) + str(value) + chr(34)}"
        for key, value in keys.items()
    )
    return f"tls = {{ {pairs} }}"


def fails(client, api):
    api.forget()
    found = error(client.ask("fetch a"), "unavailable", reason="tls", upstream="api", sent=False, attempts=1)
    assert api.count() == 0
    return found


def test_a_certificate_of_the_named_ca_is_trusted(start, api, authority):
    with start(config(api.url, upstream=tls(ca_file=authority.file))).connect() as client:
        assert ok([client.ask("fetch a") for _ in range(3)]) == [1, 1, 1]


def test_the_name_is_verified(start, api, authority):
    url = f"https://localhost:{api.port}"
    with start(config(url, upstream=tls(ca_file=authority.file))).connect() as client:
        assert ok(client.ask("fetch a")) == 1


def test_an_unknown_ca_is_not_trusted(start, api):
    with start(config(api.url)).connect() as client:
        fails(client, api)


def test_another_ca_is_not_trusted(start, api, stranger):
    with start(config(api.url, upstream=tls(ca_file=stranger.file))).connect() as client:
        fails(client, api)


def test_a_certificate_for_another_name_is_not_trusted(start, authority):
    with Api(tls=server_context(authority.issue("other", "DNS:other.example"))) as api:
        with start(config(api.url, upstream=tls(ca_file=authority.file))).connect() as client:
            fails(client, api)


def test_verification_can_be_switched_off(start, api):
    with start(config(api.url, upstream=tls(verify=False))).connect() as client:
        assert ok(client.ask("fetch a")) == 1


def test_a_client_certificate_is_shown(start, authority, certificate):
    file, key = authority.issue("client", "DNS:client")
    with Api(tls=server_context(certificate, client_ca=authority.file)) as api:
        api.on("/a", reply("1"))
        more = tls(ca_file=authority.file, client_cert=file, client_key=key)
        with start(config(api.url, upstream=more)).connect() as client:
            assert ok(client.ask("fetch a")) == 1


def test_a_missing_client_certificate_is_an_error(start, authority, certificate):
    with Api(tls=server_context(certificate, client_ca=authority.file)) as api:
        with start(config(api.url, upstream=tls(ca_file=authority.file))).connect() as client:
            error(client.ask("fetch a"), "unavailable", upstream="api")
        assert api.count() == 0


def test_an_api_without_tls_is_an_error(start, authority):
    def answer(listener):
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        url = "https://127.0.0.1:%d" % listener.getsockname()[1]
        with start(config(url, upstream=tls(ca_file=authority.file))).connect() as client:
            error(client.ask("fetch a"), "unavailable", reason="tls", upstream="api", sent=False)


def test_an_api_with_tls_asked_without_is_an_error(start, api):
    with start(config(api.url.replace("https:", "http:"))).connect() as client:
        error(client.ask("fetch a"), "unavailable", reason="reset")


# HTTP/2


def curl_version():
    found = re.search(r"libcurl (\d+)\.(\d+)", run("--version").stdout)
    return int(found[1]), int(found[2])


def test_http_2_is_refused_where_libcurl_does_it_badly(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text(config("https://127.0.0.1:9", upstream='http = "2"'))
    done = run("check", file)
    if curl_version() >= (8, 10):
        assert done.returncode == 0
    else:
        assert done.returncode != 0 and "8.10" in done.stderr and "http2_force" in done.stderr


@pytest.mark.parametrize("http, protocol", [("1.1", "HTTP/1.1"), ("2", "HTTP/2.0")])
def test_http_2_is_spoken_where_it_is_configured(start, authority, certificate, http, protocol):
    file, key = certificate
    with Nginx({}, "ssl http2", f"ssl_certificate {file}; ssl_certificate_key {key};") as nginx:
        url = nginx.url.replace("http:", "https:")
        more = f'http = "{http}"\nhttp2_force = true\n' + tls(ca_file=authority.file)
        with start(config(url, upstream=more)).connect() as client:
            client.say(*["fetch protocol"] * 50)
            assert ok(client.replies(50)) == [protocol] * 50


@pytest.mark.parametrize("key", ["ca_file", "client_cert", "client_key"])
def test_a_file_that_is_not_there_is_a_config_error(tmp_path, key):
    file = tmp_path / "gateway.toml"
    file.write_text(config("https://127.0.0.1:9", upstream=tls(**{key: "/no/such.pem"})))
    done = run("check", file)
    assert done.returncode != 0
    assert "gateway.toml:" in done.stderr
