"""What is measured: each scenario names its connections, depth, queue and delays. Growth families are scenarios that differ in one
figure."""
import re
from dataclasses import dataclass, replace

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Scenario:
    name: str
    connections: int = 64
    depth: int = 1  # unanswered requests a connection
    upstream_connections: int = 64
    max_queue: int = 20_000
    dialect: str = "text"
    body: int = 100  # bytes
    delay: str = "0"  # of the upstream, as linegate-stub takes it
    rate: float = 0  # requests a second: open loop
    capacity: float = 0  # open loop at this share of what a closed loop has just reached
    routes: int = 1
    keys: int = 0  # different items that are asked for; 0 = each request asks for its own
    requests: int = 0  # one shot of so many instead of a time
    policies: str = ""  # keys of linegate's route; "" = its defaults
    counts_calls: bool = False  # whether it matters how many requests reached the API
    upstream: str = ""  # what plays the API; "" = the run's choice
    instructions: bool = False  # always counted
    warmup: float = 0  # seconds; 0 = the run's
    duration: float = 0
    family: str = ""  # a growth family, and where on its axis this one stands
    x: float = 0
    systems: tuple = ()  # only these; () = all that no scenario need name

    @property
    def in_flight(self):
        return self.connections * self.depth

    @property
    def words(self):
        route = "item" if self.routes == 1 else f"item{self.routes - 1}"
        return route + " {id}" + (f" size={self.body}" if self.body != 100 else "")

    @property
    def longest_delay(self):
        """Seconds."""
        return max((float(value) * UNITS[unit] for value, unit in re.findall(r"([\d.]+)(us|ms|s)\b", self.delay)), default=0.0)

    @property
    def loop(self):
        if self.requests:
            return f"{self.requests:,} requests at once"
        if self.capacity:
            return f"open loop at {self.capacity:.0%} of the capacity measured just before"
        return f"open loop at {self.rate:,.0f}/s" if self.rate else "closed loop"

    def describe(self):
        parts = [self.dialect, f"{self.connections:,} connections, depth {self.depth}", f"{'at most ' if self.rate or self.capacity else ''}{self.in_flight:,} in flight",
                 f"{self.upstream_connections:,} upstream connections",
                 f"up to {max(0, self.in_flight - self.upstream_connections):,} waiting (queue {self.max_queue:,}, all timeouts 30 s)",
                 f"body {self.body:,} B", f"upstream delay {self.delay}"]
        parts += [f"{self.routes:,} routes"] if self.routes > 1 else []
        parts += [f"{self.keys:,} keys"] if self.keys else []
        return ", ".join([*parts, self.loop])

    def setting(self):
        """The same, short, for a row of a table."""
        return (f"{self.connections:,} × {self.depth}, {self.upstream_connections:,} upstream, queue {self.max_queue:,}, timeouts 30 s")


OURS = ("linegate", "nginx", "floor")
CACHED = 'cache = { mode = "override", ttl = "60s" }'
HEDGED = 'hedge = { after = "p95", budget = 0.05 }'
ALL_ON = CACHED + """
coalesce = true
retry = { attempts = 2 }
breaker = { consecutive = 5 }"""

MAIN = [
    Scenario("depth1"),
    Scenario("depth16", depth=16),
    Scenario("jsonrpc16", depth=16, dialect="jsonrpc", systems=("linegate", "asyncio", "uvloop", "go", "node")),
    Scenario("real-api", depth=16, upstream="nginx", systems=("linegate", "nginx", "floor", "go")),
    Scenario("one-client", connections=1, systems=("linegate", "direct", "nginx", "floor", "asyncio", "uvloop", "go", "node", "shell")),
    Scenario("many-waiting", connections=128, depth=79, systems=("linegate", "few-waiting")),
    Scenario("slow-api", connections=400, depth=10, delay="500ms", upstream_connections=4000, capacity=0.8, warmup=3, duration=5,
             systems=("linegate", "undelayed", "direct")),
    Scenario("body-1m", connections=8, body=1_000_000, systems=("linegate", "nginx", "floor", "go")),
    Scenario("idle-10000", connections=10_000, depth=0, systems=("linegate", "nginx", "go", "node", "asyncio")),
    Scenario("many-routes", depth=16, routes=1000, instructions=True, systems=("linegate", "one-route")),
    Scenario("cache-hits1", keys=1000, policies=CACHED, counts_calls=True, systems=("linegate", "redis")),
    Scenario("cache-hits16", depth=16, keys=1000, policies=CACHED, counts_calls=True, systems=("linegate", "redis")),
    Scenario("stampede", connections=1000, keys=1, requests=1000, delay="20ms", policies=CACHED, counts_calls=True,
             systems=("linegate", "bare")),
    Scenario("hedge", connections=256, depth=16, dialect="tagged", upstream_connections=256, delay="tail:5ms,100ms,0.02", rate=2000,
             policies=HEDGED, counts_calls=True, systems=("linegate", "unhedged", "direct")),
    Scenario("miss-cost", depth=16, policies=ALL_ON, instructions=True, counts_calls=True, systems=("linegate", "bare")),
]


def _grow(family, values, make, systems=OURS):
    return [replace(make(value), name=f"{family}-{value}", family=family, x=float(value), systems=systems) for value in values]


def _latency(ms):
    return Scenario("", connections=64, depth=16, upstream_connections=1024, delay=f"{ms}ms" if ms else "0", warmup=2 if ms > 99 else 0)


GROWTH = [
    *_grow("connections", (1, 8, 64, 512, 4096, 10_000), lambda n: Scenario("", connections=n)),
    *_grow("depth", (1, 2, 4, 8, 16, 32, 64), lambda n: Scenario("", depth=n)),
    *_grow("waiting", (64, 512, 2048, 10_000), lambda n: Scenario("", connections=128, depth=(n + 64 + 127) // 128), ("linegate", "floor")),
    *_grow("body", (100, 1000, 10_000, 100_000, 1_000_000), lambda n: Scenario("", connections=8, body=n)),
    *_grow("routes", (1, 10, 100, 1000), lambda n: Scenario("", depth=16, routes=n), ("linegate",)),
    *_grow("latency", (0, 1, 10, 100, 500), _latency, ("linegate", "floor")),
]

QUICK = ("depth1", "depth16")
ALL = {scenario.name: scenario for scenario in MAIN + GROWTH}
assert len(ALL) == len(MAIN) + len(GROWTH), "two scenarios have one name"
FAMILIES = {family: [s for s in GROWTH if s.family == family] for family in sorted({s.family for s in GROWTH})}
GROUPS = {"main": MAIN, "growth": GROWTH, "cache-hits": [ALL["cache-hits1"], ALL["cache-hits16"]], **FAMILIES}
GROUPS["cache"] = [*GROUPS["cache-hits"], ALL["stampede"], ALL["hedge"], ALL["miss-cost"]]
# Each main scenario, and both ends of each family.
GROUPS["smoke"] = [*MAIN, *(end for family in FAMILIES.values() for end in (family[0], family[-1]))]


def named(names):
    """Scenarios by name, or by that of a group of them."""
    chosen = []
    for name in names:
        if name not in GROUPS and name not in ALL:
            raise KeyError(name)
        chosen += GROUPS.get(name) or [ALL[name]]
    return chosen
