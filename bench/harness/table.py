"""Medians, spreads and ratios as text, for a terminal and for a README."""
from statistics import median

from harness.goals import OURS, judged


def summarize(rounds):
    """{figure: {"median", "min", "max"}} over the rounds."""
    figures = {}
    for key in rounds[0]:
        values = [one[key] for one in rounds if key in one]
        figures[key] = {"median": median(values), "min": min(values), "max": max(values)}
    return figures


def _figure(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def _cell(summary, key, spread=False):
    if key not in summary:
        return "-"
    one = summary[key]
    text = _figure(one["median"])
    return f"{text} ({_figure(one['min'])}-{_figure(one['max'])})" if spread else text


def row(name, result, base):
    summary = result["summary"]
    cpu = summary.get("cpu_us", {}).get("median")
    ratio = f"{base / cpu:.2f}" if base and cpu and name != OURS else ""
    calls = result.get("syscalls") or {}
    marks = "*" if summary["load_limited"]["median"] > 0 else ""
    return [name + marks, _cell(summary, "cpu_us", spread=True), ratio, _cell(summary, "user_us"), _cell(summary, "system_us"),
            _cell(summary, "core"), _cell(summary, "rate"), _cell(summary, "p50_us"), _cell(summary, "p99_us"), _cell(summary, "rss_mib"),
            _figure(calls["total"]) if calls else "-", _cell(summary, "instructions"),
            _cell(summary, "start_ms")]


HEAD = ["system", "CPU us/request (spread)", "linegate/it", "user", "sys", "cores", "requests/s", "p50 us", "p99 us", "RSS MiB",
        "syscalls", "instr.", "start ms"]


def rows_of(results):
    base = results.get(OURS, {}).get("summary", {}).get("cpu_us", {}).get("median")
    return [row(name, result, base) for name, result in results.items()]


def scenario_table(scenario, results, goals=True):
    lines = [f"{scenario.name}: {scenario.describe()}"]
    rows = [HEAD] + rows_of(results)
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEAD))]
    for line in rows:
        cells = [cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        lines.append("  " + "  ".join(cells))
    lines += extra_lines(scenario, results)
    if goals:
        lines += goal_lines(scenario, results)
    return "\n".join(lines)


# Figures that only some scenarios have.
EXTRA = {"kib_per_connection": "KiB a connection", "capacity": "requests/s in a closed loop just before", "offered": "requests/s offered",
         "calls": "calls that the API saw", "calls_per_request": "calls per request that the API saw",
         "all_answered_ms": "ms until all were answered"}


def extra_lines(scenario, results):
    lines = [f"  {name}: " + ", ".join(parts) for name, parts in ((name, _extras(result["summary"])) for name, result in results.items())
             if parts]
    if scenario.keys > 1 and results.get(OURS, {}).get("summary", {}).get("calls_per_request", {}).get("median", 0) > 0.01:
        lines.append("  NOTE: linegate did not answer from its cache; the ratio says nothing")
    ours, bare = (results.get(name, {}).get("summary", {}).get("instructions") for name in (OURS, "bare"))
    if ours and bare:
        lines.append(f"  instructions per request more than without policies: {ours['median'] - bare['median']:+,.0f}")
    return lines


def goal_lines(scenario, results):
    return [f"  goal: {goal.words} {_figure(value)}, at most {goal.limit:g}: {verdict}" for goal, value, verdict in judged(scenario, results)]


def _extras(summary):
    return [f"{_figure(summary[key]['median'])} {words}" for key, words in EXTRA.items() if key in summary]


def markdown(scenarios, results, about):
    """Two tables for a README: the goals, and every figure. `about`: the machine, the rounds and the command, in a sentence each."""
    goals = [(scenarios[name], *one) for name, systems in results.items() for one in judged(scenarios[name], systems)]
    lines = _markdown_table(["scenario", "connections × depth, limits", "figure", "goal", "measured", ""],
                            [[s.name, s.setting(), goal.words, f"≤ {goal.limit:g}", _figure(value), verdict] for s, goal, value, verdict in goals])
    head = ["scenario", "connections × depth, limits", *HEAD]
    rows = [[name, scenarios[name].setting(), *cells] for name, systems in results.items() for cells in rows_of(systems)]
    return "\n".join([*lines, "", *_markdown_table(head, rows), "", *about]) + "\n"


def _markdown_table(head, rows):
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("*", "\\*") for cell in line) + " |" for line in cells]


def noise_line(results):
    noise = [result["summary"]["noise_cores"]["median"] for scenario in results.values() for result in scenario.values()]
    worst = max(noise, default=0)
    if worst < 0.1:
        return "The machine was quiet: others used less than 0.1 core."
    return (f"Others used {median(noise):.2f} cores in the median round, {worst:.2f} in the worst: compare CPU per request and ratios "
            "by their spread, and not throughput or latency.")
