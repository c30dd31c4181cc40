"""How do bytes go out and come in without a thread: a plain socket with one watcher of its own, or gevent's TLS socket."""

import os
import ssl
from typing import Any, Protocol

import gevent
from gevent import monkey
from gevent import socket as gevent_socket

_PIECE = 256 * 1024
_READ = 1  # libev's EV_READ

_NativeSocket: Any = monkey.get_original("socket", "socket")


class Stream(Protocol):
    """A connection that was made."""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        ...

    def receive(self) -> bytes:
        """Wait for what comes next; empty at the end."""
        ...

    def is_gone(self) -> bool:
        """Tell whether the server closed the idle connection, or sent what nobody asked for."""
        ...

    def shut(self) -> None:
        """End the connection for whoever waits for it, from another greenlet."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def connect(host: str, port: int, *, context: ssl.SSLContext | None) -> Stream:
    """Make a connection.

    Raises:
        OSError: it could not be made.
    """
    made = gevent_socket.create_connection((host, port))
    made.setsockopt(gevent_socket.IPPROTO_TCP, gevent_socket.TCP_NODELAY, 1)
    return _Plain(made) if context is None else _Encrypted(made, host=host, context=context)


class _Plain:
    """The socket that gevent made, used directly: gevent's own tries to read before it waits, and makes more objects."""

    def __init__(self, made: Any) -> None:
        self._socket = _NativeSocket(fileno=made.detach())
        self._socket.settimeout(0)
        self._readable = gevent.get_hub().loop.io(self._socket.fileno(), _READ)

    def send(self, data: bytes) -> None:
        sent = self._try_to_send(data)
        while sent < len(data):
            gevent_socket.wait_write(self._socket.fileno())
            sent += self._try_to_send(data[sent:])

    def receive(self) -> bytes:
        # An answer is never there yet when its request has just been sent: waiting first saves a call.
        while True:
            gevent_socket.wait(self._readable)
            try:
                data: bytes = self._socket.recv(_PIECE)
            except BlockingIOError:
                continue
            return data

    def is_gone(self) -> bool:
        try:
            self._socket.recv(1, gevent_socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def shut(self) -> None:
        self._socket.shutdown(gevent_socket.SHUT_RDWR)

    def close(self) -> None:
        self._readable.stop()
        self._readable.close()
        self._socket.close()

    def _try_to_send(self, data: bytes) -> int:
        try:
            sent: int = self._socket.send(data)
        except BlockingIOError:
            return 0
        return sent


class _Encrypted:
    def __init__(self, made: Any, *, host: str, context: ssl.SSLContext) -> None:
        self._plain = _NativeSocket(fileno=os.dup(made.fileno()))
        try:
            self._socket: Any = context.wrap_socket(made, server_hostname=host)
        except BaseException:
            self._plain.close()
            made.close()
            raise

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        data: bytes = self._socket.recv(_PIECE)
        return data

    def is_gone(self) -> bool:
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except ssl.SSLWantReadError:  # nothing came, or tickets for a later session
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(None)
        return True

    def shut(self) -> None:
        self._plain.shutdown(gevent_socket.SHUT_RDWR)

    def close(self) -> None:
        self._plain.close()
        self._socket.close()
