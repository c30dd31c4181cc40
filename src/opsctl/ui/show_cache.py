"""How do the caches look: their policy, their figures, and what was dropped by hand."""

from collections.abc import Sequence

from opsctl.core.units import format_bytes, format_count
from opsctl.service.cache.by_hand import Plan, Reached
from opsctl.service.cache.overview import KindPolicy
from opsctl.service.cache.policy import CacheBook
from opsctl.service.cache.ports import StoreFigures
from opsctl.service.cache.tally import KindTally
from opsctl.ui.console import hint, note, print_line
from opsctl.ui.table import show_table


def show_policy(kinds: Sequence[KindPolicy], *, book: CacheBook, path: str) -> None:
    """Print a row for each kind; what the book leaves to its default is dim."""
    titles = (
        "tier",
        "kind",
        "backend",
        "fresh",
        "while revalidate",
        "if error",
        "negative",
        "jitter",
        "dropped by",
        "origin",
    )
    show_table(titles, [_policy_cells(each, path=path) for each in kinds])
    significant = ", ".join(book.invalidation.significant) or "none"
    print_line("")
    print_line(f"l1: {_state(book.l1.enabled)}, {book.l1.memory} a worker")
    print_line(
        f"l2: {_state(book.l2.enabled)}, {book.l2.backend}, {book.l2.memory}, timeout {book.l2.timeout}"
    )
    print_line(f"significant interactions: {significant}")


def show_stats(kinds: Sequence[KindTally], *, store: StoreFigures | None, backend: str) -> None:
    """Print a row for each kind, and a line for the store."""
    titles = (
        "tier",
        "kind",
        "hits",
        "stale",
        "negative",
        "misses",
        "poisoned",
        "errors",
        "hit ratio",
        "entries",
        "bytes",
        "evicted",
        "invalidated",
    )
    show_table(titles, [_tally_cells(each) for each in kinds])
    if all(each.hit_ratio is None for each in kinds):
        hint("no lookup was counted yet: ask the service for a feed")
    print_line("")
    print_line(f"l2 store: {backend}, {_store_text(store)}")


def show_plan(plan: Plan) -> None:
    """Say what would be done."""
    for mark in plan.marks:
        print_line(f"would tell the workers of this machine  {mark}")
    for prefix in plan.prefixes:
        print_line(f"would empty in L2                       {prefix}*")


def show_reached(reached: Reached) -> None:
    """Say what was done, and whom it did not reach."""
    for mark in reached.marks:
        print_line(f"told the workers of this machine  {mark}")
    for prefix, count in reached.deleted.items():
        print_line(f"emptied in L2                     {prefix}*  {format_count(count)} entries")
    note(
        "each worker drops it before its next lookup; workers of other machines and a CDN in front are not told"
    )


def _policy_cells(policy: KindPolicy, *, path: str) -> tuple[str, ...]:
    def cell(field: str) -> str:
        text = str(getattr(policy, field))
        return text if field in policy.from_book else f"[dim]{text}[/]"

    lifetimes = ("fresh", "stale_while_revalidate", "stale_if_error", "negative", "jitter")
    return (
        policy.tier,
        policy.kind if policy.enabled else f"{policy.kind} [yellow](off)[/]",
        policy.backend,
        *(cell(field) for field in lifetimes),
        policy.dropped_by,
        f"{path}, [dim]defaults[/]" if policy.from_book else "[dim]defaults[/]",
    )


def _tally_cells(tally: KindTally) -> tuple[str, ...]:
    counts = (tally.hits, tally.stale, tally.negative, tally.misses, tally.poisoned, tally.errors)
    return (
        tally.tier,
        tally.kind,
        *(format_count(count) for count in counts),
        "no lookups" if tally.hit_ratio is None else f"{tally.hit_ratio:.1%}",
        "-" if tally.entries is None else format_count(tally.entries),
        "-" if tally.bytes is None else format_bytes(tally.bytes),
        format_count(tally.evictions),
        format_count(tally.invalidations),
    )


def _store_text(store: StoreFigures | None) -> str:
    if store is None:
        return "nothing there"
    entries = "entries unknown" if store.entries is None else f"{format_count(store.entries)} entries"
    used = "size unknown" if store.bytes_used is None else format_bytes(store.bytes_used)
    limit = "" if store.bytes_limit is None else f" of {format_bytes(store.bytes_limit)}"
    return (
        f"{entries}, {used}{limit}, {format_count(store.evictions)} evicted, made anew {store.rebuilds} times"
    )


def _state(enabled: bool) -> str:  # noqa: FBT001 - the value itself
    return "on" if enabled else "off"
