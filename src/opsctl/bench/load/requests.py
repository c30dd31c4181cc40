"""What is sent for arrival i: the requests of a book's mix as bytes, the same in every process, a microsecond each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from opsctl.bench.load.book import Endpoint
from opsctl.bench.load.draws import Zipf, chosen, uniform
from opsctl.bench.load.ports import LoadJob, PlannedRequest

if TYPE_CHECKING:
    import numpy as np

_BESIDE = 1 << 40  # number of a warm-up's first arrival: beyond those of any run
_MOST_REMEMBERED_BYTES = 64 * 1024 * 1024
_PLACEHOLDER = re.compile(r"\{(user|content|key|now)\}")
# What RFC 3986 lets stand in path and query, braces for the placeholders, and `%` for what is encoded already.
_SAFE = "/?:@!$&'()*+,;=-._~%{}"
_STREAMS = {"endpoint": 1, "user": 2, "content": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """One endpoint, ready to be filled in.

    Args:
        path: texts and names of placeholders by turns, beginning with a text.
        head: what stands between the path and the length of the body.
        body: like the path; None where none is sent.
        uses: the placeholders that differ between requests.
    """

    method: bytes
    path: tuple[str, ...]
    head: bytes
    body: tuple[str, ...] | None
    uses: frozenset[str]

    def filled(self, values: Mapping[str, str]) -> bytes:
        """Return the whole request."""
        path = _filled(self.path, values).encode("ascii")
        if self.body is None:
            return b"%b %b%b\r\n" % (self.method, path, self.head)
        return self._whole(path, _filled(self.body, values).encode())

    def with_body(self, body: str) -> bytes:
        """Return the request of a path without placeholders, with this very body."""
        return self._whole(_filled(self.path, {}).encode("ascii"), body.encode())

    def _whole(self, path: bytes, body: bytes) -> bytes:
        return b"%b %b%bContent-Length: %d\r\n\r\n%b" % (self.method, path, self.head, len(body), body)


class MixSource:
    """The requests of a book's mix; which endpoint, user and item arrival i has depends on the seed and on i only."""

    def __init__(self, job: LoadJob) -> None:
        self._job = job
        self._seed = job.book.seed
        self._first = _BESIDE if job.is_warm_up else 0
        self._names = tuple(job.book.mix)
        self._shares = [endpoint.share for endpoint in job.book.mix.values()]
        self._templates = [template_of(endpoint, job=job) for endpoint in job.book.mix.values()]
        self._users = Zipf(count=job.book.users.count, exponent=job.book.users.zipf, seed=self._seed)
        self._contents = Zipf(
            count=job.book.contents.count, exponent=job.book.contents.zipf, seed=self._seed + 1
        )
        self._remembered: dict[int, PlannedRequest] = {}
        self._remembered_bytes = 0

    @property
    def arrivals(self) -> None:
        """Return nothing: the book's plan says when."""
        return

    @property
    def endpoints(self) -> Sequence[str]:
        """Return the names of the endpoints, in the order of their numbers."""
        return self._names

    def batch(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals."""
        import numpy as np

        numbers = np.asarray(arrivals, dtype=np.int64)
        endpoints = chosen(self._uniform(numbers, "endpoint"), self._shares)
        users = self._users.of(self._uniform(numbers, "user"))
        # One number for each request that may come again: endpoint and, where it matters, user.
        matters = np.array(["user" in template.uses for template in self._templates])
        codes = endpoints * (self._job.book.users.count + 1) + np.where(matters[endpoints], users, 0)
        known = self._remembered.get
        found = [known(code) for code in codes.tolist()]
        for place in [place for place, request in enumerate(found) if request is None]:
            found[place] = self._made(
                int(numbers[place]), int(endpoints[place]), int(users[place]), int(codes[place])
            )
        return found  # type: ignore[return-value]  # every None was replaced

    def users(self, arrivals: Sequence[int]) -> Sequence[int]:
        """Return the user of each arrival."""
        import numpy as np

        found: list[int] = self._users.of(
            self._uniform(np.asarray(arrivals, dtype=np.int64), "user")
        ).tolist()
        return found

    def request_of(self, endpoint: int, *, user: int) -> bytes:
        """Return one request of an endpoint for a user, for a warm-up."""
        return self._templates[endpoint].filled(self._values(0, user))

    def _made(self, arrival: int, endpoint: int, user: int, code: int) -> PlannedRequest:
        template = self._templates[endpoint]
        known = self._remembered.get(code)  # the same user may stand twice in one batch
        if known is not None:
            return known
        made = (endpoint, template.filled(self._values(arrival, user)))
        if template.uses <= {"user"} and self._remembered_bytes < _MOST_REMEMBERED_BYTES:
            self._remembered[code] = made
            self._remembered_bytes += len(made[1]) + 200  # what dictionary and tuple take besides
        return made

    def _values(self, arrival: int, user: int) -> dict[str, str]:
        import numpy as np

        content = self._contents.of(self._uniform(np.array([arrival]), "content"))[0]
        return {
            "user": str(user),
            "content": str(content),
            "key": f"{self._job.run_id}-{self._first + arrival:013d}",
            "now": self._job.began_at,
        }

    def _uniform(self, numbers: "np.ndarray", stream: str) -> "np.ndarray":
        return uniform(numbers + self._first, seed=self._seed, stream=_STREAMS[stream])


def template_of(endpoint: Endpoint, *, job: LoadJob) -> _Template:
    """Return the template of an endpoint: nothing of a value can become another header or another request."""
    path = tuple(_PLACEHOLDER.split(quote(endpoint.path, safe=_SAFE)))
    body = None if endpoint.body is None else tuple(_PLACEHOLDER.split(endpoint.body))
    if body is None and endpoint.method in ("POST", "PUT"):
        body = ("",)
    return _Template(
        method=endpoint.method.encode(),
        path=path,
        head=head_of(job, own=endpoint.headers),
        body=body,
        uses=frozenset((*path[1::2], *(body or ())[1::2])) - {"now"},
    )


def head_of(job: LoadJob, *, own: Mapping[str, str]) -> bytes:
    """Return version and headers of a request; an endpoint's own headers win.

    Raises:
        ValueError: a header holds a character that could end it.
    """
    host = f"[{job.address.host}]" if ":" in job.address.host else job.address.host
    usual = {
        "Host": f"{host}:{job.address.port}",
        "User-Agent": "opsctl-load",
        "Accept": "*/*",
        **job.headers,
    }
    names = {name.lower() for name in own}
    headers = {name: value for name, value in usual.items() if name.lower() not in names} | dict(own)
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError(f"the header `{name}` holds a character that no header can")
    return b" HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode(
        "ascii"
    )


def _filled(parts: tuple[str, ...], values: Mapping[str, str]) -> str:
    return "".join(values[part] if place % 2 else part for place, part in enumerate(parts))
