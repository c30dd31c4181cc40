"""Which benchmarks does `make bench` run, in which order, with which arguments, and how long does each take?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One benchmark, in a process of its own.

    Args:
        name: names the step, its raw output, and what `--only` runs.
        module: the script in this folder.
        expected_seconds: what it took on two idle cores; a forecast, not a figure of the page.
        limit_seconds: after which it is ended.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    expected_seconds: float
    limit_seconds: float


def _step(name: str, *arguments: str, seconds: float, module: str | None = None) -> Step:
    """Return a step that is ended after three times what it takes, and a minute for what only starts slowly."""
    limit = 3 * seconds + 60
    return Step(
        name=name,
        module=module or name,
        arguments=arguments,
        expected_seconds=seconds,
        limit_seconds=limit,
    )


STEPS = (
    _step("rebuild_throughput", seconds=35),
    _step("filter_strategies", seconds=120),
    # 3,000 readers: those of 10,000 take as long again to be made, and are asked for no faster.
    _step("service_speed", "--users", "3000", seconds=170),
    _step("service_ablation", "--users", "3000", seconds=250),
    _step("load_engine", seconds=390),
    _step("alert_books", seconds=5),
    _step("telemetry_cost", seconds=180),
    _step("breaker_cost", seconds=5),
    _step("proxy_overhead", seconds=10),
    _step("backup_speed", seconds=150),
    _step("assignment_speed", seconds=10),
    _step("certification_speed", seconds=10),
    _step("epinet_speed", seconds=15),
    _step("simulator_speed", "--long", "--seeds", "3", seconds=20),
    _step("experiment_events", seconds=15),
    _step("experiment_events_long", "--long", module="experiment_events", seconds=100),
)
