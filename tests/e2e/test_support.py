"""The test servers themselves, asked with curl and plain sockets: a test can only be as right as they are. No gateway."""

import json
import socket
import ssl
import subprocess
import threading

import pytest
from api import (
    Api,
    Exchange,
    Turnstile,
    chunked,
    echo,
    every,
    head,
    in_turn,
    numbered,
    raw,
    reply,
    slow_down,
    validated,
)
from certificates import server_context
from client import Client
from faultproxy import Faults, FaultProxy
from sockets import Gone, Signal

COULD_NOT_CONNECT, PARTIAL, TIMED_OUT, EMPTY_REPLY, RECEIVE_FAILED = 7, 18, 28, 52, 56


def curl(url, *options):
    return subprocess.run(["curl", "-sS", "--noproxy", "*", "-m", "10", *options, url], capture_output=True, timeout=30)


def get(url, *options):
    done = curl(url, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_api_answers_and_counts(api):
    api.on("/hello", reply({"a": 1}))
    assert get(api.url + "/hello") == b'{"a": 1}'
    assert api.count("/hello") == 1
    assert api.requests("/hello")[0].header("host") == api.address


def test_api_answers_404_where_nothing_is_scripted(api):
    assert get(api.url + "/nowhere", "-o", "/dev/null", "-w", "%{http_code}") == b"404"


def test_api_echoes_body_and_headers(api):
    api.on("/echo", echo)
    seen = json.loads(get(api.url + "/echo?a=b", "-d", "x=1", "-H", "X-One: two"))
    assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/echo?a=b", "x=1")
    assert ["X-One", "two"] in seen["headers"]


def test_api_keeps_connections_alive(api):
    before = len(api.connections)
    subprocess.run(["curl", "-sS", api.url + "/a", api.url + "/b"], check=True, capture_output=True)
    assert len(api.connections) == before + 1


def test_api_sends_chunks(api):
    api.on("/chunks", raw(head(length=False, headers={"Transfer-Encoding": "chunked"}) + chunked(b"x" * 5000)))
    assert get(api.url + "/chunks") == b"x" * 5000


def test_api_reads_chunks(api):
    api.on("/echo", echo)
    seen = json.loads(get(api.url + "/echo", "-d", "abc", "-H", "Transfer-Encoding: chunked"))
    assert seen["body"] == "abc"


@pytest.mark.parametrize(
    "behaviour, result",
    [
        (Exchange.close, EMPTY_REPLY),
        (Exchange.reset, RECEIVE_FAILED),
        (raw(head(length=10) + b"half", then=Exchange.close), PARTIAL),
        (raw(head(length=10) + b"half", then=Exchange.half_close), PARTIAL),
        (raw(head(length=10) + b"half", then=Exchange.reset), RECEIVE_FAILED),
    ],
)
def test_api_breaks_off_as_told(api, behaviour, result):
    api.on("/broken", behaviour)
    assert curl(api.url + "/broken").returncode == result


def test_api_stalls_until_the_client_gives_up(api):
    api.on("/stall", Exchange.stall)
    assert curl(api.url + "/stall", "-m", "0.2").returncode == TIMED_OUT
    api.wait_until(lambda: not api.open_connections())


def test_api_holds_requests_until_released(api):
    hold = api.hold("/held", reply("1"))
    answers = []
    asking = threading.Thread(target=lambda: answers.append(get(api.url + "/held")))
    asking.start()
    api.arrived("/held")
    assert answers == []
    hold.release()
    asking.join()
    assert answers == [b"1"]


def test_api_drips(api):
    api.on("/drip", lambda exchange: exchange.drip(head(length=3) + b"abc", step=10, every=0.001))
    assert get(api.url + "/drip") == b"abc"


def test_api_changes_its_mind_in_turn(api):
    api.on("/turn", in_turn(reply("1"), reply("2")))
    assert [get(api.url + "/turn") for _ in range(3)] == [b"1", b"2", b"2"]


def test_api_fails_every_nth_time(api):
    api.on("/some", every(3, reply("0"), otherwise=reply("1")))
    assert [get(api.url + "/some") for _ in range(6)] == [b"0", b"1", b"1", b"0", b"1", b"1"]


def test_api_counts_its_answers(api):
    api.on("/number", numbered())
    assert [get(api.url + "/number") for _ in range(3)] == [b"1", b"2", b"3"]


def test_api_answers_304_to_who_has_it_already(api):
    api.on("/tag", validated('"v"', 1, not_modified={"X-New": "yes"}, headers={"X-Old": "yes"}))
    first = get(api.url + "/tag", "-i")
    assert b" 200 " in first and b'ETag: "v"' in first and b"X-Old" in first and first.endswith(b"1")
    second = get(api.url + "/tag", "-i", "-H", 'If-None-Match: "v"')
    assert b" 304 " in second and b"X-New" in second and b"X-Old" not in second


def test_api_says_slow_down(api):
    api.on("/busy", slow_down(7))
    answer = get(api.url + "/busy", "-i")
    assert b" 429 " in answer and b"Retry-After: 7" in answer


def test_api_lets_requests_through_one_by_one(api):
    turnstile = api.on("/turnstile", Turnstile(numbered()))
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(get(api.url + "/turnstile"))) for _ in range(3)]
    for thread in asking:
        thread.start()
    api.arrived("/turnstile", 3)
    assert answers == []
    turnstile.let(1)
    while not answers:
        asking[0].join(0.01)
    assert answers == [b"1"]
    turnstile.let(5)
    for thread in asking:
        thread.join()
    assert sorted(answers) == [b"1", b"2", b"3"]


def test_api_can_come_back_on_its_port():
    with Api() as first:
        port = first.port
    assert curl(first.url).returncode == COULD_NOT_CONNECT
    with Api(port=port) as second:
        second.on("/", reply("2"))
        assert get(second.url + "/") == b"2"


def test_api_can_drop_its_connections_and_go_on(api):
    with idle_client(api) as client:
        api.drop_connections()
        assert client.closed()
    assert get(api.url + "/idle") == b"1\n"


def test_api_can_start_over(api):
    api.on("/gone", reply("1"))
    get(api.url + "/gone")
    api.start_over()
    assert api.count() == 0
    assert get(api.url + "/gone", "-o", "/dev/null", "-w", "%{http_code}") == b"404"


def idle_client(api):
    """A client whose connection is idle after one exchange."""
    api.on("/idle", reply("1\n"))
    client = Client(("127.0.0.1", api.port))
    client.send(b"GET /idle HTTP/1.1\r\nHost: x\r\n\r\n")
    while client.line() != b"1":
        pass
    return client


def idle_connection(api, client):
    """The API's side of that client's connection, once it is idle. Those of earlier tests may still be there."""
    own = client.sock.getsockname()

    def found():
        return [c for c in api.connections if c.peer == own and c.idle and c.exchanges]

    api.wait_until(found)
    return found()[0]


def test_api_ends_an_idle_connection(api):
    with idle_client(api) as client:
        idle_connection(api, client).do(lambda connection: connection.fin())
        assert client.rest() == b""


def test_api_sends_on_an_idle_connection(api):
    with idle_client(api) as client:
        idle_connection(api, client).do(lambda connection: connection.push(b"HTTP/1.1 408 Timeout\r\n"))
        assert client.line() == b"HTTP/1.1 408 Timeout\r"


def test_api_resets_an_idle_connection(api):
    with idle_client(api) as client:
        idle_connection(api, client).do(lambda connection: connection.reset())
        with pytest.raises(ConnectionResetError):
            client.rest()


def test_api_speaks_tls_and_says_goodbye(authority):
    from api import Api

    with Api(tls=server_context(authority.issue("localhost", "DNS:localhost,IP:127.0.0.1"))) as api:
        context = ssl.create_default_context(cafile=authority.file)
        with context.wrap_socket(
            socket.create_connection(("127.0.0.1", api.port)), server_hostname="localhost"
        ) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(1000).startswith(b"HTTP/1.1 404")
            api.idle()[0].do(lambda connection: connection.close_notify())
            while data := sock.recv(1000):
                assert b"missing" in data


def test_signal_notices_a_peer_that_leaves():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(Gone):
            Signal().wait(ours)


def test_signal_wakes_its_waiter():
    signal = Signal()
    threading.Timer(0.01, signal.set).start()
    assert signal.wait(timeout=10)


@pytest.mark.parametrize(
    "faults, result",
    [
        (Faults(), 0),
        (Faults(delay=0.01, step=64, every=0.0001), 0),
        (Faults(stall_after=50), TIMED_OUT),
        (Faults(cut_after=0), EMPTY_REPLY),
        (Faults(cut_after=300), PARTIAL),
        (Faults(half_close_after=300), PARTIAL),
        (Faults(reset_after=300), RECEIVE_FAILED),
    ],
)
def test_proxy_spoils_what_comes_back(nginx, faults, result):
    with FaultProxy(nginx.address, to_client=faults) as proxy:
        assert curl(proxy.url + "/big", "-m", "0.4" if result == TIMED_OUT else "10").returncode == result


def test_proxy_spoils_what_goes_out(nginx):
    with FaultProxy(nginx.address, to_server=Faults(stall_after=5)) as proxy:
        assert curl(proxy.url + "/weather", "-m", "0.2").returncode == TIMED_OUT


def test_nginx_serves_its_files(nginx):
    assert json.loads(get(nginx.url + "/weather")) == {"city": "Oslo", "temp_c": 3.5}


def test_httpbin_says_what_it_was_asked(httpbin):
    assert json.loads(get(httpbin.url + "/anything?a=b"))["args"] == {"a": "b"}
