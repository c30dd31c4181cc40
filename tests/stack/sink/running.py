"""A sink on free ports, in threads of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.stack.sink.mail import make_mail_server
from opsctl.stack.sink.store import Store
from opsctl.stack.sink.web import make_web_server


class RunningSink:
    """Both servers of one sink."""

    def __init__(self, folder: Path) -> None:
        store = Store(folder)
        self.file = folder / "received.jsonl"
        self.servers = [make(store, host="127.0.0.1", port=0) for make in (make_web_server, make_mail_server)]
        self.url, self.mail_port = (
            f"http://127.0.0.1:{self.servers[0].server_address[1]}",
            int(self.servers[1].server_address[1]),
        )


@contextmanager
def running_sink(folder: Path) -> Iterator[RunningSink]:
    """Run a sink."""
    running = RunningSink(folder)
    for server in running.servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    for server in running.servers:
        server.shutdown()
        server.server_close()
