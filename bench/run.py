#!/usr/bin/python3
"""Measures linegate beside other programs that do the same job, in interleaved rounds, and prints one table. See bench/README.md."""
import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from harness import chart, crosscheck, measure, scenarios, table  # noqa: E402
from harness.systems import SYSTEMS, Place, systems_for  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"quick, {', '.join(scenarios.GROUPS)}, crosscheck, or names: "
                        f"{', '.join(s.name for s in scenarios.MAIN)} [main]")
    parser.add_argument("--systems", help=f"only these, comma-separated: {', '.join(SYSTEMS)}")
    parser.add_argument("--rounds", type=int, help="[5; quick 3, smoke 1]")
    parser.add_argument("--duration", type=float, help="seconds of measuring a round [3; quick 0.8, smoke 0.2]")
    parser.add_argument("--warmup", type=float, help="seconds before [1; quick 0.2, smoke 0.1]")
    parser.add_argument("--upstream", choices=("stub", "nginx"), default="stub", help="what plays the API [stub]")
    parser.add_argument("--instructions", action="store_true", help="also count instructions with callgrind (slow)")
    parser.add_argument("--no-syscalls", action="store_true", help="do not count system calls with strace")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="where the programs were built")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench/results", help="where JSON and charts go")
    return parser.parse_args()


def present(wanted, bench):
    """Those that can run here; says of the others why not."""
    place = Place(0, 0, bench.build, bench.build)
    for name in wanted:
        reason = SYSTEMS[name].missing(place)
        if reason:
            print(f"bench: {name} is left out: {reason}", file=sys.stderr)
        else:
            yield name


def one_round(bench, scenario, systems, results):
    found = {}
    if scenario.capacity:
        found["capacity"] = attempt(scenario, SYSTEMS["linegate"], measure.capacity, bench)
        found["offered"] = found["capacity"] * scenario.capacity
        scenario = replace(scenario, rate=found["offered"])
    for system in systems:
        figures = attempt(scenario, system, measure.measure, bench)
        results.setdefault(system.name, {"rounds": []})["rounds"].append({**figures, **found})


def attempt(scenario, system, what, bench):
    say(f"{scenario.name} {system.name}")
    try:
        return what(bench, system, system.adapt(scenario))
    except measure.Failed as error:
        raise measure.Failed(f"{scenario.name}, {system.name}: {error}") from None


def say(what):
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def run_scenario(bench, scenario, wanted, options):
    systems, results = systems_for(scenario, wanted), {}
    for turn in range(options.rounds):  # there and back, so that a drift of the machine favours nobody
        one_round(bench, scenario, systems if turn % 2 == 0 else systems[::-1], results)
    results = {system.name: results[system.name] for system in systems}
    for system in systems:
        result = results[system.name]
        result["summary"] = table.summarize(result["rounds"])
        if not options.no_syscalls and not scenario.family:
            result["syscalls"] = attempt(scenario, system, measure.syscalls, bench)
        counted = attempt(scenario, system, measure.instructions, bench) if options.instructions or scenario.instructions else None
        if counted:
            result["summary"]["instructions"] = {"median": counted, "min": counted, "max": counted}
    say("")
    return results


def machine():
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return {"cpu": model[0] if model else platform.processor(), "cores": len(model), "kernel": platform.release(),
            "taken": time.strftime("%Y-%m-%d %H:%M")}


def draw(out, results):
    draw_bars(out / "cpu.svg", {name: results[name] for name in scenarios.QUICK if name in results})
    draw_bars(out / "scenarios.svg", {name: r for name, r in results.items() if not scenarios.ALL[name].family})
    for family in scenarios.FAMILIES:
        draw_family(out, family, {name: r for name, r in results.items() if scenarios.ALL[name].family == family})


def draw_bars(path, results):
    groups = []
    for name, systems in results.items():
        rows = [(system, *(result["summary"]["cpu_us"][key] for key in ("median", "min", "max"))) for system, result in systems.items()
                if "cpu_us" in result["summary"]]
        if rows:
            groups.append((f"{name}: {scenarios.ALL[name].setting()}", rows))
    if groups:
        chart.write(path, chart.bars("CPU per request, microseconds (less is better; the line is the spread over rounds)", groups))


CURVES = (("cpu_us", "", "CPU per request", "us/request"), ("rate", "-rate", "Throughput", "requests/s"),
          ("p99_us", "-p99", "99th percentile of latency", "us"), ("rss_mib", "-memory", "Resident memory", "MiB"))


def draw_family(out, family, results):
    unit = {"body": "bytes of body", "latency": "upstream latency, ms", "waiting": "requests waiting"}.get(family, family)
    for figure, suffix, title, y_unit in CURVES:
        series = {}
        for name, systems in results.items():
            for system, result in systems.items():
                series.setdefault(system, []).append((scenarios.ALL[name].x, result["summary"][figure]["median"]))
        if series:
            chart.write(out / f"{family}{suffix}.svg", chart.curves(f"{title} by {unit}", unit, y_unit, series))


@dataclass
class Mode:
    """What a word in the place of scenarios stands for; options that are given win."""
    rounds: int = 5
    duration: float = 3.0
    warmup: float = 1.0
    names: tuple = ("main",)
    systems: tuple = tuple(SYSTEMS)
    full: bool = True  # else no system calls, no instructions, and only as many requests as show that it works


MODES = {
    "quick": Mode(3, 0.8, 0.2, scenarios.QUICK, tuple(name for name in SYSTEMS if name != "shell")),
    "smoke": Mode(1, 0.2, 0.1, ("smoke",), full=False),
}


def prepare(options):
    """(bench, scenarios, systems), and the mode's values for options that were not given."""
    mode = MODES.get(options.scenarios[0], Mode()) if len(options.scenarios) == 1 else Mode()
    options.rounds = options.rounds or mode.rounds
    options.no_syscalls = options.no_syscalls or not mode.full
    bench = measure.Bench(options.build.resolve(), options.upstream, options.warmup or mode.warmup, options.duration or mode.duration,
                          smoke=not mode.full)
    names = mode.names if not options.scenarios or options.scenarios[0] in MODES else options.scenarios
    chosen = scenarios.named(names) if names != ["crosscheck"] else []
    if not mode.full:
        chosen = [replace(scenario, instructions=False) for scenario in chosen]
    if bench.server_core == bench.other_core:
        print("bench: one core only: load, upstream and server share it", file=sys.stderr)
    return bench, chosen, list(present(options.systems.split(",") if options.systems else mode.systems, bench))


def write(options, results, took):
    """JSON, Markdown and charts; a family's JSON beside them, under its name, so that the next family's run does not replace it."""
    options.out.mkdir(parents=True, exist_ok=True)
    described = {name: scenarios.ALL[name].describe() for name in results}
    whole = {"machine": machine(), "command": command(), "scenarios": described, "results": results}
    (options.out / "results.json").write_text(json.dumps(whole, indent=1))
    for family in {scenarios.ALL[name].family for name in results} - {""}:
        part = {name: result for name, result in results.items() if scenarios.ALL[name].family == family}
        (options.out / f"{family}.json").write_text(json.dumps({**whole, "results": part}, indent=1))
    about = [f"Taken on {whole['machine']['cores']} cores of {whole['machine']['cpu']}, Linux {whole['machine']['kernel']}, "
             f"{whole['machine']['taken']}, with `{command()}`. {took}"]
    (options.out / "table.md").write_text(table.markdown(scenarios.ALL, results, about))
    draw(options.out, results)
    print(f"JSON, Markdown and charts: {options.out}")


def command():
    return " ".join(["./run bench", *sys.argv[1:]])


def main():
    options = arguments()
    try:
        bench, chosen, wanted = prepare(options)
    except KeyError as error:
        sys.exit(f"bench: no scenario or system {error}")
    if options.scenarios == ["crosscheck"]:
        return crosscheck.run(bench, options.rounds)
    started, results, failures = time.monotonic(), {}, []
    for scenario in filter(lambda one: systems_for(one, wanted), chosen):
        try:
            results[scenario.name] = run_scenario(bench, scenario, wanted, options)
        except measure.Failed as failure:  # of this scenario no figure is worth anything; the others' are
            failures.append(str(failure))
            print(f"{scenario.name}: FAILED\n{failure}\n", flush=True)
            continue
        print(table.scenario_table(scenario, results[scenario.name], goals=not bench.smoke))
        print(f"  upstream: {measure.upstream_of(bench, scenario)}\n", flush=True)
    took = (f"{options.rounds} rounds of {bench.duration:g} s unless a scenario needs more. {table.noise_line(results)}")
    print(f"{took} {time.monotonic() - started:.0f} s in all.")
    if results:
        write(options, results, took)
    if failures:
        sys.exit("\n".join(["bench: FAILED:", *(failure.splitlines()[0] for failure in failures)]))


if __name__ == "__main__":
    main()
