"""A line client on a raw socket: says bytes or lines, reads replies, half-closes, resets. It checks nothing by itself;
ok() and error() take a text reply apart. Owned by the test that connects it."""

import contextlib
import json
import re
import socket

from sockets import reset

DEADLINE = 20  # seconds; far above what anything takes, so that a busy machine fails no test


class Client:
    def __init__(self, address, receive_buffer=None, source=None, timeout=DEADLINE):
        """`address` is (host, port) or the path of a Unix socket."""
        family = (
            socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        )
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """Exactly these bytes."""
        self.sock.sendall(data)

    def say(self, *lines):
        """Lines, each with its LF, in one write. A dict or list is sent as JSON."""
        self.send(b"".join(encode(line) + b"\n" for line in lines))

    def line(self):
        """The next reply without its LF, as bytes; None when the server has closed."""
        while b"\n" not in self._input:
            data = self.sock.recv(1 << 16)
            if not data:
                assert not self._input, f"closed within a line: {self._input!r}"
                return None
            self._input += data
        line, _, self._input = self._input.partition(b"\n")
        return line

    def reply(self):
        """The next reply as text."""
        line = self.line()
        assert line is not None, "the server closed instead of answering"
        return line.decode()

    def replies(self, count):
        return [self.reply() for _ in range(count)]

    def answer(self):
        """The next JSON-RPC reply, parsed."""
        return json.loads(self.reply())

    def answers(self, count):
        return [self.answer() for _ in range(count)]

    def ask(self, line):
        self.say(line)
        return self.reply()

    def call(self, request):
        self.say(request)
        return self.answer()

    def rpc(self, method, params=None, id=1, **more):
        request = {"jsonrpc": "2.0", "id": id, "method": method, **more}
        return self.call(request if params is None else {**request, "params": params})

    def finish(self):
        """No more requests: FIN. Replies still come."""
        self.sock.shutdown(socket.SHUT_WR)

    def rest(self):
        """Everything up to the server's FIN."""
        data, self._input = self._input, b""
        while more := self.sock.recv(1 << 16):
            data += more
        return data

    def closed(self):
        """Waits for the end of the connection; True if nothing was said before it. A reset counts as an end."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return True

    def silent(self, seconds=0.15):
        """True when nothing comes for a while. For the few promises that something does not happen."""
        self.sock.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            self._input += self.sock.recv(1 << 16)
            return False
        self.sock.settimeout(DEADLINE)
        return True

    def reset(self):
        reset(self.sock)
        self.sock.close()


def encode(line):
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)).encode()


def ok(reply):
    """The JSON of an OK reply; of several replies, the list of theirs."""
    if isinstance(reply, list):
        return [ok(one) for one in reply]
    assert reply.startswith("OK "), reply
    return json.loads(reply.removeprefix("OK "))


def ok_with_meta(reply):
    """The two JSON texts of `OK json meta`, parsed."""
    assert reply.startswith("OK "), reply
    first, end = json.JSONDecoder().raw_decode(reply, len("OK "))
    return first, json.loads(reply[end:])


def error(reply, symbol, **members):
    """The object of an ERR reply with this symbol; its members must include the given ones."""
    match = re.fullmatch(r"ERR ([a-z_]+) (\{.*\})", reply)
    assert match, reply
    assert match[1] == symbol, reply
    found = json.loads(match[2])
    assert found.items() >= members.items(), reply
    return found


def rpc_error(answer, code, symbol, **members):
    """The error of a JSON-RPC answer with this code and symbol; its data must include the given members."""
    assert answer["jsonrpc"] == "2.0" and "result" not in answer, answer
    found = answer["error"]
    assert (found["code"], found["data"]["symbol"]) == (code, symbol), answer
    assert found["data"].items() >= members.items(), answer
    return found
