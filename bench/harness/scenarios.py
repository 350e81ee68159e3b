"""What is measured: each scenario names its connections, depth, queue and delays. Growth families are scenarios that differ in one
figure."""
from dataclasses import dataclass, field, replace


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
    routes: int = 1
    warmup: float = 0  # seconds; 0 = the run's
    duration: float = 0
    family: str = ""  # a growth family, and where on its axis this one stands
    x: float = 0
    systems: tuple = ()  # only these; () = all
    extra: dict = field(default_factory=dict)

    @property
    def in_flight(self):
        return self.connections * self.depth

    @property
    def words(self):
        route = "item" if self.routes == 1 else f"item{self.routes - 1}"
        return route + " {id}" + (f" size={self.body}" if self.body != 100 else "")

    def describe(self):
        loop = f"open loop at {self.rate:,.0f}/s" if self.rate else "closed loop"
        waiting = max(0, self.in_flight - self.upstream_connections)
        return (f"{self.dialect}, {self.connections:,} connections, depth {self.depth}, {self.upstream_connections:,} upstream "
                f"connections, up to {waiting:,} waiting (queue {self.max_queue:,}, all timeouts 30 s), body {self.body:,} B, "
                f"upstream delay {self.delay}, {self.routes:,} routes, {loop}")


OURS = ("linegate", "nginx", "floor")

MAIN = [
    Scenario("depth1"),
    Scenario("depth16", depth=16),
    Scenario("jsonrpc16", depth=16, dialect="jsonrpc", systems=("linegate", "asyncio", "uvloop", "go", "node")),
    Scenario("one-client", connections=1, systems=("linegate", "direct", "nginx", "floor", "asyncio", "uvloop", "go", "node", "shell")),
    Scenario("waiting-64", connections=128, systems=("linegate",)),
    Scenario("waiting-10000", connections=128, depth=79, systems=("linegate",)),
    Scenario("slow-api", connections=400, depth=64, delay="500ms", upstream_connections=4000, rate=6400, warmup=3, duration=5,
             systems=("linegate",)),
    Scenario("body-1m", connections=8, body=1_000_000, systems=("linegate", "nginx", "floor", "go")),
    Scenario("idle-10000", connections=10_000, depth=0, systems=("linegate", "nginx", "go", "node", "asyncio")),
    Scenario("routes-1000", depth=16, routes=1000, systems=("linegate",)),
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
FAMILIES = sorted({scenario.family for scenario in GROWTH})


def named(names):
    """Scenarios by name, `main`, `growth`, or a family's name."""
    chosen = []
    for name in names:
        group = {"main": MAIN, "growth": GROWTH}.get(name) or [s for s in GROWTH if s.family == name]
        if not group and name not in ALL:
            raise KeyError(name)
        chosen += group or [ALL[name]]
    return chosen
