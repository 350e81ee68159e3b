"""A TCP proxy that spoils what passes: delay, drip, stall, cut, reset, half-close. It knows no protocol, so it can stand
before any server, between a client and the gateway or between the gateway and an API. Owned by the test that opens it."""

import socket
import threading
import time
from dataclasses import dataclass

from sockets import end, reset


@dataclass
class Faults:
    """What happens to the bytes of one direction. Counts are bytes since the connection's start."""

    delay: float = 0  # seconds before the first byte is passed on
    step: int = 1 << 16  # bytes passed on at a time
    every: float = 0  # seconds between two steps
    stall_after: int | None = None  # pass so many, then nothing, and keep the connection open
    cut_after: int | None = None  # pass so many, then close both sides
    reset_after: int | None = None  # pass so many, then RST to the receiver
    half_close_after: int | None = None  # pass so many, then FIN to the receiver; the other direction goes on

    def last(self):
        """How many bytes pass at all, or None for all of them."""
        given = [self.stall_after, self.cut_after, self.reset_after, self.half_close_after]
        return min((count for count in given if count is not None), default=None)


class FaultProxy:
    def __init__(self, target, to_server=Faults(), to_client=Faults()):
        """`target` is (host, port). The faults may be changed at any time: they hold for later connections."""
        self.target = target
        self.to_server = to_server
        self.to_client = to_client
        self.accepted = 0
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = self._listener.getsockname()
        self.url = "http://%s:%d" % self.address
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for sock in pair:
                end(sock)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(self.target)
            except OSError:
                return
            self._pairs.append((client, server))
            self._pump(client, server, self.to_server)
            self._pump(server, client, self.to_client)

    def _pump(self, source, sink, faults):
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=pump, args=(source, sink, faults), daemon=True).start()


def pump(source, sink, faults):
    """Passes bytes on until the source ends or a fault is due."""
    passed = 0
    try:
        while data := source.recv(faults.step):
            time.sleep(faults.delay if passed == 0 else faults.every)
            last = faults.last()
            piece = data if last is None else data[: last - passed]
            sink.sendall(piece)
            passed += len(piece)
            if passed == last:
                return spoil(source, sink, faults)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        end(source)
        end(sink)


def spoil(source, sink, faults):
    if faults.half_close_after is not None:
        sink.shutdown(socket.SHUT_WR)
    elif faults.reset_after is not None:
        reset(sink)
    elif faults.cut_after is not None:
        end(source)
        end(sink)
    else:
        while source.recv(1 << 16):  # stalled: what still comes is swallowed
            pass
