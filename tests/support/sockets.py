"""What the scripted API, the proxy and the line client share about sockets: waiting and resetting. No protocol here."""

import ctypes
import select
import socket
import threading
import time


class Gone(Exception):
    """The peer closed or reset its connection while we were waiting for something else."""


def reset(sock):
    """RST now, even while another thread reads the socket: connect(AF_UNSPEC) dissolves a TCP connection at once."""
    ctypes.CDLL(None).connect(sock.fileno(), b"\0" * 16, 16)


def end(sock):
    """FIN in both directions; every thread that waits for the socket wakes up."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Signal:
    """Like threading.Event, and wait() also ends when a given socket's peer goes away."""

    def __init__(self):
        self._lock = threading.Lock()
        self._is_set = False
        self._waiting = []

    def is_set(self):
        return self._is_set

    def set(self):
        with self._lock:
            self._is_set = True
            for wake in self._waiting:
                wake.send(b"!")

    def wait(self, sock=None, timeout=60):
        """True once set; False after the timeout; raises Gone when the peer of `sock` has closed."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self._lock:
                if self._is_set:
                    return True
                self._waiting.append(theirs)
            try:
                return self._poll(ours, sock, time.monotonic() + timeout)
            finally:
                with self._lock:
                    self._waiting.remove(theirs)

    def _poll(self, ours, sock, deadline):
        poll = select.poll()
        poll.register(ours, select.POLLIN)
        if sock is not None:
            poll.register(sock, select.POLLRDHUP)
        while not self._is_set:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            for fd, _ in poll.poll(left * 1000):
                if fd != ours.fileno():
                    raise Gone()
        return True
