"""What is the project now: its commit, its changed files, and the digests of its books (`checklist.model.Present`)."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.config.settings import Settings


class ProjectNow:
    """The project of the settings; each question is asked once."""

    def __init__(self, settings: "Settings") -> None:
        self._root = settings.root
        self._commit: tuple[str | None, ...] = ()
        self._changed: dict[tuple[str, tuple[str, ...]], Sequence[str] | None] = {}
        self._digests: dict[tuple[str, str, str], str | None] = {}

    def commit(self) -> str | None:
        """Return the commit that is checked out, with `+changes` where files differ; None without git."""
        from opsctl.clients.git import read_commit

        if not self._commit:
            self._commit = (read_commit(self._root),)
        return self._commit[0]

    def changed_since(self, commit: str, paths: Sequence[str]) -> Sequence[str] | None:
        """Return which files below these paths differ from a commit; None where that cannot be told."""
        from opsctl.clients.git import changed_since

        key = (commit, tuple(paths))
        if key not in self._changed:
            self._changed[key] = changed_since(self._root, commit, paths)
        return self._changed[key]

    def digest(self, kind: str, subject: str, name: str) -> str | None:
        """Return what an input of a kind of record would be for a subject now; None where that cannot be told."""
        key = (kind, subject, name)
        if key not in self._digests:
            self._digests[key] = _digest(kind, subject, name)
        return self._digests[key]


def _digest(kind: str, subject: str, name: str) -> str | None:
    read = READERS.get((kind, name))
    if read is None:
        return None
    try:
        return read(subject)
    except OpsError:  # a book that is wrong, or gone, has no digest
        return None


def _load_book(name: str) -> str | None:
    from opsctl.bench.load.book import LoadBook
    from opsctl.config.load import load_book
    from opsctl.evidence.model import digest_of

    path = _folder("loads") / f"{name}.yaml"
    return digest_of(load_book(path, LoadBook).model_dump(mode="json")) if path.is_file() else None


def _alert_rule(name: str) -> str | None:
    return _alert_rules().get(name)


@cache
def _alert_rules() -> Mapping[str, str]:
    from opsctl.alerts.proving.evidence import rule_digest
    from opsctl.cli import watching

    _, rules = watching.load_rules()
    return {alert.name: rule_digest(alert, rules) for alert in rules.alerts}


def _all_rules(_subject: str) -> str:
    from opsctl.alerts.proving.evidence import rules_digest
    from opsctl.cli import watching

    return rules_digest(watching.load_rules()[1])


def _drill(name: str) -> str | None:
    from opsctl.chaos.load_drills import load_drill

    path = _folder("drills") / f"{name}.yaml"
    return load_drill(path).digest if path.is_file() else None


def _recovery(name: str) -> str:
    from opsctl.cli.dr_drilling import scenarios

    return scenarios((name,))[0].digest


def _experiment(name: str) -> str | None:
    from opsctl.experiments.load_experiments import load_experiment

    path = _folder("experiments") / f"{name}.yaml"
    return load_experiment(path).digest if path.is_file() else None


def _derived_filter(name: str) -> str | None:
    from opsctl.cli import wiring
    from opsctl.evidence.model import digest_of
    from opsctl.service.plan import load_collections_book

    derived = load_collections_book(wiring.settings()).derived.get(name)
    return None if derived is None else digest_of(str(derived.filter))


def _dashboards(_subject: str) -> str:
    from opsctl.cli import dashboarding
    from opsctl.dashboards.files import boards_of
    from opsctl.dashboards.probing import boards_digest

    found = dashboarding.rules()
    lines = dashboarding.alert_lines(found)
    return boards_digest(boards_of(dashboarding.books(), lines, contract=dashboarding.contract(found)))


def _prices(_subject: str) -> str:
    from opsctl.cli.costs_estimating import prices_book
    from opsctl.evidence.model import digest_of

    return digest_of(prices_book().model_dump(mode="json"))


def _costs(_subject: str) -> str:
    from opsctl.cli.costs_estimating import costs_book
    from opsctl.evidence.model import digest_of

    return digest_of(costs_book().model_dump(mode="json"))


def _cache(_subject: str) -> str:
    from opsctl.cli import wiring
    from opsctl.evidence.model import digest_of

    return digest_of(wiring.cache_book().model_dump(mode="json"))


def _service(_subject: str) -> str:
    from opsctl.cli import wiring
    from opsctl.evidence.model import digest_of
    from opsctl.service.plan import load_service_book

    return digest_of(load_service_book(wiring.settings()).model_dump(mode="json"))


def _ranking(_subject: str) -> str:
    from opsctl.cli.reader_measuring import ranking_digest

    return ranking_digest()


def _folder(name: str) -> "Path":
    from opsctl.cli import wiring

    settings = wiring.settings()
    folder: str = getattr(settings.project.books, name)
    return settings.root / folder


READERS: Mapping[tuple[str, str], Callable[[str], str | None]] = {
    ("alerts.prove", "rule"): _alert_rule,
    ("alerts.prove", "rules"): _all_rules,
    ("alerts.test", "rules"): _all_rules,
    ("bench.latency", "filter"): _derived_filter,
    ("bench.load", "book"): _load_book,
    ("chaos.drill", "drill"): _drill,
    ("costs.estimate", "cache"): _cache,
    ("costs.estimate", "costs"): _costs,
    ("costs.estimate", "prices"): _prices,
    ("costs.measure", "cache"): _cache,
    ("costs.measure", "service"): _service,
    ("dashboards.probe", "dashboards"): _dashboards,
    ("dr.drill", "book"): _recovery,
    ("experiments.analyze", "experiment"): _experiment,
    ("experiments.simulate", "experiment"): _experiment,
    ("readers.measure", "ranking"): _ranking,
}
"""By kind and input: what it is now, of a subject. `checklist.kinds` names the same ones."""
