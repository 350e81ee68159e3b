"""Runs one example through one exchange: exchange.py PROGRAM. The API that it asks is a few lines here. No dependencies."""

import collections
import concurrent.futures
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse


class Api(http.server.BaseHTTPRequestHandler):
    """The weather of any city but Nowhere, indented as many APIs do; counts its connections and requests. Slow
    answers late."""

    protocol_version = "HTTP/1.1"
    connections = 0
    asked = collections.Counter()

    def setup(self):
        super().setup()
        Api.connections += 1

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        city = query["city"][0]
        Api.asked[city] += 1
        time.sleep(0.3 if city == "Slow" else 0)
        status, reply = (404, {"detail": "no such city"}) if city == "Nowhere" else (200, {"city": city, "temp_c": 3.5})
        body = json.dumps(reply, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def converse(address: str, lines: str) -> str:
    """What the server at "host:port" answers to `lines` and the end of input."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=20) as connection:
        connection.sendall(lines.encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def weather_gateway(address: str) -> None:
    answer = converse(address, "Oslo\nSão Paulo & more\nNowhere\nlast without LF")
    expected = [
        {"city": "Oslo", "temp_c": 3.5},
        {"city": "São Paulo & more", "temp_c": 3.5},
        {"detail": "no such city"},
        {"city": "last without LF", "temp_c": 3.5},
    ]
    assert [json.loads(line) for line in answer.splitlines()] == expected, answer
    assert answer.splitlines()[0] == '{"city":"Oslo","temp_c":3.5}', answer
    assert converse(address, "Bergen\n") == '{"city":"Bergen","temp_c":3.5}\n'
    assert Api.connections == 1, f"{Api.connections} connections to the API: the session is not shared"


def cached_gateway(address: str) -> None:
    oslo = '{"city":"Oslo","temp_c":3.5}\n'
    assert converse(address, "Oslo\nOslo\n") == f"miss {oslo}hit {oslo}"
    assert converse(address, "Oslo\n") == f"hit {oslo}"
    assert Api.asked["Oslo"] == 1, Api.asked
    assert converse(address, "Nowhere\n") == 'miss {"detail":"no such city"}\n'

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(converse, [address] * 8, ["Slow\n"] * 8))
    slow = '{"city":"Slow","temp_c":3.5}\n'
    assert all(answer.endswith(slow) for answer in answers), answers
    assert Api.asked["Slow"] == 1, f"{Api.asked} requests for what eight clients asked for at the same time"


def counter_context(address: str) -> None:
    assert converse(address, "a\nb\n") == "yours: 1, of all: 1\nyours: 2, of all: 2\n"
    assert converse(address, "c") == "yours: 1, of all: 3\n"


def main(program: str) -> None:
    api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    name = pathlib.Path(program).name
    arguments = ["localhost:0"]
    if name == "weather_gateway":
        arguments.append(f"http://127.0.0.1:{api.server_port}/current")
    if name == "cached_gateway":
        arguments.append(f"http://127.0.0.1:{api.server_port}")
    server = subprocess.Popen([program, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        address = server.stderr.readline().removeprefix("listening on ").strip()
        exchanges = {"weather_gateway": weather_gateway, "cached_gateway": cached_gateway, "counter_context": counter_context}
        exchanges[name](address)
        server.send_signal(signal.SIGTERM)
        status = server.wait(20)
        assert status == 0, f"exit status {status}: {server.stderr.read()}"
    finally:
        server.kill()


main(sys.argv[1])
