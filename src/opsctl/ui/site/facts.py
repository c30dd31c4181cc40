"""What is the site made from: a look at the whole ledger, whether it can be believed, and what the project expects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsctl.evidence.chain import Verification
from opsctl.evidence.model import Record
from opsctl.evidence.survey import Survey

TREND_KINDS = frozenset({"bench.load", "bench.latency", "bench.capacity", "costs.estimate"})
"""Kinds whose figures are drawn over several runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Something that the project's books want proven, also where no record tells of it yet.

    Args:
        name: the subject of its evidence.
        title: what it is, in a few words.
        digest: of its book as it is now; an old proof shows by another digest. Empty where that is not looked at.
        details: further words about it, by name.
    """

    name: str
    title: str = ""
    digest: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSeen:
    """One gate of a stored load: what was measured beside it, with its interval, as texts."""

    gate: str
    value: str
    interval: str
    ink: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNow:
    """An item at the moment of the site: its state in the checklist's own word, why, and what to type next."""

    state: str
    reason: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedNow:
    """How the checklist would be judged at the moment of the site: what was committed or edited since it was run counts.

    Args:
        items: each item of its book, by code.
        trouble: why nobody can tell, such as a book that is gone; empty where it was judged.
    """

    items: Mapping[str, ItemNow] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the pages show.

    Args:
        project: its name.
        now: the moment of the site: ages count from it, and records go stale by it.
        survey: the ledger at a glance.
        verification: whether the chain of records is whole.
        cited: by id, the records that the newest checklist rests on.
        judged_now: the checklist's items held against the project as it is; None where there is none to hold.
        expected: by kind of evidence, what the books want proven; a kind is missing where its books cannot be read.
        troubles: by kind, why its books cannot be read.
        run_pages: by kind and subject, the page of the newest run, relative to the site.
        gates: by load, those of its newest run, where that is stored.
    """

    project: str
    now: datetime
    survey: Survey
    verification: Verification
    cited: Mapping[str, Record] = field(default_factory=dict)
    judged_now: JudgedNow | None = None
    expected: Mapping[str, tuple[Expected, ...]] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    run_pages: Mapping[tuple[str, str], str] = field(default_factory=dict)
    gates: Mapping[str, tuple[GateSeen, ...]] = field(default_factory=dict)

    @property
    def is_trusted(self) -> bool:
        """Tell whether the ledger is whole; while it is not, nothing counts as passed."""
        return self.verification.ok
