"""Who may connect from elsewhere: peers off loopback, in a network namespace of this test's own, whose one address is
known to nobody outside it."""

import ctypes
import subprocess

import pytest
from client import Client, error, ok
from gateway import config

ADDRESS = "192.0.2.1"  # RFC 5737: for documentation, never routed
CLONE_NEWNET = 0x40000000


def enter_namespace():
    """Moves this process into a network of its own with loopback and ADDRESS; False where that is not permitted."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    for command in ("link set lo up", f"address add {ADDRESS}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    return True


# At import, before any thread or server is started: they inherit the namespace.
pytestmark = pytest.mark.skipif(not enter_namespace(), reason="may not make a network namespace")


def refused(client):
    try:
        client.say("ping")
        return client.rest()
    except OSError:
        return b""


def test_only_allowed_addresses_may_connect(start, api):
    gateway = start(config(api.url, 'allow_from = ["198.51.100.0/24", "2001:db8::/32"]', listen='[":0"]'))
    with Client((ADDRESS, gateway.port), source=ADDRESS) as client:
        assert b"pong" not in refused(client)
    gateway.wait_for(ADDRESS + r".*allow_from")
    for address in ("127.0.0.1", "::1"):  # loopback always may
        with Client((address, gateway.port)) as client:
            assert ok(client.ask("ping")) == "pong"


def test_an_allowed_address_may_connect(start, api):
    gateway = start(config(api.url, f'allow_from = ["{ADDRESS}"]', listen='[":0"]'))
    with Client((ADDRESS, gateway.port), source=ADDRESS) as client:
        assert ok(client.ask("ping")) == "pong"


def test_a_refused_address_is_told_why(start, api):
    gateway = start(config(api.url, 'allow_from = ["198.51.100.0/24"]', listen='[":0"]'))
    with Client((ADDRESS, gateway.port), source=ADDRESS) as client:
        assert client.rest().startswith(b"ERR forbidden {")


def test_explain_and_stats_are_for_loopback_unless_exposed(start, api):
    for expose in (False, True):
        server = f"allow_unauthenticated = true\nexpose = {str(expose).lower()}"
        gateway = start(config(api.url, server, listen='[":0"]'))
        with Client((ADDRESS, gateway.port), source=ADDRESS) as client:
            assert ok(client.ask("ping")) == "pong"
            for line in ("stats", "explain fetch a"):
                answer = client.ask(line)
                assert ok(answer) if expose else error(answer, "forbidden")


def test_the_last_places_are_kept_for_loopback(start, api):
    gateway = start(config(api.url, "allow_unauthenticated = true\nmax_connections = 20", listen='[":0"]'))
    others = [Client((ADDRESS, gateway.port), source=ADDRESS) for _ in range(12)]
    for client in others:
        assert ok(client.ask("ping")) == "pong"
    with Client((ADDRESS, gateway.port), source=ADDRESS) as late:
        assert late.rest().startswith(b"ERR overloaded {")
    with Client(("127.0.0.1", gateway.port)) as health_check:
        assert ok(health_check.ask("ping")) == "pong"
    for client in others:
        client.sock.close()
