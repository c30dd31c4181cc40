"""What does a whole ledger say at a glance, in memory that does not grow with it?"""

from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from opsctl.evidence.model import Record, Verdict

MOST_RECENT = 1000
"""So many of the last records are kept."""

MOST_SUBJECTS = 200
"""Of so many subjects of a kind the newest record is kept; backups and files make a new subject each time."""

MOST_EARLIER = 24
"""So many records of one subject make its trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many records of a kind there are, by verdict, and the newest of them."""

    kind: str
    verdicts: Mapping[Verdict, int]
    newest: Record

    @property
    def records(self) -> int:
        """Return how many there are in all."""
        return sum(self.verdicts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A ledger at a glance.

    Args:
        records: how many there are in all.
        recent: the last ones, the newest first.
        newest: by kind and subject the newest record; the subjects in the order of their last record.
        trends: by kind and subject the last records, the oldest first, of the kinds that were asked for.
        counts: one for each kind, by name.
        forgotten: by kind, how many times the newest record of an old subject was let go.
    """

    records: int = 0
    recent: tuple[Record, ...] = ()
    newest: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    trends: Mapping[tuple[str, str], tuple[Record, ...]] = field(default_factory=dict)
    counts: tuple[KindCount, ...] = ()
    forgotten: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Record, ...]:
        """Return the newest record of each subject of a kind, the newest first."""
        return tuple(self.newest.get(kind, {}).values())[::-1]

    def last(self, kind: str) -> Record | None:
        """Return the newest record of a kind; None where there is none."""
        return next(iter(self.of(kind)), None)


class Surveyor:
    """Looks at records one by one, the oldest first, and remembers what a survey shows."""

    def __init__(self, *, trends: Collection[str] = ()) -> None:
        self._with_trend = frozenset(trends)
        self._records = 0
        self._recent: deque[Record] = deque(maxlen=MOST_RECENT)
        self._newest: dict[str, OrderedDict[str, Record]] = {}
        self._trends: dict[tuple[str, str], deque[Record]] = {}
        self._verdicts: dict[str, dict[Verdict, int]] = {}
        self._last: dict[str, Record] = {}
        self._forgotten: dict[str, int] = {}

    def look(self, record: Record) -> None:
        """Take one more record in."""
        self._records += 1
        self._recent.append(record)
        self._last[record.kind] = record
        verdicts = self._verdicts.setdefault(record.kind, dict.fromkeys(Verdict, 0))
        verdicts[record.verdict] += 1
        self._remember(record)

    def survey(self) -> Survey:
        """Return what was seen so far."""
        return Survey(
            records=self._records,
            recent=tuple(reversed(self._recent)),
            newest={kind: dict(subjects) for kind, subjects in self._newest.items()},
            trends={key: tuple(records) for key, records in self._trends.items()},
            counts=tuple(
                KindCount(kind=kind, verdicts=self._verdicts[kind], newest=self._last[kind])
                for kind in sorted(self._verdicts)
            ),
            forgotten=dict(self._forgotten),
        )

    def _remember(self, record: Record) -> None:
        subjects, key = self._newest.setdefault(record.kind, OrderedDict()), (record.kind, record.subject)
        subjects[record.subject] = record
        subjects.move_to_end(record.subject)
        if record.kind in self._with_trend:
            self._trends.setdefault(key, deque(maxlen=MOST_EARLIER)).append(record)
        if len(subjects) > MOST_SUBJECTS:
            oldest, _ = subjects.popitem(last=False)
            self._trends.pop((record.kind, oldest), None)
            self._forgotten[record.kind] = self._forgotten.get(record.kind, 0) + 1
