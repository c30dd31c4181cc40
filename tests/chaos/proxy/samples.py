"""Toxics of every kind, as tests put them on a line."""

from opsctl.chaos.proxy.toxics import (
    Bandwidth,
    Down,
    Fail,
    Flap,
    Garble,
    Garbling,
    Latency,
    OneWay,
    Reset,
    Silent,
    Slice,
    Stream,
    Toxic,
    Truncate,
)

ON_BYTES: tuple[Toxic, ...] = (
    Latency(delay_seconds=0.01),
    Latency(delay_seconds=5.0),
    Latency(delay_seconds=5.0, stream=Stream.UP),
    Down(),
    Down(share=0.999),
    Flap(up_seconds=5.0, down_seconds=5.0),
    Silent(),
    OneWay(),
    Bandwidth(bytes_per_second=10_000),
    Bandwidth(bytes_per_second=1),
    Slice(bytes_per_piece=2, pause_seconds=0.01),
    Reset(after_bytes=1),
    Truncate(after_bytes=1),
)
"""Those that a line of any protocol takes."""

ON_HTTP: tuple[Toxic, ...] = (*ON_BYTES, Fail(status=503), Garble(what=Garbling.EMPTY))
"""Those that a line of HTTP takes."""


def names(toxics: tuple[Toxic, ...]) -> list[str]:
    """Return a name for each case."""
    return [f"{toxic.kind}{number}" for number, toxic in enumerate(toxics)]
