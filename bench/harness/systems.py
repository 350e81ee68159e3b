"""The systems that are compared: how each is started for a scenario. A system that lacks its program is left out, with a note."""
import http.client
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"


@dataclass
class Place:
    """Where a system runs: its port, its upstream's, a folder for its files, and the built programs."""
    port: int
    upstream: int
    folder: Path
    build: Path

    @property
    def upstream_url(self):
        return f"http://127.0.0.1:{self.upstream}"


class System:
    name = ""
    note = ""
    program = ""  # must be on the path, or be a file
    dialects = ("text", "jsonrpc", "tagged")
    forks = False  # a process for each request: children count when they have ended
    measured = True  # it has a process of its own
    by_name = False  # only in scenarios that name it

    def missing(self, place):
        """Why it cannot run here, or ""."""
        return "" if not self.program or shutil.which(self.program) else f"{self.program} is not installed"

    def command(self, place, scenario):
        raise NotImplementedError

    def adapt(self, scenario):
        """The scenario as this system is to run it."""
        return scenario

    def load(self, scenario):
        """(dialect, connections, depth) of the load."""
        return scenario.dialect, scenario.connections, scenario.depth

    def fill(self, place, scenario):
        """What it must be given before it can answer."""

    def environment(self, place):
        return dict(os.environ)

    def port(self, place):
        return place.port


class Linegate(System):
    name = "linegate"

    def missing(self, place):
        return "" if (place.build / "linegate").exists() else "not built"

    def command(self, place, scenario):
        config = place.folder / "linegate.toml"
        config.write_text(linegate_config(place, scenario))
        return [place.build / "linegate", "serve", "-c", config]


class Bare(Linegate):
    name = "bare"
    note = "linegate without the scenario's policies: cache and coalescing off, one attempt, a breaker that never opens"
    by_name = True

    def adapt(self, scenario):
        return replace(scenario, policies=OFF)


class Unhedged(Linegate):
    name = "unhedged"
    note = "linegate without hedging"
    by_name = True

    def adapt(self, scenario):
        return replace(scenario, policies="")


class Undelayed(Linegate):
    name = "undelayed"
    note = "linegate at the same rate, with an API that answers at once"
    by_name = True

    def adapt(self, scenario):
        return replace(scenario, delay="0")


class FewWaiting(Linegate):
    name = "few-waiting"
    note = "linegate with one request a connection"
    by_name = True

    def adapt(self, scenario):
        return replace(scenario, depth=1)


class OneRoute(Linegate):
    name = "one-route"
    note = "linegate with one route"
    by_name = True

    def adapt(self, scenario):
        return replace(scenario, routes=1)


OFF = """cache = { mode = "off" }
coalesce = false
retry = { attempts = 1 }
breaker = { consecutive = 1_000_000, min_requests = 1_000_000, failure_ratio = 1.0 }"""


def linegate_config(place, scenario):
    # the last route is the one that is asked for
    names = ["item"] if scenario.routes == 1 else [f"item{i}" for i in range(scenario.routes)]
    routes = "".join(f"""
[route.{name}]
upstream = "api"
method = "GET"
path = "/item/{{id}}"
query = {{ size = "{{size}}" }}
params = [ {{ name = "id", required = true }}, {{ name = "size" }} ]
{scenario.policies}
""" for name in names)
    return f"""schema = 1
[server]
listen = ["127.0.0.1:{place.port}"]
max_connections = 20_000
max_connections_per_ip = 20_000
max_in_flight = {max(64, scenario.depth)}
[defaults.timeout]
queue = "30s"
connect = "30s"
first_byte = "30s"
total = "30s"
[upstream.api]
base_url = "{place.upstream_url}"
max_in_flight = {scenario.upstream_connections}
max_queue = {scenario.max_queue}
{routes}"""


class Floor(System):
    name = "floor"
    note = "an epoll relay without libcurl, checks, limits or JSON"
    dialects = ("text",)

    def missing(self, place):
        return "" if (place.build / "bench/linegate-floor").exists() else "not built"

    def command(self, place, scenario):
        return [place.build / "bench/linegate-floor", place.port, place.upstream, scenario.upstream_connections]


class Nginx(System):
    name = "nginx"
    note = "HTTP in, one request at a time on as many connections as the scenario has; no JSON"
    program = "nginx"

    def load(self, scenario):
        return "http", scenario.connections, min(1, scenario.depth)

    def command(self, place, scenario):
        keepalive = max(64, self.load(scenario)[1])  # fewer, and it would connect anew for some requests
        text = (BENCH / "peers/nginx_proxy.conf").read_text()
        config = place.folder / "nginx_proxy.conf"
        config.write_text(fill(text, place, KEEPALIVE=keepalive))
        return ["nginx", "-e", place.folder / "proxy.log", "-c", config]


class NginxWide(Nginx):
    name = "nginx-wide"
    note = "the same with a connection for each request in flight"

    def load(self, scenario):
        return "http", scenario.in_flight, 1


def fill(text, place, **values):
    values = {"DIR": place.folder, "PORT": place.port, "UPSTREAM": place.upstream, **values}
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


class Asyncio(System):
    name = "asyncio"
    note = "Python: asyncio + aiohttp"
    module = "aiohttp"
    arguments = ()

    def missing(self, place):
        found = subprocess.run([PYTHON, "-c", f"import aiohttp, {self.module}"], capture_output=True).returncode == 0
        return "" if found else f"{PYTHON} has no {self.module}"

    def command(self, place, scenario):
        return [PYTHON, BENCH / "peers/asyncio_aiohttp.py", place.port, place.upstream_url, scenario.upstream_connections,
                *self.arguments]


class Uvloop(Asyncio):
    name = "uvloop"
    note = "the same on uvloop"
    module = "uvloop"
    arguments = ("uvloop",)


class Go(System):
    name = "go"
    note = "Go: net + net/http"
    program = "go"

    def command(self, place, scenario):
        source, binary = BENCH / "peers/gateway.go", place.build / "bench/gateway-go"
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            environment = dict(os.environ, GOCACHE=str(place.build / "bench/go-cache"), GO111MODULE="off", GOFLAGS="")
            subprocess.run(["go", "build", "-o", binary, source], check=True, env=environment)
        return [binary, place.port, place.upstream_url, scenario.upstream_connections]


class Node(System):
    name = "node"
    note = "Node: net + http with a keep-alive agent"
    program = "node"

    def command(self, place, scenario):
        return ["node", BENCH / "peers/gateway.mjs", place.port, place.upstream_url, scenario.upstream_connections]


class Shell(System):
    name = "shell"
    note = "socat, and a curl and a jq for each request; two connections, depth 1"
    program = "socat"
    dialects = ("text",)
    forks = True

    def load(self, scenario):
        return scenario.dialect, min(2, scenario.connections), 1

    def environment(self, place):
        return dict(os.environ, UPSTREAM=place.upstream_url)

    def command(self, place, scenario):
        return ["socat", f"TCP-LISTEN:{place.port},fork,reuseaddr,bind=127.0.0.1,backlog=64", f"EXEC:{BENCH / 'peers/shell.sh'}"]


class Redis(System):
    name = "redis"
    note = "Redis GET of the same JSON; no persistence, one thread"
    program = "redis-server"
    by_name = True

    def load(self, scenario):
        return "resp", scenario.connections, scenario.depth

    def command(self, place, scenario):
        return ["redis-server", "--bind", "127.0.0.1", "--port", place.port, "--dir", place.folder, "--save", "", "--appendonly", "no",
                "--io-threads", 1, "--maxclients", 20_000]

    def fill(self, place, scenario):
        """Each key of the load, with what the API answers for it."""
        api = http.client.HTTPConnection("127.0.0.1", place.upstream, timeout=10)
        with socket.create_connection(("127.0.0.1", place.port), timeout=10) as redis:
            for number in range(scenario.keys):
                api.request("GET", f"/item/{number:012x}")
                value = api.getresponse().read()
                redis.sendall(b"*3\r\n$3\r\nSET\r\n$17\r\nitem:%012x\r\n$%d\r\n%s\r\n" % (number, len(value), value))
                if redis.recv(64) != b"+OK\r\n":
                    raise OSError("redis did not take a value")
        api.close()


class Direct(System):
    name = "direct"
    note = "the same client asking the API itself, over keep-alive"
    measured = False
    by_name = True

    def load(self, scenario):
        return "http", min(scenario.in_flight, scenario.upstream_connections), 1

    def command(self, place, scenario):
        return None

    def port(self, place):
        return place.upstream


SYSTEMS = {kind.name: kind() for kind in (Linegate, Bare, Unhedged, Undelayed, FewWaiting, OneRoute, Floor, Nginx, NginxWide, Asyncio, Uvloop, Go, Node, Shell,
                                        Redis, Direct)}


def systems_for(scenario, wanted):
    """Those of the wanted ones that can run this scenario."""
    chosen = [SYSTEMS[name] for name in wanted if not scenario.systems or name in scenario.systems]
    if not scenario.systems:
        chosen = [s for s in chosen if not s.by_name and (s.name != "nginx-wide" or scenario.depth > 1)]
    return [s for s in chosen if s.load(scenario)[0] in ("http", "resp") or scenario.dialect in s.dialects]
