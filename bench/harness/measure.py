"""One measurement: start the upstream and a system, put load on it, and say what it cost. Also syscalls and instructions."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness import procfs
from harness.systems import BENCH, Place, fill


class Failed(Exception):
    """A wrong reply, a program that did not start: the measurement says nothing."""


@dataclass
class Bench:
    build: Path
    upstream: str = "stub"  # or nginx
    warmup: float = 1.0
    duration: float = 3.0
    smoke: bool = False  # a number of requests instead of a time: it only has to work, on however busy a machine
    server_core: int = max(os.sched_getaffinity(0))
    other_core: int = min(os.sched_getaffinity(0))

    @property
    def load_program(self):
        return str(self.build / "bench/linegate-load")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(command, core, log, **options):
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            preexec_fn=lambda: os.sched_setaffinity(0, {core}), start_new_session=True, **options)


def wait_for_port(process, port, seconds=20):
    """Seconds until the first connection was accepted."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return time.perf_counter() - start
        except OSError:
            if process.poll() is not None:
                raise Failed(f"{process.args[0]} ended with {process.returncode}") from None
            time.sleep(0.0005)
    raise Failed(f"{process.args[0]} did not listen within {seconds} s")


def end(process):
    """Ends a process and what it started: all are in a session of their own."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


@contextmanager
def running(command, core, log, port, **options):
    start = time.perf_counter()
    process = spawn(command, core, log, **options)
    try:
        wait_for_port(process, port)
        yield process, time.perf_counter() - start
    finally:
        end(process)


def upstream_of(bench, scenario):
    """What plays the API. nginx has one body, no delay and no count of its calls: elsewhere it is the stub."""
    if scenario.delay != "0" or scenario.body != 100 or scenario.counts_calls:
        return "stub"
    return scenario.upstream or bench.upstream


def upstream_command(bench, place, scenario):
    if upstream_of(bench, scenario) == "nginx":
        config = place.folder / "nginx_upstream.conf"
        config.write_text(fill((BENCH / "stub/nginx_upstream.conf").read_text(), place, PORT=place.upstream))
        return ["nginx", "-e", place.folder / "upstream.log", "-c", config]
    return [bench.build / "bench/linegate-stub", "--port", place.upstream, "--delay", scenario.delay]


@contextmanager
def system_under_load(bench, system, scenario, wrap=()):
    """The upstream and the system, running and filled; gives (place, process or None, seconds to start)."""
    folder = Path(tempfile.mkdtemp(prefix="linegate-bench-"))
    place = Place(free_port(), free_port(), folder, bench.build)
    log_path = folder / "log"
    try:
        command = system.command(place, scenario)
        core = bench.other_core if command else bench.server_core  # asked directly, the API is the server
        with open(log_path, "wb") as log, running(upstream_command(bench, place, scenario), core, log, place.upstream):
            if command is None:
                yield place, None, 0.0
                return
            with running([*wrap, *command], bench.server_core, log, place.port, env=system.environment(place)) as (process, started):
                system.fill(place, scenario)
                yield place, process, started
    except (Failed, OSError) as error:
        raise Failed(f"{error}\n{log_path.read_text(errors='replace')[-500:]}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load_command(bench, system, scenario, place, *more):
    dialect, connections, depth = system.load(scenario)
    words = scenario.words if dialect != "http" else scenario.words.replace(scenario.words.split()[0], "item", 1)
    command = [bench.load_program, "--port", system.port(place), "--dialect", dialect, "--connections", connections, "--depth", depth,
               "--request", words, "--expect", scenario.body, "--drain", 30, "--quiet", *more]
    command += ["--rate", scenario.rate] if scenario.rate else []
    command += ["--keys", scenario.keys] if scenario.keys else []
    return [str(word) for word in command]


def times_of(bench, system, scenario):
    """How long the load lasts. Where the API is slow, answers come only after its delay."""
    if scenario.requests:
        return ["--requests", scenario.requests]
    if bench.smoke and scenario.depth:
        _, connections, depth = system.load(scenario)
        return ["--requests", max(50, min(connections * depth, 4000 if scenario.rate else 12_000))]
    warmup = (scenario.warmup or bench.warmup) + scenario.longest_delay
    return ["--warmup", warmup, "--duration", max(scenario.duration or bench.duration, 1.5 * scenario.longest_delay)]


def run_load(bench, command, on_event=lambda name: None):
    """Runs the generator; its events are passed on, its result is returned. With --wait it begins when "connected" was seen to."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {bench.other_core}))
    result = None
    for line in process.stdout:
        message = json.loads(line)
        if "event" in message:
            on_event(message["event"])
            if message["event"] == "connected":
                process.stdin.close()
        else:
            result = message
    errors = process.stderr.read()
    process.wait()
    if result is None or not result["ok"]:
        raise Failed(result["failure"] if result else errors.strip())
    return result


class Samples:
    """What /proc says as measuring begins and ends."""

    def __init__(self, system, process, calls, waits):
        self.system, self.process, self.calls, self.waits, self.taken = system, process, calls, waits, {}

    def take(self, name):
        pids = procfs.tree(self.process.pid) if self.process else []
        self.taken[name] = {"cpu": procfs.Cpu(pids, self.system.forks), "rss": procfs.resident(pids), "busy": procfs.machine_busy(),
                            "own": procfs.Cpu(procfs.tree(os.getpid()), True), "calls": self.calls()}

    def on_event(self, name):
        """A single shot may be over before its "begin" is seen: then it is the load that waits."""
        if name == "connected":
            self.take("begin")
        elif name == "end" or not self.waits:
            self.take(name)

    def cpu(self):
        return self.taken["end"]["cpu"].since(self.taken["begin"]["cpu"])

    def calls_made(self):
        return self.taken["end"]["calls"] - self.taken["begin"]["calls"]

    def noise(self, seconds):
        """Share of the machine that others used, the hypervisor's included, as cores."""
        busy = self.taken["end"]["busy"][0] - self.taken["begin"]["busy"][0]
        own = self.taken["end"]["own"].since(self.taken["begin"]["own"])["total"]
        return max(0.0, (busy - own) / seconds)


def calls_seen(place):
    """Requests that have reached the stub so far."""
    api = http.client.HTTPConnection("127.0.0.1", place.upstream, timeout=10)
    api.request("GET", "/calls")
    calls = json.loads(api.getresponse().read())["calls"]
    api.close()
    return calls


def capacity(bench, system, scenario):
    """Requests a second that the system reaches in a closed loop with all its upstream connections busy."""
    scenario = replace(scenario, capacity=0, depth=scenario.upstream_connections // scenario.connections)
    with system_under_load(bench, system, scenario) as (place, _, _):
        rate = run_load(bench, load_command(bench, system, scenario, place, *times_of(bench, system, scenario)))["rate"]
    if rate == 0:
        raise Failed("no reply came while its capacity was measured")
    return rate


def measure(bench, system, scenario):
    """One round: a dict of figures."""
    with system_under_load(bench, system, scenario) as (place, process, started):
        before = procfs.resident(procfs.tree(process.pid)) if process else 0
        counted = scenario.counts_calls and system.measured
        times = [*times_of(bench, system, scenario), "--events", "--wait"]
        samples = Samples(system, process, (lambda: calls_seen(place)) if counted else (lambda: 0), "--requests" in times)
        load = run_load(bench, load_command(bench, system, scenario, place, *times), samples.on_event)
    figures = {"noise_cores": samples.noise(load["seconds"]), "load_limited": 0.0}
    if system.measured:
        figures = {**figures, **server_figures(scenario, samples, load, started, before)}
    if scenario.depth == 0:
        return figures
    if load["measured"] == 0:
        raise Failed("no reply came while measuring")
    if counted:
        figures["calls"] = samples.calls_made()
        figures["calls_per_request"] = samples.calls_made() / load["measured"]
    return {**figures, **load_figures(scenario, load)}


def server_figures(scenario, samples, load, started, before):
    """What the server's processes used."""
    cpu, rss = samples.cpu(), samples.taken["end"]["rss"]
    figures = {"core": cpu["total"] / load["seconds"], "rss_mib": rss / 2**20, "start_ms": started * 1e3}
    if scenario.depth == 0:
        return {**figures, "kib_per_connection": (rss - before) / 1024 / scenario.connections}
    each = 1e6 / max(1, load["measured"])
    return {**figures, "cpu_us": cpu["total"] * each, "user_us": cpu["user"] * each, "system_us": cpu["system"] * each}


def load_figures(scenario, load):
    """What the generator saw."""
    figures = {f"{name}_us": load["latency_us"][name] for name in ("p50", "p90", "p99", "p99_9", "max")}
    figures = {**figures, "rate": load["rate"], "requests": load["measured"], "load_us": load["own_cpu"]["us_per_request"]}
    if scenario.requests:
        return {**figures, "all_answered_ms": load["seconds"] * 1e3}
    return {**figures, "load_limited": float(load["own_cpu"]["was_the_limit"])}


def syscalls(bench, system, scenario):
    """System calls a request, by name, counted by strace over a run of its own: {"total": 6.2, "sendto": 2.0, ...}; {} where
    strace cannot attach."""
    if not shutil.which("strace") or not system.measured or system.forks or not scenario.depth:
        return {}
    if scenario.rate or scenario.capacity or scenario.requests:  # only a closed loop offers strace no more than it can take
        return {}
    with system_under_load(bench, system, scenario) as (place, process, _):
        requests = max(4000, 8 * scenario.in_flight)
        run_load(bench, load_command(bench, system, scenario, place, "--requests", scenario.in_flight * 2))
        output = place.folder / "strace"
        pids = [word for pid in procfs.tree(process.pid) for word in ("-p", str(pid))]
        tracer = subprocess.Popen(["strace", "-c", "-f", "-o", str(output), *pids], stderr=subprocess.PIPE, text=True)
        if "attached" not in tracer.stderr.readline():
            tracer.wait()
            return {}
        time.sleep(0.2)
        load = run_load(bench, load_command(bench, system, scenario, place, "--requests", requests))
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
        return counted(output.read_text(), load["received"])


def counted(table, requests):
    calls = {}
    for line in table.splitlines():
        found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if found:
            calls[found[2]] = int(found[1]) / requests
    return calls


def instructions(bench, system, scenario):
    """User instructions a request, by callgrind: the difference between a long and a short run, so that starting does not count."""
    if not shutil.which("valgrind") or system.name not in ("linegate", "bare", "one-route", "nginx", "floor"):
        return None
    counts = []
    short = max(500, 2 * scenario.in_flight)
    for requests in (short, 3 * short):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)  # nginx's worker is another user
            wrap = ["valgrind", "--tool=callgrind", "--trace-children=no", f"--callgrind-out-file={folder}/out.%p", "--quiet"]
            with system_under_load(bench, system, scenario, wrap) as (place, _, _):
                load = run_load(bench, load_command(bench, system, scenario, place, "--requests", requests))
            sums = [re.search(r"^(?:summary|totals):\s*(\d+)", path.read_text(errors="replace"), re.M) for path in Path(folder).iterdir()]
            counts.append((sum(int(found[1]) for found in sums if found), load["received"]))
    (a, few), (b, many) = counts
    return (b - a) / (many - few)
