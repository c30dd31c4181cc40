"""How does the catalogue look: what a command did to it, and what it holds."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from opsctl.catalog.generate import Preview
from opsctl.catalog.import_file import ImportReport
from opsctl.catalog.overview import Overview
from opsctl.catalog.sync import SyncReport
from opsctl.core.findings import Finding
from opsctl.core.units import format_count, format_duration
from opsctl.store.content import ContentStats, UpsertCounts
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import plain_table

if TYPE_CHECKING:
    from rich.table import Table

_BAR_WIDTH = 20
_COLUMNS_BESIDE_NAMES = 44  # items, bar and others, with the gaps


def show_preview(preview: Preview) -> None:
    """Print what would be generated."""
    print_line(
        f"would write {format_count(preview.items)} items of {format_count(preview.vendors)} vendors "
        f"as source {preview.source}"
    )
    print_line(
        "  " + ", ".join(f"{region} {format_count(count)}" for region, count in preview.regions.items())
    )
    for item in preview.first:
        print_line(f"  {item.region} {item.category}: {item.title}")


def show_migrated(names: Sequence[str], *, is_dry_run: bool) -> None:
    """Print which migrations were due."""
    for name in names:
        print_line(f"{'due' if is_dry_run else 'applied'}  {name}")
    if not names:
        print_line("✔ the tables are up to date")


def show_generated(counts: UpsertCounts, synced: SyncReport | None) -> None:
    """Print what generating did."""
    print_line(_counts_line(counts))
    _show_synced(synced)


def show_import(report: ImportReport, synced: SyncReport | None, finding: Finding | None) -> None:
    """Print what an import did, or would do."""
    good = report.rows - report.rejected
    if report.was_imported_before:
        print_line(
            f"{report.file} was imported before: {format_count(report.rows)} rows, "
            f"{format_count(report.rejected)} rejected; nothing changed"
        )
    elif report.is_dry_run:
        print_line(f"{report.file}: {format_count(good)} of {format_count(report.rows)} rows are good")
    else:
        resumed = (
            f", resumed after row {format_count(report.resumed_at_row)}" if report.resumed_at_row else ""
        )
        print_line(f"{report.file}: {format_count(report.rows)} rows{resumed}; {_counts_line(report.counts)}")
    _show_rejects(report)
    if not report.is_dry_run:
        _show_synced(synced)
    if finding is not None:
        show_findings([finding])


def show_sync(report: SyncReport) -> None:
    """Print what a synchronisation did."""
    made = "made and filled" if report.was_created else "up to date"
    print_line(
        f"{report.collection}: {made}, {format_count(report.points)} points of {report.model_id}; "
        f"{format_count(report.changes)} changes: {format_count(report.upserted)} written, "
        f"{format_count(report.deleted)} deleted; watermark {report.watermark}"
    )


def show_overview(overview: Overview) -> None:
    """Print counts by region and category, the spread of quality, and how far the vectors follow."""
    content = overview.content
    if content.total == 0:
        print_line("the catalogue is empty")
        hint("fill it: `opsctl catalog generate`")
    else:
        out().print(_groups_table(content, width=out().width))
        shares = (f"p{share * 100:g} {value:.2f}" for share, value in content.quality_quantiles.items())
        print_line(f"quality  {'  '.join(shares)}")
        sources = (f"{name} {format_count(count)}" for name, count in content.sources.items())
        print_line(f"sources  {', '.join(sources)}; {format_count(content.vendors)} vendors")
    behind = (
        f"{format_count(overview.lag_changes)} changes behind, the oldest for {format_duration(overview.lag_seconds)}"
        if overview.lag_changes
        else "up to date"
    )
    print_line(f"vectors  {overview.collection}: {behind}, watermark {overview.watermark}")
    if overview.lag_changes:
        hint("let them follow: `opsctl catalog sync`")


def _counts_line(counts: UpsertCounts) -> str:
    return (
        f"{format_count(counts.inserted)} new, {format_count(counts.updated)} changed, "
        f"{format_count(counts.unchanged)} as they were"
    )


def _show_rejects(report: ImportReport) -> None:
    if not report.rejected or report.was_imported_before:
        return
    print_line(
        f"{format_count(report.rejected)} of {format_count(report.rows)} rows rejected ({report.reject_share:.2%}):"
    )
    for row in report.rejects:
        print_line(f"  line {row.line}: {row.reason}")
    if report.rejected > len(report.rejects):
        print_line(f"  and {format_count(report.rejected - len(report.rejects))} more")
    if report.rejects_path is not None:
        print_line(f"  all of them: {report.rejects_path}")


def _show_synced(synced: SyncReport | None) -> None:
    if synced is None:
        hint("the vectors follow with `opsctl catalog sync`")
    else:
        show_sync(synced)


def _groups_table(content: ContentStats, *, width: int) -> "Table":
    """Return one row a region: a bar, and the counts of as many categories as fit, the largest first."""
    from rich.markup import escape

    by_region: Counter[str] = Counter()
    by_category: Counter[str] = Counter()
    for group in content.groups:
        by_region[group.region] += group.count
        by_category[group.category] += group.count
    cells = {(group.region, group.category): group.count for group in content.groups}
    largest_first = [name for name, _ in by_category.most_common()]
    room = width - _COLUMNS_BESIDE_NAMES - max(map(len, by_region))
    ends = accumulate(max(len(name), 6) + 2 for name in largest_first)
    categories = [name for name, end in zip(largest_first, ends, strict=True) if end <= room]
    table = plain_table()
    table.add_column("region", no_wrap=True)
    table.add_column("items", justify="right", no_wrap=True)
    table.add_column("")
    for category in categories:
        table.add_column(escape(category), justify="right", no_wrap=True)
    if len(by_category) > len(categories):
        table.add_column("others", justify="right", no_wrap=True)
    largest = max(by_region.values())
    for region, count in by_region.most_common():
        shown = [cells.get((region, category), 0) for category in categories]
        others = [count - sum(shown)] if len(by_category) > len(categories) else []
        numbers = (format_count(number) if number else "·" for number in [*shown, *others])
        table.add_row(escape(region), format_count(count), _bar(count / largest), *numbers)
    return table


def _bar(share: float) -> str:
    """Return a bar in eighths of a column, at least one of them.

    >>> _bar(0.5)
    '██████████'
    """
    eighths = max(1, round(share * _BAR_WIDTH * 8))
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
