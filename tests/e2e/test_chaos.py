"""Everything at once, by chance from a fixed seed: clients that reset, cancel, hurry and dawdle, an API that breaks off,
says that it is busy, lets others keep its answers. Afterwards nothing is left behind: no call, no connection, no descriptor, no sanitizer report; and no answer was swapped."""

import json
import os
import random
import threading
import time
import zlib

import pytest
from api import Exchange, chunked, head
from client import DEADLINE, ok
from gateway import config

SEED = 7
KEPT = 16  # connections to the API that may be kept for later calls
CLOCKS = 'timeout = { queue = "2s", first_byte = "300ms", total = "600ms" }\nmax_in_flight = %d\n' % KEPT


def answer(exchange):
    """Mostly the request's own path; often late, sometimes not at all."""
    body = json.dumps(exchange.request.path).encode()
    fate = random.random()
    if fate < 0.5:
        exchange.reply(body)
    elif fate < 0.75:
        time.sleep(random.random() * 0.02)
        exchange.reply(body)
    elif fate < 0.80:
        exchange.drip(head(length=len(body)) + body, step=20, every=0.001)
    elif fate < 0.84:
        exchange.send(head(length=False, headers={"Transfer-Encoding": "chunked"}) + chunked(body, 3))
    elif fate < 0.88:
        exchange.reply(body, status=500)
    elif fate < 0.91:
        exchange.send(head(length=len(body)) + body[:2])
        exchange.reset()
    elif fate < 0.94:
        exchange.reset()
    elif fate < 0.97:
        exchange.reply(body)
        exchange.close()
    else:
        exchange.stall()


class Caller(threading.Thread):
    """One client after another: each sends some requests in some way and leaves in some way."""

    def __init__(self, gateway, number, rounds, path):
        super().__init__()
        self.gateway = gateway
        self.path = path  # what a call of that id asks for
        self.name = f"c{number}"
        self.rounds = rounds
        self.random = random.Random(SEED * 1000 + number)
        self.wrong = []

    def run(self):
        for turn in range(self.rounds):
            try:
                self.one_client(turn)
            except (ConnectionResetError, BrokenPipeError):
                self.wrong.append("the gateway reset the connection")
            except Exception as failed:
                self.wrong.append(repr(failed))

    def one_client(self, turn):
        names = [f"{self.name}-{turn}-{n}" for n in range(self.random.randint(1, 30))]
        with self.gateway.connect() as client:
            self.send(client, [self.line(name) for name in names])
            leave = self.random.random()
            if leave < 0.2:
                return client.reset()
            if leave < 0.3:
                return None  # closes with replies unread
            client.finish()
            for line in client.rest().splitlines():
                self.check(line.decode())

    def line(self, name):
        path = self.path(name)
        call = {"jsonrpc": "2.0", "id": name, "method": "fetch", "params": [path]}
        cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": name}}
        forms = [
            f"fetch {path}",
            f"@id={name} fetch {path}",
            f"@id={name} fetch {path} @timeout=30ms @meta",
            f"@id={name} send {path} text=x",
            call,
            [call],
            [call, {**call, "id": name + "b"}, cancel],
        ]
        return self.random.choice(forms)

    def send(self, client, lines):
        if self.random.random() < 0.2:
            for line in lines:
                client.say(line)
        else:
            client.say(*lines)

    def check(self, line):
        """An answer with an id tells that id's path, if it tells one."""
        if line.startswith("#"):
            id, status, rest = line[1:].split(" ", 2)
            if status == "OK":
                self.expect(rest.split(" ")[0], id, line)
        elif line[0] in "{[":
            answers = json.loads(line)
            for one in answers if isinstance(answers, list) else [answers]:
                if "result" in one:
                    self.expect(json.dumps(one["result"]), one["id"].rstrip("b"), line)
        elif not line.startswith(("OK ", "ERR ")):
            self.wrong.append(line)

    def expect(self, text, id, line):
        if json.loads(text) != f"/{self.path(id)}":
            self.wrong.append(line)


def settled(gateway):
    """Waits until only the asking connection is left and nothing runs; returns the stats."""
    end = time.monotonic() + DEADLINE
    with gateway.connect() as client:
        while True:
            stats = ok(client.ask("stats"))
            busy = any(upstream["in_flight"] or upstream["waiting"] for upstream in stats["upstreams"].values())
            if stats["connections"] == 1 and stats["in_flight"] <= 1 and not busy:
                return stats
            assert time.monotonic() < end, stats
            time.sleep(0.02)


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


def chaos(gateway, callers, rounds, path=lambda id: id):
    running = [Caller(gateway, number, rounds, path) for number in range(callers)]
    for caller in running:
        caller.start()
    return running


@pytest.fixture
def busy_api(api):
    random.seed(SEED)
    api.on("*", answer)
    return api


def test_nothing_is_swapped_lost_or_left_behind(start, busy_api):
    gateway = start(config(busy_api.url, upstream=CLOCKS))
    settled(gateway)
    before = descriptors(gateway)
    callers = chaos(gateway, 8, 25)
    for caller in callers:
        caller.join()
    assert [caller.wrong for caller in callers] == [[]] * len(callers)
    settled(gateway)
    assert descriptors(gateway) <= before + 2 * KEPT  # a replay's connection is new, whatever is idle


# All policies, each so impatient that it acts all the time.
POLICIES = """
[defaults]
retry = { attempts = 3, backoff = { base = "1ms", max = "10ms" }, gate_max = "20ms" }
breaker = { consecutive = 3, open_for = "20ms" }
cache = { stale_while_revalidate = "1s", stale_if_error = "1s", negative = { "503" = "10ms" } }
"""
LIMITS = CLOCKS + 'rate = { per_second = 2000, burst = 20 }\nquota = "learn"\n'
HEDGED = """
[route.fetch]
upstream = "api"
path = "/{name}"
params = [{ name = "name", required = true }]
hedge = { after = "4ms", budget = 0.5 }

[route.send]
upstream = "api"
method = "POST"
path = "/{name}"
json = { text = "{text}" }
params = [{ name = "name", required = true }, { name = "text", default = "" }]
idempotency_key = "Idempotency-Key"
"""
SAYINGS = [
    {},
    {"Cache-Control": "no-store"},
    {"Cache-Control": "no-cache", "ETag": '"v"'},
    {"Cache-Control": "max-age=1"},
    {"Cache-Control": "max-age=0, stale-while-revalidate=1"},
    {"RateLimit": "limit=1000, remaining=900, reset=1"},
]


def answer_for_others(exchange):
    """As above, and it says for whom and how long that holds, that nothing has changed, or that it is busy."""
    fate = random.random()
    if exchange.request.header("If-None-Match") and fate < 0.5:
        exchange.send(head(304, type=None, length=False))
    elif fate < 0.1:
        exchange.reply(b"{}", status=random.choice([429, 503]), headers={"Retry-After": "1"})
    elif fate < 0.6:
        exchange.reply(json.dumps(exchange.request.path).encode(), headers=random.choice(SAYINGS))
    else:
        answer(exchange)


def few_paths(id):
    return f"p{zlib.crc32(id.encode()) % 5}"


def test_nor_with_cache_retries_breaker_and_limits(start, busy_api):
    busy_api.on("*", answer_for_others)
    gateway = start(config(busy_api.url, upstream=LIMITS, routes=HEDGED, defaults=POLICIES))
    settled(gateway)
    before = descriptors(gateway)
    callers = chaos(gateway, 8, 25, few_paths)
    for caller in callers:
        caller.join()
    assert [caller.wrong for caller in callers] == [[]] * len(callers)
    told = settled(gateway)["upstreams"]["api"]
    happened = {name: told[name] for name in ("hits", "stale", "coalesced", "retries", "hedges", "revalidated")}
    assert all(happened.values()), happened
    assert descriptors(gateway) <= before + 2 * KEPT


@pytest.mark.parametrize("after", [0.05, 0.3])
@pytest.mark.parametrize("policies", [False, True], ids=["plain", "policies"])
def test_a_signal_in_the_midst_of_it_ends_well(start, busy_api, after, policies):
    drain = 'drain_timeout = "3s"'
    if policies:
        busy_api.on("*", answer_for_others)
        gateway = start(config(busy_api.url, drain, upstream=LIMITS, routes=HEDGED, defaults=POLICIES))
    else:
        gateway = start(config(busy_api.url, drain, upstream=CLOCKS))
    callers = chaos(gateway, 6, 20, few_paths if policies else lambda id: id)
    time.sleep(after)  # at any moment
    gateway.send_signal()
    assert gateway.wait() == 0
    for caller in callers:
        caller.join()


def test_clients_that_come_and_go_leave_nothing(start, api):
    api.on("*", Exchange.stall)
    gateway = start(config(api.url, upstream='timeout = { first_byte = "300ms" }'))
    before = descriptors(gateway)
    for turn in range(100):
        client = gateway.connect()
        client.say(*["fetch a"] * (turn % 5), {"jsonrpc": "2.0", "id": 1, "method": "fetch", "params": ["b"]})
        client.reset() if turn % 2 else client.sock.close()
    stats = settled(gateway)
    assert stats["in_flight"] <= 1
    api.wait_until(lambda: not api.open_connections())
    assert descriptors(gateway) <= before + 2
