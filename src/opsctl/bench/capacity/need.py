"""What do so many requests a second and so many users need: workers, cores, memory, operations behind the caches."""

import math
from collections.abc import Mapping, Sequence

from opsctl.bench.capacity.model import Need, Reading, Target, Use, WorkersResult
from opsctl.bench.capacity.usl import Efficiency, ScalabilityLaw, Throughput, rate_of

SERVICE = "service"
_GAUGES = frozenset({"l1_bytes", "l1_entries"})


def use_between(before: Reading, after: Reading, *, requests: int, hit_ratio: float | None) -> Use | None:
    """Return what a request cost between two readings; None where nothing was answered or nothing can be read.

    Args:
        before: the reading at the begin.
        after: the reading at the end.
        requests: answered in between, as the sender counted them.
        hit_ratio: of L1, as the sender saw it.
    """
    seconds = after.seconds - before.seconds
    if requests <= 0 or seconds <= 0 or not (after.cpu_seconds or after.counters):
        return None
    entries = after.counters.get("l1_entries", 0.0)
    return Use(
        rate=requests / seconds,
        hit_ratio=hit_ratio,
        cpu_seconds_per_request=_per_request(before.cpu_seconds, after.cpu_seconds, requests=requests),
        memory_bytes=dict(after.memory_bytes),
        operations_per_request=_per_request(
            before.counters, after.counters, requests=requests, without=_GAUGES | {"requests"}
        ),
        l1_bytes_per_entry=after.counters["l1_bytes"] / entries if entries else None,
        l1_entries=entries or None,
    )


def need_of(
    target: Target,
    *,
    results: Sequence[WorkersResult],
    law: ScalabilityLaw | None,
    efficiency: Efficiency | None,
) -> Need | None:
    """Return what a target needs; None where no number of workers held anything.

    Costs of a request are those at the highest rate that passed with the most workers, so they hold for the hit ratio
    that was seen there. The headroom is on top: only `1 - headroom` of what workers and cores can do is planned for.
    """
    held = [result for result in results if result.capacity.passed is not None]
    if not held:
        return None
    best = max(held, key=lambda result: result.workers)
    wanted = target.rate / (1 - target.headroom)
    workers, most, basis, notes = _workers(wanted, best, law=law, efficiency=efficiency)
    use = best.use
    cores = _cores(use, target=target)
    operations = use.operations_per_request if use else {}
    return Need(
        target=target,
        workers=workers,
        workers_most=most,
        basis=basis,
        cores=sum(cores.values()) if cores else None,
        cores_by_part=cores,
        memory_bytes=_memory(use, workers=workers, measured_workers=best.workers, users=target.users),
        l2_operations_per_second=_scaled(operations, "l2_operations", target.rate),
        vector_searches_per_second=_scaled(operations, "vector_searches", target.rate),
        database_queries_per_second=_scaled(operations, "database_queries", target.rate),
        model_calls_per_second=_scaled(operations, "model_calls", target.rate),
        notes=tuple(notes),
    )


def throughput_of(result: WorkersResult) -> Throughput | None:
    """Return what a fit needs of a search; None without both ends of its interval, since nothing then bounds it."""
    passed, failed = result.capacity.passed, result.capacity.failed
    if passed is None or failed is None or not result.capacity.is_settled:
        return None
    return Throughput(workers=result.workers, rate=math.sqrt(passed * failed), low=passed, high=failed)


def _workers(
    wanted: float, best: WorkersResult, *, law: ScalabilityLaw | None, efficiency: Efficiency | None
) -> tuple[int | None, int | None, str, list[str]]:
    """Return how many workers hold a rate, how many at the pessimistic end, on what basis, and what to know of it."""
    notes: list[str] = []
    passed = best.capacity.passed or 0.0
    if wanted <= passed:
        # What was measured needs no extrapolation; fewer workers may do, which the proportion says.
        fewer = max(1, math.ceil(wanted / passed * best.workers))
        return fewer, best.workers, "measured", notes
    if law is not None:
        found = law.workers_for(wanted)
        if found is None:
            peak = rate_of(
                (law.rate_of_one.value, law.contention.value, law.coherency.value), law.peak_workers or 1
            )
            notes.append(
                f"no number of workers on one machine holds it: the law's peak is {peak:,.0f} requests/s;"
                " more machines are needed"
            )
            return None, None, "law", notes
        most = law.most_workers_for(wanted)
        if most is None:
            notes.append(
                "at the worst end of what was measured no number of workers on one machine holds it;"
                " measure more worker counts to know better"
            )
        return found, most, "law", notes
    if efficiency is not None:
        notes.append("from two worker counts: contention beyond them is not known, so measure three or more")
        scale = min(1.0, efficiency.ratio)
        found = math.ceil(wanted / passed * best.workers / max(scale, 1e-6))
        most = math.ceil(wanted / passed * best.workers / max(min(1.0, efficiency.low), 1e-6))
        return found, most, "efficiency", notes
    if best.capacity.failed is None:
        notes.append(
            "no rate failed, so nothing says how much a worker holds: search longer, with a larger `--budget`"
        )
        return None, None, "proportion", notes
    notes.append("in proportion from one worker count: contention is not known, so measure `--workers 1,2,4`")
    found = math.ceil(wanted / passed * best.workers)
    return found, None, "proportion", notes


def _cores(use: Use | None, *, target: Target) -> dict[str, float]:
    if use is None:
        return {}
    return {
        part: seconds * target.rate / (1 - target.headroom)
        for part, seconds in use.cpu_seconds_per_request.items()
    }


def _memory(use: Use | None, *, workers: int | None, measured_workers: int, users: int) -> float | None:
    """Return the bytes of all parts: the service's grow with workers, and each worker's L1 with the users.

    Every worker has an L1 of its own and meets every user sooner or later, so all feeds are counted in each.
    """
    if use is None or workers is None or SERVICE not in use.memory_bytes:
        return None
    of_each = use.memory_bytes[SERVICE] / measured_workers
    missing = max(0.0, users - (use.l1_entries or 0.0) / measured_workers)
    feeds = missing * (use.l1_bytes_per_entry or 0.0)
    others = sum(size for part, size in use.memory_bytes.items() if part != SERVICE)
    return workers * (of_each + feeds) + others


def _scaled(operations: Mapping[str, float], name: str, rate: float) -> float | None:
    return operations[name] * rate if name in operations else None


def _per_request(
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    requests: int,
    without: frozenset[str] = frozenset(),
) -> dict[str, float]:
    """Return the growth of each counter a request; one that shrank began anew and says nothing."""
    return {
        name: (value - before[name]) / requests
        for name, value in after.items()
        if name in before and name not in without and value >= before[name]
    }
