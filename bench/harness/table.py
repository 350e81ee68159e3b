"""Medians, spreads and ratios as text."""
from statistics import median

RATIO_TO = "linegate"


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
    ratio = f"{base / cpu:.2f}" if base and cpu and name != RATIO_TO else ""
    calls = result.get("syscalls") or {}
    marks = "*" if summary["load_limited"]["median"] > 0 else ""
    return [name + marks, _cell(summary, "cpu_us", spread=True), ratio, _cell(summary, "user_us"), _cell(summary, "system_us"),
            _cell(summary, "core"), _cell(summary, "rate"), _cell(summary, "p50_us"), _cell(summary, "p99_us"), _cell(summary, "rss_mib"),
            _figure(calls["total"]) if calls else "-", _figure(result["instructions"]) if result.get("instructions") else "-",
            _cell(summary, "start_ms")]


HEAD = ["system", "CPU us/request (spread)", "linegate/it", "user", "sys", "cores", "requests/s", "p50 us", "p99 us", "RSS MiB",
        "syscalls", "instr.", "start ms"]


def scenario_table(scenario, results):
    base = results.get(RATIO_TO, {}).get("summary", {}).get("cpu_us", {}).get("median") if scenario.depth else None
    lines = [f"{scenario.name}: {scenario.describe()}"]
    rows = [HEAD] + [row(name, result, base) for name, result in results.items()]
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEAD))]
    for line in rows:
        cells = [cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        lines.append("  " + "  ".join(cells))
    lines += extra_lines(scenario, results)
    return "\n".join(lines)


def extra_lines(scenario, results):
    if scenario.depth == 0:
        return [f"  {name}: {result['summary']['kib_per_connection']['median']:.2f} KiB a connection" for name, result in results.items()
                if "kib_per_connection" in result["summary"]]
    if "direct" in results and RATIO_TO in results:
        ours, direct = (results[name]["summary"]["p50_us"]["median"] for name in (RATIO_TO, "direct"))
        return [f"  p50 of linegate / p50 of asking the API directly: {ours / direct:.2f}"]
    return []


def noise_line(results):
    noise = [result["summary"]["noise_cores"]["median"] for scenario in results.values() for result in scenario.values()]
    worst = max(noise, default=0)
    if worst < 0.1:
        return "The machine was quiet: others used less than 0.1 core."
    return (f"Others used {median(noise):.2f} cores in the median round, {worst:.2f} in the worst: compare CPU per request and ratios "
            "by their spread, and not throughput or latency.")
