"""The generator's figures beside those of wrk, on the same work: HTTP GET of nginx's reverse proxy over kept connections, one request
at a time on each. Both run on the core that the stub is on; rounds alternate, and latencies are corrected as wrk corrects its own."""
import os
import re
import shutil
import subprocess
import sys
from statistics import median

from harness import measure
from harness.scenarios import Scenario
from harness.systems import SYSTEMS

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


def ours(bench, place, scenario):
    times = measure.times_of(bench, SYSTEMS["nginx"], scenario)
    load = measure.run_load(bench, measure.load_command(bench, SYSTEMS["nginx"], scenario, place, *times, "--histogram"))
    parts = corrected(load["histogram_us"], 1e6 * scenario.connections / load["rate"])
    return load["rate"], percentile(parts, 0.5), percentile(parts, 0.99)


def corrected(parts, interval):
    """What wrk does to its own: for a request that took more than twice the mean of its connection, those that would have been sent
    meanwhile are added, as if they had waited for what was left."""
    added = []
    for value, count in parts:
        left = value - interval if value > 2 * interval else 0
        while left > interval:
            added.append((left, count))
            left -= interval
    return sorted([*map(tuple, parts), *added])


def percentile(parts, fraction):
    wanted, seen = fraction * sum(count for _, count in parts), 0
    for value, count in parts:
        seen += count
        if seen >= wanted:
            return value
    return 0.0


def wrk(bench, place, scenario):
    """(requests/s, p50, p99 in us). wrk does not look at what the replies say, and has no warm-up: a second is run before."""
    command = ["wrk", "-t", "1", "-c", str(scenario.connections), "--latency", f"http://127.0.0.1:{place.port}/item/0000000000ff"]
    for seconds in (1, max(1, round(bench.duration))):
        done = subprocess.run([*command, "-d", f"{seconds}s"], capture_output=True, text=True, check=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, {bench.other_core}))
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise measure.Failed(done.stdout)
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)[1])
    return (rate, *(_percentile(done.stdout, percent) for percent in (50, 99)))


def _percentile(text, percent):
    value, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(value) * UNITS[unit]


def run(bench, rounds):
    for program in ("wrk", "nginx"):
        if not shutil.which(program):
            sys.exit(f"bench: {program} is not installed")
    for connections in (1, 64):
        scenario = Scenario("crosscheck", connections=connections)
        print(f"nginx as a proxy, {connections} connections, medians of {rounds} rounds\n"
              f"  {'':14}{'requests/s':>12}{'p50 us':>10}{'p99 us':>10}")
        with measure.system_under_load(bench, SYSTEMS["nginx"], scenario) as (place, _, _):
            figures = [(ours(bench, place, scenario), wrk(bench, place, scenario)) for _ in range(rounds)]
        both = [[median(one[which][i] for one in figures) for i in range(3)] for which in (0, 1)]
        for name, line in zip(("linegate-load", "wrk"), both):
            print(f"  {name:14}{line[0]:12,.0f}{line[1]:10,.0f}{line[2]:10,.0f}")
        ratios = [median(one[0][i] / one[1][i] for one in figures) for i in range(3)]  # of neighbours in time, so that noise is shared
        print("  median ratio  " + "".join(f"{ratio:{width}.2f}" for ratio, width in zip(ratios, (12, 10, 10))))
