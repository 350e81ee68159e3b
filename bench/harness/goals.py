"""What linegate must reach, as ratios within one scenario of one run, and whether it did."""
from dataclasses import dataclass

OURS = "linegate"


@dataclass(frozen=True)
class Goal:
    scenario: str
    figure: str  # of linegate
    limit: float
    words: str
    of: tuple = ()  # over the least of these systems'; () = as it is
    aim: float = 0  # better than the limit, and wished for
    less: bool = False  # the difference, not the ratio


NGINX = ("nginx", "nginx-wide")
CPU = "CPU per request / "
GOALS = (
    Goal("depth16", "cpu_us", 1.0, CPU + "nginx at its best", NGINX),
    Goal("depth16", "cpu_us", 0.10, CPU + "asyncio + aiohttp", ("asyncio",)),
    Goal("depth16", "cpu_us", 0.50, CPU + "Go", ("go",)),
    Goal("depth16", "cpu_us", 1.7, CPU + "the floor", ("floor",)),
    Goal("depth1", "cpu_us", 1.5, CPU + "nginx", NGINX, aim=1.25),
    Goal("depth1", "cpu_us", 0.12, CPU + "asyncio + aiohttp", ("asyncio",)),
    Goal("depth1", "cpu_us", 0.70, CPU + "Go", ("go",)),
    Goal("depth1", "cpu_us", 1.7, CPU + "the floor", ("floor",)),
    Goal("many-waiting", "cpu_us", 1.1, CPU + "that with 64 waiting", ("few-waiting",)),
    Goal("one-client", "p50_us", 2.5, "p50 / that of asking the API directly", ("direct",)),
    Goal("slow-api", "p99_us", 1.1, "p99 / the API's own at that rate", ("direct",)),
    Goal("slow-api", "cpu_us", 1.3, CPU + "that with an API that answers at once", ("undelayed",)),
    Goal("idle-10000", "kib_per_connection", 1.5, "KiB a connection"),
    Goal("body-1m", "cpu_us", 2.0, CPU + "nginx (half its bytes per CPU second)", ("nginx",)),
    Goal("depth1", "start_ms", 20, "ms from start to the first accepted connection"),
    Goal("many-routes", "instructions", 1.03, "instructions per request / those with one route", ("one-route",)),
    Goal("cache-hits1", "cpu_us", 1.0, CPU + "Redis GET", ("redis",)),
    Goal("cache-hits16", "cpu_us", 1.5, CPU + "Redis GET", ("redis",)),
    Goal("stampede", "calls", 1, "calls that the API saw"),
    Goal("hedge", "calls_per_request", 1.05, "calls per request that the API saw"),
    Goal("miss-cost", "cpu_us", 1.0, "us of CPU per request more than without policies", ("bare",), less=True),
)


def value_of(goal, results):
    """The figure to hold against the limit, from the medians; None where it was not measured."""
    ours = _median(results.get(OURS), goal.figure)
    if ours is None or not goal.of:
        return ours
    others = [other for other in (_median(results.get(name), goal.figure) for name in goal.of) if other]
    if not others:
        return None
    return ours - min(others) if goal.less else ours / min(others)


def _median(result, figure):
    return result["summary"].get(figure, {}).get("median") if result else None


def judged(scenario, results):
    """[(goal, value, "met" | "missed" | ...)] of a scenario."""
    values = ((goal, value_of(goal, results)) for goal in GOALS if goal.scenario == scenario.name)
    return [(goal, value, _verdict(goal, value)) for goal, value in values if value is not None]


def _verdict(goal, value):
    if value > goal.limit:
        return "missed"
    return f"met; the aim of {goal.aim:g} is not" if goal.aim and value > goal.aim else "met"
