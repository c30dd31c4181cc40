"""How does `bench filters` go: find filters on the data, measure each in every way, show the matrix."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.bench.filters import CaseResult, FilterCase, FilterOptions
    from opsctl.cli.measuring import Bed
    from opsctl.vectors.queries import QuerySet
    from opsctl.vectors.scratch import ScratchCopies

_SAMPLED_PAYLOADS = 20_000
_PAGE = 1000


def run_filters(options: "FilterOptions", *, build: bool, seed: int, json: bool) -> ExitCode:
    """Measure the matrix and return the exit code: 5 when any of its runs was invalid, or there was none."""
    from opsctl.bench.filters import is_valid_matrix, problems_of
    from opsctl.cli.document import document
    from opsctl.cli.measuring import measuring
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_filters import show_filters

    with progress() as listener, measuring(listener) as bed:
        results = _measure_matrix(bed, options=options, build=build, seed=seed)
    is_valid = is_valid_matrix(results)
    if json:
        print_document(
            document("opsctl.bench.filters", data=results, ok=is_valid, findings=problems_of(results))
        )
    else:
        show_filters(results, limit=options.limit)
    return ExitCode.GOOD if is_valid else ExitCode.INCONCLUSIVE


def _measure_matrix(bed: "Bed", *, options: "FilterOptions", build: bool, seed: int) -> "list[CaseResult]":
    from opsctl.bench.evidence import filters_evidence
    from opsctl.bench.filters import find_cases, with_exact_counts
    from opsctl.cli import wiring

    started_at = wiring.clock().now()
    source = bed.book.source.collection
    cases = with_exact_counts(
        find_cases(_payloads(bed, source)),
        total=max(1, bed.store.count(source)),
        count=lambda spec: bed.store.count(source, filter=spec.to_qdrant()),
    )
    queries = bed.queries(count=options.queries, seed=seed, log=None)
    with _scratch(bed, wanted=build) as copies:
        results = [_measure(case, bed, copies=copies, queries=queries, options=options) for case in cases]
    machine = bed.machine()
    took = (wiring.clock().now() - started_at).total_seconds()
    wiring.record(
        filters_evidence(
            results, source=source, queries=queries.digest, machine=machine, began=(started_at, took)
        )
    )
    return results


def _measure(
    case: "FilterCase",
    bed: "Bed",
    *,
    copies: "ScratchCopies | None",
    queries: "QuerySet",
    options: "FilterOptions",
) -> "CaseResult":
    from opsctl.bench.filters import measure_case
    from opsctl.vectors.scratch import CopyPlan

    source = bed.book.source.collection
    copy = (
        copies.make(CopyPlan(name="derived", source=source, filter=case.filter.to_qdrant()))
        if copies
        else None
    )
    result = measure_case(
        case,
        source=source,
        derived=copy.collection if copy else None,
        queries=queries,
        options=options,
        instruments=bed.instruments,
    )
    if copies and copy:
        copies.drop(copy)
    return result


@contextmanager
def _scratch(bed: "Bed", *, wanted: bool) -> "Iterator[ScratchCopies | None]":
    if not wanted:
        yield None
        return
    with bed.scratch("opsctl_bench__") as copies:
        yield copies


def _payloads(bed: "Bed", source: str) -> list[dict[str, Any]]:
    """Return the payloads of the first points; filters are found on them and counted on all."""
    payloads: list[dict[str, Any]] = []
    offset = None
    while len(payloads) < _SAMPLED_PAYLOADS:
        page = bed.store.scroll(source, limit=_PAGE, offset=offset)
        payloads += [point.get("payload") or {} for point in page.points]
        offset = page.next_offset
        if offset is None:
            break
    return payloads
