"""The sink as a process: `python -m opsctl.stack.sink --port 20001 --smtp-port 20002 --folder sink`."""

import argparse
import signal
import threading
from pathlib import Path

from opsctl.stack.ports import HOST
from opsctl.stack.sink.mail import make_mail_server
from opsctl.stack.sink.store import Store
from opsctl.stack.sink.web import make_web_server


def main() -> None:
    """Take messages until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    store = Store(chosen.folder)
    web = make_web_server(store, host=HOST, port=chosen.port)
    mail = make_mail_server(store, host=HOST, port=chosen.smtp_port)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    for server in (web, mail):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    over.wait()
    web.shutdown()
    mail.shutdown()


if __name__ == "__main__":
    main()
