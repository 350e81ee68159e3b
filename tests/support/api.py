"""A scripted HTTP/1.1 API on raw sockets, in threads of the test's own process. Each path has a behaviour, a function
that gets an Exchange and may answer, lie, drip, stall or reset; the API counts what it received. It is no web server:
it says exactly the bytes that it is told to. Owned by the test that opens it (`with Api() as api:`)."""

import itertools
import json as jsonlib
import select
import socket
import threading
import time
import urllib.parse
from collections import deque

from sockets import Gone, Signal, end, reset

DEADLINE = 20  # seconds that a test waits for something that should happen at once


class Request:
    """One request as it came: nothing decoded, headers in their order and spelling."""

    def __init__(self, head, body):
        self.at = time.monotonic()
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
        self.head = head
        self.body = body

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def header(self, name):
        """The only value of a header, or None; a header that came twice is a failure."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self):
        return jsonlib.loads(self.body)


class Connection:
    """One accepted connection. Its own thread does everything with the socket; others hand it actions by do()."""

    def __init__(self, api, sock, peer):
        self.api = api
        self.sock = sock
        self.peer = peer
        self.exchanges = 0
        self.idle = False
        self.over = threading.Event()
        self._input = b""
        self._actions = deque()
        self._ours, self._wake = socket.socketpair()

    def do(self, action, *arguments):
        """Runs action(connection, …) in the connection's thread, now that it is idle, and waits until it has run."""
        done = threading.Event()
        self._actions.append((action, arguments, done))
        self._wake.send(b"!")
        assert done.wait(DEADLINE), "the connection was not idle"

    # What may be done to an idle connection.
    def fin(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        reset(self.sock)
        raise Gone()

    def close_notify(self):
        """TLS: says goodbye, and leaves the TCP connection open."""
        self.sock.setblocking(False)
        try:
            self.sock.unwrap()  # sends the alert, then would wait for the peer's
        except OSError:
            pass
        finally:
            self.sock.setblocking(True)

    def push(self, data):
        self.sock.sendall(data)

    def run(self):
        try:
            if hasattr(self.sock, "do_handshake"):
                self.sock.do_handshake()
            while self._wait_for_request():
                self._answer(self._read_request())
        except (Gone, OSError, ValueError):
            pass
        finally:
            self._end()

    def _end(self):
        self.idle = False
        for sock in (self.sock, self._ours, self._wake):  # select() takes no descriptor above 1,023
            sock.close()
        while self._actions:
            self._actions.popleft()[2].set()
        self.over.set()
        self.api.changed()

    def _wait_for_request(self):
        """True when bytes of a request are there. Meanwhile the connection is idle and does what it is told."""
        self.idle = True
        self.api.changed()
        while not self._input:
            ready, _, _ = select.select([self.sock, self._ours], [], [])
            if self._ours in ready:
                self._ours.recv(1)
                self._act()
            elif not self._receive():
                return False
        self.idle = False
        return True

    def _act(self):
        action, arguments, done = self._actions.popleft()
        try:
            action(self, *arguments)
        finally:
            done.set()

    def _receive(self):
        data = self.sock.recv(1 << 20)
        self._input += data
        return bool(data)

    def _read_until(self, mark):
        while mark not in self._input:
            if not self._receive():
                raise Gone()
        taken, _, self._input = self._input.partition(mark)
        return taken

    def _read(self, size):
        while len(self._input) < size:
            if not self._receive():
                raise Gone()
        taken, self._input = self._input[:size], self._input[size:]
        return taken

    def _read_request(self):
        request = Request(self._read_until(b"\r\n\r\n"), b"")
        if request.header("Transfer-Encoding"):
            request.body = self._read_chunks()
        else:
            request.body = self._read(int(request.header("Content-Length") or 0))
        return request

    def _read_chunks(self):
        body = b""
        while size := int(self._read_until(b"\r\n"), 16):
            body += self._read(size)
            self._read_until(b"\r\n")
        self._read_until(b"\r\n")
        return body

    def _answer(self, request):
        self.exchanges += 1
        behaviour = self.api.received(request)
        behaviour(Exchange(self, request))


class Exchange:
    """One request and the connection that it came on. A behaviour answers it, or does not."""

    def __init__(self, connection, request):
        self.connection = connection
        self.request = request
        self.sock = connection.sock

    def send(self, data):
        self.sock.sendall(data)

    def reply(self, body=b"{}", status=200, type="application/json", headers=(), length=None):
        self.send(head(status, type, headers, len(body) if length is None else length) + body)

    def drip(self, data, step=1, every=0.01):
        """Sends `step` bytes at a time. The pause is the fault itself, not a wait for something."""
        for start in range(0, len(data), step):
            self.send(data[start : start + step])
            time.sleep(every)

    def wait(self, signal):
        """Until the signal is set. A peer that gives up meanwhile ends the connection."""
        if not signal.wait(self.sock):
            raise Gone()

    def stall(self):
        """Says no more, until the peer gives up."""
        Signal().wait(self.sock)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        self.stall()

    def close(self):
        raise Gone()

    def reset(self):
        self.connection.reset()


REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    304: "Not Modified",
    404: "Not Found",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


def head(status=200, type="application/json", headers=(), length=0):
    """A response's head. type None leaves Content-Type out; length False leaves Content-Length out."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    if type is not None:
        lines.append(f"Content-Type: {type}")
    if length is not False:
        lines.append(f"Content-Length: {length}")
    lines += [f"{key}: {value}" for key, value in dict(headers).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(data, size=1000):
    chunks = [data[start : start + size] for start in range(0, len(data), size)] + [b""]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def encode(body):
    """Bytes stay, a str is encoded, anything else becomes JSON."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else jsonlib.dumps(body)).encode()


# Behaviours. A test's own is any function of an Exchange.


def reply(body=b"{}", **how):
    return lambda exchange: exchange.reply(encode(body), **how)


def raw(data, then=None):
    """Exactly these bytes; then the connection stays open, or then=Exchange.close, Exchange.reset, …"""

    def behave(exchange):
        exchange.send(data)
        if then:
            then(exchange)

    return behave


def echo(exchange):
    """Answers what was received: method, target, headers, body."""
    request = exchange.request
    seen = {"method": request.method, "target": request.target, "headers": request.headers}
    exchange.reply(encode({**seen, "body": request.body.decode("latin-1")}))


def in_turn(*behaviours):
    """One behaviour for each request, in the order in which they came; the last one for all that follow."""
    left = deque(behaviours)
    lock = threading.Lock()

    def behave(exchange):
        with lock:
            behaviour = left.popleft() if len(left) > 1 else left[0]
        behaviour(exchange)

    return behave


def every(nth, behaviour, otherwise=None):
    """`behaviour` for every nth request, the first of them among them; `otherwise` (an empty object) for the rest."""
    numbers = itertools.count()
    return lambda exchange: (otherwise or reply() if next(numbers) % nth else behaviour)(exchange)


def numbered(**how):
    """Answers 1, 2, 3 …: which request it was."""
    numbers = itertools.count(1)
    return lambda exchange: exchange.reply(encode(next(numbers)), **how)


def validated(tag, body, not_modified=(), **how):
    """`body` with an ETag; a 304 with the fields of `not_modified` to whoever has it already."""
    headers = {"ETag": tag, **dict(how.pop("headers", ()))}

    def behave(exchange):
        if exchange.request.header("If-None-Match") == tag:
            return exchange.send(head(304, type=None, headers={"ETag": tag, **dict(not_modified)}, length=False))
        exchange.reply(encode(body), headers=headers, **how)

    return behave


def slow_down(retry_after, status=429):
    """Too many requests, come again later: 429 or 503 with Retry-After."""
    return reply('{"slow":"down"}', status=status, headers={"Retry-After": retry_after})


class Hold:
    """Keeps every request waiting until release(), then behaves as `then`."""

    def __init__(self, then):
        self._then = then
        self._released = Signal()

    def release(self):
        self._released.set()

    def __call__(self, exchange):
        exchange.wait(self._released)
        self._then(exchange)


class Turnstile:
    """Keeps every request waiting until let(count) has counted it in, in the order in which they came."""

    def __init__(self, then):
        self._then = then
        self._lock = threading.Lock()
        self._waiting = deque()
        self._spare = 0

    def let(self, count):
        with self._lock:
            self._spare += count
            self._admit()

    def _admit(self):
        while self._spare and self._waiting:
            self._spare -= 1
            self._waiting.popleft().set()

    def __call__(self, exchange):
        mine = Signal()
        with self._lock:
            self._waiting.append(mine)
            self._admit()
        exchange.wait(mine)
        self._then(exchange)


def not_found(exchange):
    exchange.reply(encode({"missing": exchange.request.path}), status=404)


class Api:
    """Listens on a free loopback port. A path without a behaviour of its own has that of "*": a 404 with a JSON body."""

    def __init__(self, tls=None, host="127.0.0.1", port=0):
        self.connections = []
        self._behaviours = {"*": not_found}
        self._requests = []
        self._tls = tls
        self._changed = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self.port = self._listener.getsockname()[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends every connection; new ones are refused."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def drop_connections(self):
        """Ends every connection and goes on listening: a restart, as the others see it."""
        for connection in list(self.connections):
            end(connection.sock)

    def _accept(self):
        while True:
            try:
                sock, peer = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            except OSError:
                return
            connection = Connection(self, sock, peer)
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    # What it does.

    def on(self, path, behaviour):
        self._behaviours[path] = behaviour
        return behaviour

    def hold(self, path, then=reply()):
        return self.on(path, Hold(then))

    # What it saw.

    def received(self, request):
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
        return self._behaviours.get(request.path) or self._behaviours["*"]

    def changed(self):
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition):
        """Waits until condition() holds; asked again whenever a request, an idle connection or an end was seen."""
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE), "the API did not see it"

    def requests(self, path=None, method=None):
        return [r for r in list(self._requests) if path in (None, r.path) and method in (None, r.method)]

    def count(self, path=None, method=None):
        return len(self.requests(path, method))

    def arrived(self, path, count=1):
        """Waits until `count` requests for the path have come; returns them."""
        self.wait_until(lambda: self.count(path) >= count)
        return self.requests(path)

    def forget(self):
        self._requests.clear()

    def start_over(self):
        """Forgets what it saw and what it was told to do."""
        self.forget()
        self._behaviours = {"*": not_found}

    def idle(self, count=1):
        """Waits until `count` kept-alive connections are idle after an exchange; returns them."""

        def found():
            return [c for c in self.connections if c.idle and c.exchanges and not c.over.is_set()]

        self.wait_until(lambda: len(found()) >= count)
        return found()

    def open_connections(self):
        return [connection for connection in self.connections if not connection.over.is_set()]
