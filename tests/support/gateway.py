"""The built program, run as a user runs it: `linegate serve -c FILE` with a config of the test's, its ports read from what
it prints, its end checked. The program is named by the environment variable LINEGATE."""

import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from client import DEADLINE, Client

PROGRAM = os.environ.get("LINEGATE", "linegate")
SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|DEADLYSIGNAL")

# Routes that hand a path, and a JSON body, to whatever API stands behind.
ROUTES = """
[route.fetch]
upstream = "api"
method = "GET"
path = "/{name}"
params = [{ name = "name", required = true }]

[route.send]
upstream = "api"
method = "POST"
path = "/{name}"
json = { text = "{text}" }
params = [{ name = "name", required = true }, { name = "text", default = "" }]
"""

# Each call is one request, whatever came before: for tests of everything but cache, coalescing, retries, breaker, gate.
PLAIN = """
[defaults]
coalesce = false
retry = { attempts = 1, gate_max = "0s" }
breaker = { enabled = false }
cache = { mode = "off" }
"""


def config(url, server="", upstream="", more="", routes=ROUTES, listen='["127.0.0.1:0"]', defaults=PLAIN):
    """A config of one listener and one upstream `api`; the arguments are lines for the tables of that name. Where
    `defaults` is "", the program's own hold."""
    return f"""schema = 1
[server]
listen = {listen}
{server}
{defaults}
[upstream.api]
base_url = "{url}"
{upstream}
{more}
{routes}
"""


def environment(**more):
    """The environment of the program: no proxies and no secrets of the machine's."""
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    kept["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return {**kept, **more}


def run(*arguments, input=None, timeout=DEADLINE, env=None, **options):
    """One run of the program to its end; returns the CompletedProcess with text output."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=input,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=env or environment(),
        stdin=subprocess.DEVNULL if input is None else None,
        **options,
    )
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


class Gateway:
    """A running gateway. Use it as a context manager: leaving stops it with SIGTERM and checks that it ended well."""

    def __init__(self, text=None, arguments=(), env=None, open_files=None, wait=True):
        """`text` is the config file's; without it the arguments alone say what to serve."""
        self.folder = tempfile.TemporaryDirectory(prefix="linegate-")
        self._lines = []
        self._changed = threading.Condition()
        command = [PROGRAM, "serve"]
        if text is not None:
            self.file = Path(self.folder.name, "linegate.toml")
            self.file.write_text(text)
            command += ["-c", str(self.file)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env or environment(),
            preexec_fn=limit_files(open_files),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_until_ready()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line.decode(errors="backslashreplace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._lines.append(None)
            self._changed.notify_all()

    @property
    def log(self):
        """Everything said on stderr so far."""
        return "\n".join(line for line in self._lines if line is not None)

    def wait_for(self, pattern, count=1):
        """Waits until stderr has `count` matches of the pattern; returns the last one."""

        def found():
            matches = list(re.finditer(pattern, self.log, re.MULTILINE))
            return matches if len(matches) >= count else None

        with self._changed:
            done = self._changed.wait_for(lambda: found() or None in self._lines, DEADLINE)
        matches = found()
        assert done and matches, f"stderr has no {pattern!r}:\n{self.log}"
        return matches[-1]

    def wait_until_ready(self):
        try:
            self.wait_for(r"^linegate: ready$")
        except AssertionError:
            self.kill()
            raise
        self.addresses = [
            parse_address(found) for found in re.findall(r"^linegate: listening on (.+)$", self.log, re.M)
        ]
        self.address = self.addresses[0]
        self.port = self.address[1]

    def connect(self, **how):
        return Client(self.address, **how)

    def send_signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=DEADLINE):
        """Waits for the program's end; returns its exit status."""
        status = self.process.wait(timeout)
        self._reader.join(DEADLINE)
        assert not SANITIZER.search(self.log), self.log
        return status

    def stop(self, number=signal.SIGTERM):
        """Ends the program in the ordinary way; it must exit 0 and leave no sanitizer report."""
        if self.process.poll() is None:
            self.send_signal(number)
        status = self.wait()
        assert status == 0, f"exit status {status}\n{self.log}"
        self.folder.cleanup()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE)
        print(self.log)  # pytest shows it beside the failure
        self.folder.cleanup()


def limit_files(count):
    if count is None:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def parse_address(text):
    """What Client connects to: the path of a Unix socket, or (host, port)."""
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
