"""How does the sink take e-mail: as much of SMTP (RFC 5321) as a client without encryption or login speaks."""

import socketserver
from typing import ClassVar

from opsctl.clients.prompt_server import PromptStream
from opsctl.stack.sink.read import read_email
from opsctl.stack.sink.store import Store

_LARGEST_MAIL_BYTES = 1024 * 1024
_LONGEST_LINE_BYTES = 64 * 1024
_SECONDS = 30.0
_ANSWERS = {"HELO": b"250 sink", "EHLO": b"250 sink", "RSET": b"250 ok", "NOOP": b"250 ok"}
_ENVELOPE = ("MAIL", "RCPT")


def make_mail_server(store: Store, *, host: str, port: int) -> socketserver.ThreadingTCPServer:
    """Return the server; each conversation has a thread of its own."""
    handler = type("Handler", (_Conversation,), {"store": store})
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    server = socketserver.ThreadingTCPServer((host, port), handler)
    server.daemon_threads = True
    return server


class _Conversation(PromptStream):
    store: ClassVar[Store]

    def handle(self) -> None:
        self.arriving.give(_SECONDS)
        try:
            self._talk()
        except (OSError, TimeoutError):
            return  # whoever sent it has gone

    def _talk(self) -> None:
        self._say(b"220 sink")
        while line := self.rfile.readline(_LONGEST_LINE_BYTES):
            word = line[:4].decode("ascii", errors="replace").upper().strip()
            if word == "QUIT":
                self._say(b"221 bye")
                return
            if word == "DATA":
                self._take()
            elif word in _ENVELOPE:
                self._say(b"250 ok")
            else:
                self._say(_ANSWERS.get(word, b"502 not known here"))

    def _take(self) -> None:
        self._say(b"354 go on")
        lines, size = [], 0
        while (line := self.rfile.readline(_LONGEST_LINE_BYTES)) not in (b".\r\n", b".\n", b""):
            size += len(line)
            if size <= _LARGEST_MAIL_BYTES:
                # A dot at the front was doubled by the sender (RFC 5321, 4.5.2).
                lines.append(line[1:] if line.startswith(b"..") else line)
        if size > _LARGEST_MAIL_BYTES:
            self._say(b"552 too large")
            return
        self.store.add(read_email(b"".join(lines)))
        self._say(b"250 taken")

    def _say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")
