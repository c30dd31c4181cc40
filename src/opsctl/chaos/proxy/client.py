"""How is a running fault proxy told what to spoil."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from opsctl.chaos.proxy.toxics import Toxic, as_mapping, parse_toxic
from opsctl.core.errors import NotReadyError

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToxicState:
    """A toxic in force, and how long it still is; `calls` and `hits` count since it was set."""

    name: str
    toxic: Toxic
    remaining_seconds: float
    calls: int
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """One line: what stands in it, and what has passed it."""

    name: str
    listen_port: int
    upstream: str
    protocol: str
    is_listening: bool
    connections: int
    accepted: int
    calls: int
    bytes_up: int
    bytes_down: int
    cut: int
    upstream_failures: int
    broken_messages: int
    toxics: tuple[ToxicState, ...]


class FaultProxy:
    """Speaks to the control of a proxy process."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")

    def set(self, name: str, toxic_name: str, toxic: Toxic, *, ttl_seconds: float) -> ToxicState:
        """Put a toxic in force on a line, at most so long; one of the same name is replaced.

        Raises:
            NotReadyError: CHA001 no answer, CHA002 refused, CHA003 no such line.
        """
        document = {**as_mapping(toxic), "ttl_seconds": ttl_seconds}
        return _toxic_state(self._ask("PUT", _path(name, toxic_name), document))

    def renew(self, name: str, toxic_name: str, *, ttl_seconds: float) -> ToxicState:
        """Let a toxic run so long from now.

        Raises:
            NotReadyError: CHA001 no answer, CHA002 refused, CHA003 no such line, or the toxic has ended already.
        """
        document = {"ttl_seconds": ttl_seconds}
        return _toxic_state(self._ask("POST", f"{_path(name, toxic_name)}/renew", document))

    def clear(self, name: str | None = None, toxic_name: str | None = None) -> int:
        """End all toxics, those of one line, or one; return how many there were.

        Raises:
            NotReadyError: CHA001 no answer, CHA003 no such line.
        """
        path = "/toxics" if name is None else _path(name, toxic_name)
        return int(self._ask("DELETE", path)["removed"])

    def proxies(self) -> tuple[ProxyState, ...]:
        """Return the state of every line.

        Raises:
            NotReadyError: CHA001 no answer.
        """
        return tuple(_proxy_state(each) for each in self._ask("GET", "/proxies")["proxies"])

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        import ssl

        import httpx

        # The line is plain HTTP on this machine: no proxy of the environment, and no time spent on loading certificates.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, verify=context) as client:
                answer = client.request(method, f"{self._url}{path}", json=document)
            said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotReadyError(
                f"the fault proxy at `{self._url}` does not answer",
                code="CHA001",
                why=str(error),
                fix="it ends with the process that started it: start the drill again",
            ) from error
        if not answer.is_success:
            raise _refusal(answer.status_code, said)
        return said


def _refusal(status: int, said: Mapping[str, Any]) -> NotReadyError:
    why = str(said.get("error", f"status {status}"))
    if status == 404:
        return NotReadyError(
            "the fault proxy knows no such line or toxic",
            code="CHA003",
            why=why,
            fix="a toxic ends with its time: set it again, or give it longer",
        )
    return NotReadyError(
        "the fault proxy refuses a toxic", code="CHA002", why=why, fix="correct the toxic and set it again"
    )


def _path(name: str, toxic_name: str | None) -> str:
    toxics = f"/proxies/{quote(name, safe='')}/toxics"
    return toxics if toxic_name is None else f"{toxics}/{quote(toxic_name, safe='')}"


def _toxic_state(values: Mapping[str, Any]) -> ToxicState:
    return ToxicState(**{**values, "toxic": parse_toxic(values["toxic"])})


def _proxy_state(values: Mapping[str, Any]) -> ProxyState:
    return ProxyState(**{**values, "toxics": tuple(_toxic_state(each) for each in values["toxics"])})
