"""What does a server say to a client that begins in HTTP/2: one that listens for it waits for its first bytes without end."""

import socket

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS_FRAME = 4


def speaks_http2(port: int) -> bool:
    """Tell whether the server answers the preface of HTTP/2 with its settings."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(_PREFACE)
        received = connection.recv(100)
    return received[3:4] == bytes([_SETTINGS_FRAME]) and not received.startswith(b"HTTP/1")
