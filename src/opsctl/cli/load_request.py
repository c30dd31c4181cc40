"""What does the command line of `bench load` ask for?"""

from dataclasses import dataclass
from pathlib import Path

from opsctl.bench.load.adjust import Adjustments
from opsctl.bench.locust.settings import LocustSettings, address_of_bind, require_locustfile
from opsctl.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """A recorded log that is sent instead of a plan, and how many times as fast as it was recorded."""

    log: Path | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The baseline that a run is compared with, and what follows from the comparison."""

    baseline: str | None = None
    fail_on_regression: bool = False
    noise_floor: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What the user asked of `bench load`; without settings for Locust, opsctl itself sends."""

    name: str
    changes: Adjustments = Adjustments()  # noqa: RUF009 - frozen, so sharing it is safe
    allowed: tuple[str, ...] = ()
    locust: LocustSettings | None = None
    replaying: Replaying = Replaying()
    against: Against = Against()


def locust_settings(
    locustfile: Path | None,
    users: int | None,
    spawn_rate: float | None,
    *,
    workers: int,
    bind: str,
    web: bool,
    is_chosen: bool,
) -> LocustSettings | None:
    """Return what Locust is to do, or None where it was not chosen.

    Raises:
        UsageError: BEN052 there is no such locustfile, BEN053 no such address to bind, CLI002 it was not chosen, and yet
            told what to do.
    """
    host, port = address_of_bind(bind)
    settings = LocustSettings(
        locustfile=locustfile,
        users=users if locustfile else None,
        spawn_rate=spawn_rate,
        expect_workers=workers,
        bind=host,
        bind_port=port,
        web_port=0 if web else None,
    )
    if is_chosen:
        require_locustfile(settings)
        return settings
    if settings != LocustSettings():
        raise UsageError(
            "a locustfile, workers and `--web` are for Locust", code="CLI002", fix="add --engine locust"
        )
    return None


def speed_of(text: str) -> float:
    """Return the factor of a speed such as `2x`.

    Raises:
        UsageError: BEN046 it is none.
    """
    try:
        factor = float(text.strip().removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0.001 <= factor <= 1000:
        raise UsageError(
            f"`{text}` is not a speed", code="BEN046", fix="write it as `2x` or `0.5x`, up to 1000x"
        )
    return factor
