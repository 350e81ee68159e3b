"""Fixtures that the end-to-end tests share. The pieces themselves are in tests/support; a test file says which API and
which config it wants."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from api import Api  # noqa: E402
from certificates import Authority  # noqa: E402
from gateway import Gateway, environment  # noqa: E402
from servers import Httpbin, Nginx  # noqa: E402


@pytest.fixture(scope="module")
def api():
    """The scripted API of a test file."""
    with Api() as running:
        yield running


@pytest.fixture
def start():
    """start(config, …) runs a gateway for one test; at the test's end it is stopped and must have ended well."""
    running = []

    def start_gateway(text=None, **how):
        running.append(Gateway(text, **how))
        return running[-1]

    yield start_gateway
    for gateway in reversed(running):
        gateway.stop() if gateway.process.poll() is None else gateway.wait()


@pytest.fixture
def client(gateway):
    """One connection to the gateway of a test file (its module-scoped fixture `gateway`)."""
    with gateway.connect() as connected:
        yield connected


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


@pytest.fixture(scope="session")
def lookup_library(tmp_path_factory):
    """The preloadable getaddrinfo of tests/support/slow_lookup.c, built here."""
    library = tmp_path_factory.mktemp("lookup") / "slow_lookup.so"
    compiler = shutil.which("cc") or shutil.which("clang")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SUPPORT / "slow_lookup.c"], check=True)
    return library


@pytest.fixture
def lookups(lookup_library, tmp_path):
    """An environment in which names ending in .test resolve as slow_lookup.c says, and the log of those lookups."""
    return Lookups(lookup_library, tmp_path / "lookups.log")


class Lookups:
    def __init__(self, library, log):
        self._log = log
        # The sanitizers' runtime is linked into the program, so their "runtime must come first" holds.
        self.env = environment(LD_PRELOAD=str(library), LOOKUP_LOG=str(log))

    def break_later(self):
        """From now on lookups of later.test hang."""
        self._log.with_name(self._log.name + ".broken").touch()

    def names(self):
        return self._log.read_text().split() if self._log.exists() else []


@pytest.fixture(scope="module")
def nginx():
    with Nginx(NGINX_FILES) as running:
        yield running


@pytest.fixture(scope="module")
def httpbin():
    with Httpbin() as running:
        yield running


NGINX_FILES = {
    "weather": b'{\n  "city": "Oslo",\n  "temp_c": 3.50\n}\n',
    "big": b'{"text":"' + b"x" * 300_000 + b'"}',
    "empty": b"",
}
