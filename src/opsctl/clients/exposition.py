"""What does a service's `/metrics` say: Prometheus' text format, read over HTTP and taken apart."""

import http.client
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 10.0
_LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a metric."""

    name: str
    labels: Mapping[str, str]
    value: float


def read_samples(
    url: str, *, headers: Mapping[str, str], timeout_seconds: float = _TIMEOUT_SECONDS
) -> tuple[Sample, ...]:
    """Return what an address exposes; nothing where it exposes nothing that can be read."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        connection.request("GET", parts.path or "/", headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return ()
    finally:
        connection.close()
    return parse_samples(body.decode(errors="replace")) if answer.status == http.client.OK else ()


def sums_by_name(
    samples: Iterable[Sample], wanted: Mapping[str, tuple[str, Mapping[str, str]]]
) -> dict[str, float]:
    """Return by name the sum of a metric over all samples that have the given labels; one that is not there yet is 0."""
    seen = [(sample.name, dict(sample.labels).items(), sample.value) for sample in samples]
    return {
        name: sum(value for found, has, value in seen if found == metric and labels.items() <= has)
        for name, (metric, labels) in wanted.items()
    }


def parse_samples(text: str) -> tuple[Sample, ...]:
    """Return the samples of a text; comments and lines that are none are passed over.

    >>> parse_samples('hits_total{tier="l1"} 3')
    (Sample(name='hits_total', labels={'tier': 'l1'}, value=3.0),)
    """
    samples = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None or line.startswith("#"):
            continue
        try:
            value = float(found["value"])
        except ValueError:
            continue
        labels = {each["name"]: each["value"] for each in _LABEL.finditer(found["labels"] or "")}
        samples.append(Sample(name=found["name"], labels=labels, value=value))
    return tuple(samples)
