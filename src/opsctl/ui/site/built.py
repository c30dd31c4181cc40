"""What came of building the site: where it lies, and what its first line says."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A site that was built.

    Args:
        index: its first page.
        pages: how many there are in all.
        size_bytes: of all files together.
        headline: ready or not, in one line.
        counts: by state, how many items of the checklist.
        records: how many the ledger has.
        is_ledger_whole: whether it can be believed.
    """

    folder: str
    index: str
    pages: int
    size_bytes: int
    headline: str
    is_ready: bool
    counts: Mapping[str, int]
    records: int
    is_ledger_whole: bool
