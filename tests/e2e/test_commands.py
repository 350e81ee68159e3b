"""The other commands of the program: check, call, demo, --version, --help."""

import json
import os
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from api import reply
from client import Client, error, ok, ok_with_meta
from gateway import PROGRAM, SANITIZER, Gateway, config, environment, run

OK, ERR, USAGE, NO_CONNECTION, NO_ANSWER = range(5)


@pytest.fixture(scope="module")
def gateway(api):
    api.on("/a", reply('"a"'))
    with Gateway(config(api.url)) as running:
        yield running


def call(gateway, *words, **how):
    return run("call", "--to", f"127.0.0.1:{gateway.port}", *words, **how)


# call


def test_call_prints_the_answer(gateway):
    done = call(gateway, "fetch", "a")
    assert (done.stdout, done.returncode) == ('OK "a"\n', OK)


def test_call_exits_1_on_an_error(gateway):
    done = call(gateway, "nosuch")
    assert done.returncode == ERR
    error(done.stdout.rstrip("\n"), "unknown_method")


@pytest.mark.parametrize("word", ["two words", "a=b", 'say "x"', "back\\slash", "@id", "tab\there", "é", "", " "])
def test_call_quotes_its_words(gateway, api, word):
    api.forget()
    done = call(gateway, "send", "quoted", f"text={word}")
    api.arrived("/quoted")
    assert api.requests("/quoted")[0].json() == {"text": word}
    assert done.returncode == ERR  # 404


def test_call_passes_a_word_with_an_equals_sign_as_a_named_argument(gateway):
    assert call(gateway, "fetch", "name=a").stdout == 'OK "a"\n'


def test_call_passes_options(gateway):
    assert call(gateway, "@id=7", "fetch", "a").stdout == '#7 OK "a"\n'


def test_call_sends_json_as_it_is(gateway):
    done = call(gateway, '{"jsonrpc":"2.0","id":1,"method":"fetch","params":["a"]}')
    assert (json.loads(done.stdout), done.returncode) == ({"jsonrpc": "2.0", "id": 1, "result": "a"}, OK)


def test_call_exits_1_on_a_jsonrpc_error(gateway):
    assert call(gateway, '{"jsonrpc":"2.0","id":1,"method":"nosuch"}').returncode == ERR


def test_call_sends_a_batch_as_it_is(gateway):
    done = call(gateway, '[{"jsonrpc":"2.0","id":1,"method":"rpc.ping"}]')
    assert (json.loads(done.stdout)[0]["result"], done.returncode) == ("pong", OK)


def test_call_finds_the_listener_in_the_config(api, tmp_path):
    with Gateway(config(api.url, listen=f'["unix:{tmp_path}/line"]')) as running:
        done = run("call", "-c", running.file, "ping")
        assert (done.stdout, done.returncode) == ('OK "pong"\n', OK)


@pytest.mark.parametrize("arguments", [[], ["--to"], ["--to", "nowhere", "ping"], ["--no-such-flag", "ping"]])
def test_call_exits_2_on_wrong_usage(arguments):
    done = run("call", *arguments)
    assert done.returncode == USAGE
    assert done.stderr.strip() and not done.stdout


def test_call_exits_3_without_a_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = run("call", "--to", f"127.0.0.1:{port}", "ping")
    assert (done.returncode, done.stdout) == (NO_CONNECTION, "")
    assert str(port) in done.stderr


def test_call_exits_4_without_an_answer_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = run("call", "--to", f"127.0.0.1:{port}", "--timeout", "200ms", "ping")
    assert (done.returncode, done.stdout) == (NO_ANSWER, "")


def test_call_does_not_hang_on_a_server_that_closes():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        done = run("call", "--to", "127.0.0.1:%d" % listener.getsockname()[1], "ping")
    assert done.returncode in (NO_CONNECTION, NO_ANSWER)


def test_call_prints_a_large_answer_whole(gateway, api):
    api.on("/big", reply({"text": "x" * 1_500_000}))
    assert len(ok(call(gateway, "fetch", "big").stdout.rstrip("\n"))["text"]) == 1_500_000


# check


def check(tmp_path, text):
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return run("check", file)


def test_check_prints_the_routes(tmp_path):
    done = check(tmp_path, config("http://127.0.0.1:9"))
    assert done.returncode == 0, done.stderr
    assert "fetch" in done.stdout and "send" in done.stdout


def test_check_shows_mistakes_with_their_place(tmp_path):
    done = check(tmp_path, config("http://127.0.0.1:9", "max_conections = 5"))
    assert done.returncode != 0
    assert re.search(r"gateway\.toml:4:\d+: .*max_conections.*max_connections", done.stderr), done.stderr


def test_check_of_a_missing_file(tmp_path):
    done = run("check", tmp_path / "nothing.toml")
    assert done.returncode != 0
    assert "nothing.toml" in done.stderr


def test_check_without_a_file_is_wrong_usage():
    assert run("check").returncode == USAGE


def test_check_opens_no_port(gateway, tmp_path):
    done = check(tmp_path, config("http://127.0.0.1:9", listen=f'["127.0.0.1:{gateway.port}"]'))
    assert done.returncode == 0, done.stderr


# demo


class Demo:
    """The demo on a port of the kernel's choice, and what it said until it was ready."""

    def __init__(self):
        self.process = subprocess.Popen(
            [PROGRAM, "demo", "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
        self.said = []
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.ready.wait(20) and self.process.poll() is None, self.said
        self.port = next(int(found[1]) for line in self.said if (found := re.match(LISTENING, line)))

    def _read(self):
        for line in self.process.stdout:
            self.said.append(line.decode().rstrip("\n"))
            if self.said[-1] == "linegate: ready":
                self.ready.set()
        self.ready.set()


LISTENING = r"linegate: listening on 127\.0\.0\.1:(\d+)"


@pytest.fixture(scope="module")
def demo():
    running = Demo()
    yield running
    running.process.terminate()
    assert running.process.wait(20) == 0
    assert not SANITIZER.search("\n".join(running.said))


@pytest.fixture
def demo_client(demo):
    with Client(("127.0.0.1", demo.port)) as client:
        yield client


def test_the_demo_knows_the_weather(demo_client):
    assert ok(demo_client.ask("weather oslo"))["city"] == "Oslo"
    assert ok(demo_client.ask('weather "São Paulo" units=imperial'))["city"] == "São Paulo"
    error(demo_client.ask("weather atlantis"), "upstream_not_found")
    error(demo_client.ask("wether oslo"), "unknown_method", did_you_mean=["weather"])


def test_the_demo_is_slow_fails_and_flakes(demo_client):
    error(demo_client.ask("slow 5000 @timeout=50ms"), "upstream_timeout", limit="client")
    error(demo_client.ask("failing"), "upstream_error", status=500)
    for _ in range(3):
        assert ok_with_meta(demo_client.ask("flaky @meta"))[1]["attempts"] in (1, 2)


def test_the_demo_is_large_paged_and_takes_orders(demo_client):
    assert len(demo_client.ask("large")) > 10_000
    body, meta = ok_with_meta(demo_client.ask("paged 2 @meta"))
    assert body["page"] == 2 and "next" in str(meta["headers"])
    assert ok(demo_client.ask("order book 2"))["order"] == {"item": "book", "quantity": 2}


def test_what_the_demo_prints_can_be_typed(demo):
    """Each printed command, by a shell; an exit status of 2 or more would be a mistake in it."""
    commands = [line.strip() for line in demo.said if line.startswith("  linegate call ")]
    assert len(commands) >= 4
    path = f"{Path(PROGRAM).resolve().parent}:{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(command, shell=True, capture_output=True, timeout=20, env=environment(PATH=path))
        assert done.returncode in (OK, ERR) and done.stdout, (command, done)


def test_the_demos_config_is_one_to_start_from(tmp_path):
    printed = run("demo", "--print-config")
    assert printed.returncode == 0
    done = check(tmp_path, printed.stdout)
    assert done.returncode == 0, done.stderr
    assert "weather" in done.stdout


# The configs that come with the project


@pytest.mark.parametrize("name", ["example.toml", "gateway.toml", "linegate.toml"])
def test_a_shipped_config_is_valid(name):
    file = Path(__file__).resolve().parents[2] / "docker" / name
    done = run("check", file, env=environment(LINEGATE_TOKEN_OPS="t", WEATHER_KEY="k"))
    assert done.returncode == 0, done.stderr


# --version and --help


def test_version_names_the_libraries():
    done = run("--version")
    assert done.returncode == 0
    assert re.match(r"linegate \d+\.\d+\.\d+", done.stdout)
    for library in ("libuv", "libcurl", "simdjson"):
        assert re.search(rf"{library}[ /]\d+\.\d+", done.stdout), done.stdout


@pytest.mark.parametrize("command", [[], ["serve"], ["check"], ["call"], ["demo"]])
def test_help_is_on_stdout(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 3 and not done.stderr


def test_help_names_every_command():
    text = run("--help").stdout
    assert all(command in text for command in ("serve", "check", "call", "demo"))


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["--nosuch"]])
def test_wrong_usage_exits_2(arguments):
    done = run(*arguments)
    assert done.returncode == USAGE
    assert done.stderr.strip()
