"""A line to PostgreSQL that breaks in the one moment in which nobody can know what became of a transaction: its commit."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from opsctl.clients.postgres import DatabaseAddress


class BreakingLine:
    """Carries connections to a database until one commits after it has locked a row.

    Args:
        database: where it leads.
        is_done: the server hears of that commit, and only its answer is lost.
        breaks: how many connections break in all: 1 is an accident, many are a server that has gone.
    """

    def __init__(self, database: DatabaseAddress, *, is_done: bool, breaks: int) -> None:
        parts = urlsplit(database.url)
        self._target = (parts.hostname or "", parts.port or 0)
        self._is_done = is_done
        self._breaks = breaks
        self._broken = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.address = replace(database, url=database.url.replace(f":{parts.port}/", f":{port}/"))

    @property
    def has_broken(self) -> bool:
        """Tell whether the moment has come."""
        return self._broken > 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if 0 < self._broken < self._breaks:
                    self._broken += 1
                    client.close()
                else:
                    threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        is_locked = False
        with client, socket.create_connection(self._target) as server, suppress(OSError):
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()
            while piece := client.recv(65536):
                is_locked |= b"for update" in piece
                if is_locked and b"COMMIT" in piece:
                    self._broken += 1
                    client.shutdown(socket.SHUT_RDWR)  # before the server is told: its answer finds nobody
                    if self._is_done:
                        server.sendall(piece)
                        server.settimeout(5)
                        while server.recv(65536):  # until the server has noticed, so that it has committed
                            server.shutdown(socket.SHUT_WR)
                    return
                server.sendall(piece)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
