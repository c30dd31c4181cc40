"""What else is asked during a drill besides feeds: an address, and what must stand in its answer."""

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration
from opsctl.core.units import parse_duration

_LONGEST_BODY = 1_000_000  # characters; a pattern is never run over more


def _checked_pattern(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read another way
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    return text


def _checked_address(url: str) -> str:
    """Refuse what the client would only refuse in the middle of a drill."""
    import httpx

    try:
        host = httpx.URL(url).host
        host.encode("idna")
        is_right = bool(host) and urlsplit(url).port != 0
    except (ValueError, httpx.InvalidURL) as error:
        raise ValueError(f"this is no web address: {error}") from error
    if not is_right:
        raise ValueError("this is no web address; write it as `http://127.0.0.1:8080/readyz`")
    return url


class Probe(StrictModel):
    """A GET that is asked again and again; every answer that is not as wanted counts as missed."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+\S{0,2000}$"), AfterValidator(_checked_address)]
    every: PositiveDuration = "5s"
    timeout: PositiveDuration = "3s"
    status: list[Annotated[int, Field(ge=100, le=599)]] = Field(default=[200], min_length=1)
    pattern: Annotated[str, Field(max_length=1000), AfterValidator(_checked_pattern)] | None = None
    """A regular expression that must be found in the body."""
    json_path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")] | None = None
    """A dotted path in the JSON body, such as `checks.vectors`; alone: it must hold something not empty."""
    equals: str | float | bool | None = None
    """What `json_path` must hold."""
    between: tuple[float, float] | None = None
    """The bounds, both allowed, of the number that `json_path` holds, or of the whole body without one."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.equals is not None and self.json_path is None:
            raise ValueError("`equals` needs a `json_path`")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("`between` names the lower bound first")
        return self

    @property
    def every_seconds(self) -> float:
        """Return the time from one question to the next."""
        return parse_duration(self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """What came back; status 0 where nothing did, as when the connection is refused."""

    status: int
    body: str = ""


def miss_of(probe: Probe, answer: ProbeAnswer) -> str:
    """Return why an answer is not as wanted; nothing where it is.

    >>> miss_of(Probe(name="health", url="http://x/"), ProbeAnswer(status=503))
    'status 503, wanted 200'
    """
    return next(_misses(probe, answer), "")


def _misses(probe: Probe, answer: ProbeAnswer) -> Iterator[str]:
    if answer.status not in probe.status:
        wanted = " or ".join(str(status) for status in probe.status)
        yield f"status {answer.status}, wanted {wanted}" if answer.status else "no answer"
        return
    body = answer.body[:_LONGEST_BODY]
    if probe.pattern is not None and not re.search(probe.pattern, body):
        yield f"`{probe.pattern}` is not in the body"
    if probe.json_path is None and probe.between is None:
        return
    try:
        value = value_at(json.loads(answer.body), probe.json_path)
    except (ValueError, LookupError, RecursionError):
        yield f"the body has no `{probe.json_path}`" if probe.json_path else "the body is no number"
        return
    yield from _misses_of_value(probe, value)


def _misses_of_value(probe: Probe, value: Any) -> Iterator[str]:
    shown = f"`{str(value)[:60]}`"
    if probe.between is not None:
        low, high = probe.between
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            yield f"{shown} is not between {low:g} and {high:g}"
    elif probe.equals is not None:
        if value != probe.equals or isinstance(value, bool) is not isinstance(probe.equals, bool):
            yield f"{shown} is not `{probe.equals}`"
    elif not value and value != 0:
        yield f"`{probe.json_path}` is empty"


def value_at(body: Any, path: str | None) -> Any:
    """Return what a dotted path leads to; numbers lead into lists.

    Raises:
        LookupError: when it leads nowhere.
    """
    for part in path.split(".") if path else ():
        match body:
            case dict():
                body = body[part]
            case list() if part.isdecimal():
                body = body[int(part)]
            case _:
                raise LookupError(part)
    return body
