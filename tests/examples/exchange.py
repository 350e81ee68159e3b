"""Runs one example through one exchange: exchange.py PROGRAM. The API that it asks is a few lines here. No dependencies."""

import http.server
import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse


class Api(http.server.BaseHTTPRequestHandler):
    """The weather of any city but Nowhere, indented as many APIs do; counts its connections."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self):
        super().setup()
        Api.connections += 1

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        city = query["city"][0]
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
    server = subprocess.Popen([program, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        address = server.stderr.readline().removeprefix("listening on ").strip()
        {"weather_gateway": weather_gateway, "counter_context": counter_context}[name](address)
        server.send_signal(signal.SIGTERM)
        status = server.wait(20)
        assert status == 0, f"exit status {status}: {server.stderr.read()}"
    finally:
        server.kill()


main(sys.argv[1])
