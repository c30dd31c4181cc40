"""Does a part answer over HTTP: asked once, without a client that costs more to import than to use."""

import http.client

from opsctl.stack.ports import HOST

_TIMEOUT_SECONDS = 2.0


def not_ready_because(port: int, path: str) -> str | None:
    """Return None where a GET is answered with 200, else what came instead."""
    status, body = request("GET", port, path)
    if status == http.client.OK:
        return None
    return f"GET {path}: {body[:500]}" if status is None else f"GET {path} answered {status}: {body[:500]}"


def request(method: str, port: int, path: str) -> tuple[int | None, str]:
    """Return status and text of an answer; no status and the reason where there is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return None, str(error)
    finally:
        connection.close()
