"""Which addresses does the control of a proxy answer: its state, and setting, renewing and ending toxics."""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

from opsctl.chaos.proxy.in_force import LONGEST_LEASE_SECONDS, describe
from opsctl.chaos.proxy.listening import Proxy
from opsctl.chaos.proxy.plan import NAME, Protocol
from opsctl.chaos.proxy.toxics import parse_toxic

_SHORTEST_LEASE_SECONDS = 0.05
_LARGEST_BODY_BYTES = 64 * 1024
_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)


class Answer(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    document: Mapping[str, Any]


class RefusedError(Exception):
    """A request that cannot be done, with the status that says so."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """Answers requests for proxies, one a connection."""

    def __init__(self, proxies: Mapping[str, Proxy]) -> None:
        self._proxies = proxies

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and end."""
        try:
            async with asyncio.timeout(_SECONDS):
                method, path, body = await _read_request(reader)
                writer.write(_encode(self.answer(method, path, body)))
                await writer.drain()
        except RefusedError as error:
            writer.write(_encode(Answer(error.status, {"error": str(error)})))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # whoever asked is gone, or speaks no HTTP
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Do what is asked for and say what came of it."""
        try:
            return Answer(HTTPStatus.OK, self._do(method, _parts(path), body))
        except RefusedError as error:
            return Answer(error.status, {"error": str(error)})

    def _do(self, method: str, parts: list[str], body: bytes) -> Mapping[str, Any]:
        match method, parts:
            case "GET", ["health"]:
                return {"status": "ok"}
            case "GET", ["proxies"]:
                return {"proxies": [proxy.describe() for proxy in self._proxies.values()]}
            case "DELETE", _:
                return {"removed": self._remove(parts)}
            case "PUT", ["proxies", name, "toxics", toxic]:
                return _set(self._proxy(name), toxic, _document(body))
            case "POST", ["proxies", name, "toxics", toxic, "renew"]:
                return _renew(self._proxy(name), toxic, _document(body))
            case _:
                raise _nothing_there(method, parts)

    def _remove(self, parts: list[str]) -> int:
        match parts:
            case ["toxics"]:
                return sum([proxy.force.clear() for proxy in self._proxies.values()])
            case ["proxies", name, "toxics"]:
                return self._proxy(name).force.clear()
            case ["proxies", name, "toxics", toxic]:
                return int(self._proxy(name).force.remove(toxic))
            case _:
                raise _nothing_there("DELETE", parts)

    def _proxy(self, name: str) -> Proxy:
        if name not in self._proxies:
            known = ", ".join(self._proxies)
            raise RefusedError(HTTPStatus.NOT_FOUND, f"there is no proxy `{name}`; one of: {known}")
        return self._proxies[name]


def _parts(path: str) -> list[str]:
    return path.partition("?")[0].strip("/").split("/")


def _set(proxy: Proxy, name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    if not NAME.fullmatch(name):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"`{name}` is no name for a toxic")
    ttl_seconds = _lease(document)
    try:
        toxic = parse_toxic({key: value for key, value in document.items() if key != "ttl_seconds"})
        if toxic.needs_http and proxy.plan.protocol is not Protocol.HTTP:
            raise ValueError(f"`{toxic.kind}` needs a proxy of protocol `http`")  # noqa: TRY301 - one place that answers
        active = proxy.force.set(name, toxic, ttl_seconds=ttl_seconds)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error
    return describe(active, proxy.force.now())


def _renew(proxy: Proxy, name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        active = proxy.force.renew(name, ttl_seconds=_lease(document))
    except KeyError as error:
        message = f"`{proxy.plan.name}` has no toxic `{name}`: its time is over, or it was never set"
        raise RefusedError(HTTPStatus.NOT_FOUND, message) from error
    return describe(active, proxy.force.now())


def _nothing_there(method: str, parts: list[str]) -> RefusedError:
    return RefusedError(HTTPStatus.NOT_FOUND, f"there is no `{method} /{'/'.join(parts)}`")


def _lease(document: Mapping[str, Any]) -> float:
    seconds = document.get("ttl_seconds")
    allowed = f"a number from {_SHORTEST_LEASE_SECONDS:g} to {LONGEST_LEASE_SECONDS:g}"
    if seconds is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"`ttl_seconds` is missing: {allowed}")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not _SHORTEST_LEASE_SECONDS <= seconds <= LONGEST_LEASE_SECONDS:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"`ttl_seconds` is {seconds!r}, not {allowed}")
    return float(seconds)


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is no object of JSON")
    return value


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    method, path, _ = head.decode("latin-1").split(" ", 2)
    found = _LENGTH.search(head)
    size = int(found[1]) if found else 0
    if size > _LARGEST_BODY_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
    return method, path, await reader.readexactly(size)


def _encode(answer: Answer) -> bytes:
    body = json.dumps(answer.document).encode()
    head = f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
