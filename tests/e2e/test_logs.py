"""What the gateway logs: bytes of clients and APIs only escaped and cut, access lines when asked for."""

import json
import re
import subprocess

import pytest
from api import Exchange, reply
from client import Client, ok
from gateway import PROGRAM, config, environment


def said(gateway):
    gateway.stop()
    return gateway.log


def test_bytes_of_clients_are_escaped_and_cut(start, api):
    gateway = start(config(api.url, more='[log]\nlevel = "trace"\naccess = "all"'))
    with gateway.connect() as client:
        client.say(b"\x1b[2J\x07evil " + b"A" * 5000, b"ping", b"fetch \x1b]0;title\x07", b"\xff\xfe")
        client.replies(4)
    with gateway.connect() as client:
        client.send(b"GET /\x1b[31m\r HTTP/1.1\r\n\r\n")
        client.rest()
    log = said(gateway)
    assert "\x1b" not in log and "\x07" not in log and "\r" not in log
    assert "A" * 300 not in log


def test_bytes_of_apis_are_escaped_and_cut(start, api):
    api.on("/evil", reply("\x1b[2J" + "B" * 5000, status=500, type="text/plain\x1b[1m", headers={"X": "\x1b[2J"}))
    gateway = start(config(api.url, more='[log]\nlevel = "trace"\naccess = "all"'))
    with gateway.connect() as client:
        client.ask("fetch evil")
    log = said(gateway)
    assert "\x1b" not in log
    assert "B" * 600 not in log


def calls(start, api, access, more=""):
    api.on("/good", reply("1"))
    api.on("/bad", Exchange.close)
    gateway = start(config(api.url, more=f'[log]\naccess = "{access}"\n{more}'))
    with gateway.connect() as client:
        client.ask("fetch good")
        client.ask("fetch bad")
    return said(gateway)


@pytest.mark.parametrize("access, good, bad", [("off", False, False), ("errors", False, True), ("all", True, True)])
def test_access_lines_are_as_configured(start, api, access, good, bad):
    lines = calls(start, api, access).splitlines()
    assert any("fetch" in line and "unavailable" in line for line in lines) == bad
    assert any("fetch" in line and "unavailable" not in line for line in lines) == good


def test_logs_can_be_json(start, api):
    log = calls(start, api, "all", 'format = "json"')
    lines = [line for line in log.splitlines() if not line.startswith("linegate: ")]
    assert len(lines) >= 2
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_level_holds(start, api):
    quiet = calls(start, api, "off", 'level = "error"')
    assert [line for line in quiet.splitlines() if not line.startswith("linegate: ")] == []


def test_a_line_of_text_log_has_time_and_level(start, api):
    lines = [line for line in calls(start, api, "all").splitlines() if not line.startswith("linegate: ")]
    assert all(re.search(r"\d\d:\d\d:\d\d", line) for line in lines), lines


@pytest.fixture
def unread(start, api):
    """A gateway that logs much, to a pipe that nobody reads; and its port."""
    api.on("/good", reply("1"))
    settings = start(config(api.url, more='[log]\nlevel = "trace"\naccess = "all"'))
    command = [PROGRAM, "serve", "-c", settings.file]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
    port = None
    for line in process.stderr:
        port = port or re.search(rb"listening on 127\.0\.0\.1:(\d+)", line)
        if line == b"linegate: ready\n":
            break
    yield process, int(port[1])
    process.kill()
    process.wait()
    process.stderr.close()


def serves(port):
    with Client(("127.0.0.1", port)) as client:  # 64 KiB of pipe, far more of log
        for _ in range(30):
            client.say(*["fetch good"] * 50)
            assert ok(client.replies(50)) == [1] * 50


def test_serving_goes_on_when_nobody_reads_the_log(unread):
    serves(unread[1])


def test_serving_goes_on_when_nobody_can_read_the_log(unread):
    process, port = unread
    process.stderr.close()
    serves(port)
    assert process.poll() is None
