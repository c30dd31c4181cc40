"""Every problem of every book is told at once, each with its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.experiments.books import book, document, weighted

from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.book_explanations import EXPLANATIONS
from opsctl.experiments.changes import changes_since, require_unchanged
from opsctl.experiments.check_experiments import _NEAREST_LOOKS, Checking, check_experiments, share_of_units
from opsctl.experiments.check_simulation import simulation_problems
from opsctl.experiments.load_experiments import NamedExperiment, chosen, read_experiments, require_right
from opsctl.experiments.overlaps import share_no_unit
from opsctl.experiments.problems import Complaint, Problem
from opsctl.experiments.registry import start_now
from opsctl.experiments.sizes import size_problems
from opsctl.experiments.statistics.sequential import LEAST_GAP

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def _looks(*looks: str) -> dict[str, Any]:
    return {"rule": "group_sequential", "looks": list(looks)}


class Folder:
    """A folder of books."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str | None = None, **changes: Any) -> None:
        """Write a book: a text, or the small one with top-level keys replaced."""
        written = text if text is not None else yaml.safe_dump(document(**changes), sort_keys=False)
        (self.path / name).write_text(written, encoding="utf-8")

    def read(self) -> tuple[NamedExperiment, ...]:
        """Return books that must be readable."""
        found = read_experiments(self.path)
        assert found.findings == ()
        return found.experiments

    def findings(self, **checking: Any) -> list[Finding]:
        """Return what is wrong with books that can be read."""
        return check_experiments(self.read(), checking=Checking(**checking))

    def found(self, **checking: Any) -> list[tuple[str, Severity, str]]:
        """Return code, severity and the line at fault of each finding."""
        return [
            (each.code, each.severity, (each.location.source or "").strip() if each.location else "")
            for each in self.findings(**checking)
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give an empty folder."""
    return Folder(tmp_path)


def test_right_books_are_read_by_name(folder: Folder) -> None:
    """Nothing is found in them, and editors' files are no books."""
    for name in ("second.yaml", "first.yml", ".hidden.yaml", "notes.txt"):
        folder.write(name)

    experiments = folder.read()

    assert [each.name for each in experiments] == ["first", "second"]
    assert [each.code for each in folder.findings()] == ["EXP018"]  # both set the same things
    assert experiments[0].experiment == book()
    assert experiments[0].digest == experiments[1].digest


def test_all_problems_of_all_books_are_told_together_with_their_places(folder: Folder) -> None:
    """Syntax, names, values, and what no book can keep."""
    folder.write("broken.yaml", "title: [")
    folder.write("weights.yaml", arms=weighted(0.5, 0.6))
    folder.write("typo.yaml", hypothesys="x", horizon="long")
    folder.write("Not A Name.yaml")
    folder.write("9lives.yaml")
    folder.write("same.yaml")
    folder.write("same.yml")
    folder.write("infinite.yaml", yaml.safe_dump(document()).replace("diversity: 0.6", "diversity: .inf"))

    found = read_experiments(folder.path)

    told = sorted(
        (Path(each.location.file).name if each.location else "", each.code) for each in found.findings
    )
    assert told == [
        ("9lives.yaml", "EXP012"),
        ("Not A Name.yaml", "EXP012"),
        ("broken.yaml", "CFG001"),
        ("infinite.yaml", "EXP013"),
        ("same.yml", "EXP002"),
        ("typo.yaml", "CFG003"),
        ("typo.yaml", "CFG004"),
        ("weights.yaml", "CFG003"),
    ]
    assert [each.name for each in found.experiments] == ["same"]
    titles = [each.title for each in found.findings]
    assert any("the weights of the arms sum to 1.1, not to 1" in title for title in titles)
    with pytest.raises(UsageError) as caught:
        require_right(found.findings, what="the folder")
    assert (caught.value.code, "8 problems" in caught.value.message) == ("EXP001", True)


def test_what_is_no_folder_is_told(folder: Folder) -> None:
    """CFG008, and where the setting is."""
    with pytest.raises(UsageError) as caught:
        read_experiments(folder.path / "nothing")

    assert (caught.value.code, "books: {experiments: ...}" in str(caught.value.fix)) == ("CFG008", True)


def test_an_experiment_is_chosen_by_name(folder: Folder) -> None:
    """A wrong name is told with the nearest right one."""
    folder.write("agents.yaml")
    folder.write("other.yaml")
    experiments = folder.read()

    assert [each.name for each in chosen(experiments)] == ["agents", "other"]
    assert [each.name for each in chosen(experiments, ["other"])] == ["other"]
    for names, found, said in ((["agent"], experiments, "did you mean `agents`?"), ([], (), "opsctl init")):
        with pytest.raises(UsageError) as caught:
            chosen(found, names)
        assert (caught.value.code, said in str(caught.value.fix)) == ("EXP003", True)


@pytest.mark.parametrize(
    ("changes", "code", "severity", "line"),
    [
        ({"horizon": "10d"}, "EXP009", Severity.WARNING, "horizon: 10d"),
        ({"tags": ["aa"], "arms": weighted(0.5, 0.5)}, None, None, ""),
        ({"arms": weighted(0.5, 0.5)}, "EXP006", Severity.ERROR, "b:"),
        ({"arms": {"control": {"weight": 0.5}, "b": {"weight": 0.5, "settings": {"diversity": None}}}}, "EXP006", Severity.ERROR, "b:"),
        ({"ramp": 0.0005}, "EXP017", Severity.WARNING, "ramp: 0.0005"),
        ({"layers": {"ranking": {"start": 0.5, "end": 0.5001}}}, "EXP017", Severity.WARNING, "layers:"),
        ({"interleaving": {"days": 14}}, "EXP015", Severity.ERROR, "days: 14"),
        ({"interleaving": {"days": 3}}, None, None, ""),
        ({"stopping": _looks("7d", "7d1h")}, "EXP039", Severity.ERROR, "- 7d"),
        ({"stopping": _looks("7d", "13d23h")}, "EXP039", Severity.ERROR, "- 13d23h"),
        ({"stopping": _looks("7d", "7d2h", "14d")}, None, None, ""),
        ({"arms": {"control": {"weight": 1.0}, "b": {"weight": 0, "settings": {"x": 1}}}}, "EXP040", Severity.ERROR, "arms:"),
    ],
)  # fmt: skip
def test_a_book_that_is_right_by_itself_can_be_wrong_all_the_same(
    folder: Folder, changes: dict[str, Any], code: str | None, severity: Severity, line: str
) -> None:
    """Each with the line at fault, and a page for `explain`."""
    folder.write("agents.yaml", **changes)

    assert folder.found() == ([] if code is None else [(code, severity, line)])
    assert code is None or code in EXPLANATIONS


def test_looks_are_too_near_where_the_bounds_count_them_as_one() -> None:
    """Linting needs none of the statistics, so the figure stands twice."""
    assert _NEAREST_LOOKS == LEAST_GAP


def test_interleaving_is_between_two_arms(folder: Folder) -> None:
    """An arm of weight zero fills no feed."""
    arms = {
        name: {"weight": 1 / 3 if name != "d" else 0, "settings": {"x": name}}
        for name in ("control", "b", "c", "d")
    }
    folder.write("agents.yaml", arms=arms, interleaving={"days": 3})

    assert [(each.code, "there are 3: control, b, c" in each.title) for each in folder.findings()] == [
        ("EXP015", True)
    ]


@pytest.mark.parametrize(
    ("after", "window", "expected"),
    [
        ("6d", "1d", []),
        ("13d", "1d", []),
        ("13d", "2d", ["EXP014"]),
        ("13d", None, []),
        ("14d", None, ["EXP014"]),
        ("0s", "15d", ["EXP014"]),
    ],
)
def test_a_metric_has_to_be_known_before_the_experiment_is_over(
    folder: Folder, after: str, window: str | None, expected: list[str]
) -> None:
    """What begins or ends after the horizon counts nothing."""
    metric = {"kind": "proportion", "events": ["view"], "after": after} | (
        {"window": window} if window else {}
    )
    folder.write("agents.yaml", metrics=document()["metrics"] | {"late": metric})

    assert [code for code, _, _ in folder.found()] == expected


def test_a_past_that_is_not_measured_is_worth_nothing(folder: Folder) -> None:
    """Neither without a pre-period nor of a quantile."""
    correlated = {"mean": 1.0, "deviation": 1.0, "correlation": 0.5}
    metrics = document()["metrics"] | {
        "clicks": {"kind": "mean", "events": ["click"], "baseline": correlated},
        "latency": {"kind": "quantile", "events": ["ms"], "quantile": 0.95, "baseline": correlated},
        "saves": {"kind": "mean", "events": ["save"], "baseline": correlated, "pre_period": "7d"},
    }
    folder.write("agents.yaml", metrics=metrics)

    found = folder.findings()

    assert [(each.code, each.severity) for each in found] == [("EXP011", Severity.WARNING)] * 2
    assert ["no `pre_period`" in found[0].title, "quantile" in found[1].title] == [True, True]


def test_an_experiment_without_guardrails_is_told_of(folder: Folder) -> None:
    """A warning: there may be nothing to guard."""
    folder.write("agents.yaml", metrics={"engaged": document()["metrics"]["engaged"]})

    assert folder.found() == [("EXP010", Severity.WARNING, "metrics:")]


def test_arms_are_held_against_whoever_knows_their_settings(folder: Folder) -> None:
    """The place is that of the key at fault, or of all settings."""
    folder.write("agents.yaml")

    def complain(experiment: Experiment, arm: str) -> list[Complaint]:
        wanted = experiment.arms[arm].settings["diversity"]
        known = [Complaint(key="diversity", message="`diversity` is too much", fix="less")]
        return known if wanted > 0.5 else [Complaint(key=None, message="nothing fits")]

    found = folder.findings(arms=complain)

    assert [(each.code, each.title) for each in found] == [
        ("EXP005", "arm `control`: nothing fits"),
        ("EXP005", "arm `changed`: `diversity` is too much"),
    ]
    assert found[1].location is not None
    assert found[1].location.source == "      diversity: 0.6"


def test_sizes_are_asked_of_whoever_can_tell(folder: Folder) -> None:
    """What comes back is placed in the book."""
    folder.write("agents.yaml")

    found = folder.found(sizes=lambda _: [Problem(code="EXP093", path=("units",), title="few", fix="more")])

    assert found == [("EXP093", Severity.ERROR, "units: 20000")]


def _part(start: float, end: float) -> dict[str, float]:
    return {"start": start, "end": end}


@pytest.mark.parametrize(
    ("one", "other", "codes"),
    [
        ({"a": _part(0, 0.5)}, {"a": _part(0.5, 1)}, []),
        ({"a": _part(0, 0.5)}, {"a": _part(0.4999, 1)}, ["EXP004"]),
        ({"a": _part(0.2, 0.3)}, {"a": _part(0, 1)}, ["EXP004"]),
        ({"a": _part(0, 1), "b": _part(0, 0.5)}, {"a": _part(0, 1), "b": _part(0.5, 1)}, []),
        ({"a": _part(0, 0.5), "b": _part(0, 1)}, {"a": _part(0, 0.1)}, ["EXP004"]),
        ({"a": _part(0, 0.5)}, {"b": _part(0, 0.5)}, []),
        ({"a": _part(0, 0.5)}, {}, []),
        ({}, {}, []),
    ],
)
def test_experiments_of_one_layer_have_to_be_kept_apart_by_it(
    folder: Folder, one: dict[str, Any], other: dict[str, Any], codes: list[str]
) -> None:
    """Those that share no layer overlap on purpose; one shared layer that parts them is enough."""
    folder.write("one.yaml", layers=one)
    folder.write("other.yaml", layers=other, arms=_arms("exploration_share"))

    assert [code for code, _, _ in folder.found()] == codes
    assert share_no_unit(book(layers=one), book(layers=other)) == share_no_unit(
        book(layers=other), book(layers=one)
    )


def _arms(key: str) -> dict[str, Any]:
    return {
        "control": {"weight": 0.5},
        "b": {"weight": 0.5, "settings": {key: 0.2}},
    }


def test_experiments_that_set_the_same_have_to_be_kept_apart(folder: Folder) -> None:
    """One arm would overwrite the other; in parts of a layer nobody is in both."""
    folder.write("one.yaml", arms=_arms("diversity"))
    folder.write("other.yaml", arms=_arms("diversity"))
    folder.write("third.yaml", arms=_arms("candidates"))

    found = folder.found()

    assert found == [("EXP018", Severity.WARNING, "diversity: 0.2")]
    folder.write("one.yaml", arms=_arms("diversity"), layers={"a": _part(0, 0.5)})
    folder.write("other.yaml", arms=_arms("diversity"), layers={"a": _part(0.5, 1)})
    assert folder.found() == []


def test_what_has_ended_takes_up_nothing(folder: Folder) -> None:
    """Its part of a layer is free, and its settings are nobody's."""
    folder.write("one.yaml", layers={"a": {}})
    folder.write("other.yaml", layers={"a": {}})
    runs = start_now(book(layers={"a": {}}), name="one", at=NOON)
    ended = start_now(book(layers={"a": {}}), name="one", at=NOON)
    object.__setattr__(ended, "ended_at", NOON)

    assert [code for code, _, _ in folder.found(starts={"one": runs})] == ["EXP018", "EXP004"]
    assert folder.found(starts={"one": ended}) == []


def test_a_book_that_was_changed_after_its_start_is_told_value_by_value(folder: Folder) -> None:
    """Also that arms changed places: that would move half of the units."""
    started = start_now(book(), name="agents", at=NOON)
    arms = {name: document()["arms"][name] for name in ("changed", "control")}
    metrics = document()["metrics"]
    metrics = {**metrics, "engaged": metrics["engaged"] | {"mde": "5%"}}
    folder.write("agents.yaml", arms=arms, metrics=metrics, units=None, ramp=0.2)
    (named,) = folder.read()

    told = {str(change) for change in changes_since(started, named.experiment)}

    assert told == {
        "`metrics.engaged.mde` was `10%` at the start, now it is `5%`",
        "`units` was `20000` at the start, now it is not there",
        "`order of arms` was `control, changed` at the start, now it is `changed, control`",
    }
    assert folder.found(starts={"agents": started}) == [
        ("EXP020", Severity.ERROR, "title: four or six agents"),
        ("EXP020", Severity.ERROR, "title: four or six agents"),
        ("EXP020", Severity.ERROR, "mde: 5%"),
        ("EXP016", Severity.INFO, "ramp: 0.2"),
    ]
    with pytest.raises(UsageError) as caught:
        require_unchanged(named, started)
    assert (caught.value.code, len(caught.value.findings)) == ("EXP020", 3)


def test_a_book_that_only_raises_its_ramp_or_is_written_otherwise_is_unchanged(folder: Folder) -> None:
    """Defaults that are written out say the same."""
    started = start_now(book(ramp=0.1), name="agents", at=NOON)
    folder.write("agents.yaml", ramp=0.5, alpha=0.05, families=None, dimensions=[], owner="ranking")
    (named,) = folder.read()

    require_unchanged(named, started)

    assert folder.found(starts={"agents": started}) == [("EXP016", Severity.WARNING, "ramp: 0.5")]
    ramped = start_now(book(ramp=0.9), name="agents", at=NOON)
    assert folder.found(starts={"agents": ramped}) == [("EXP016", Severity.INFO, "ramp: 0.5")]
    assert folder.found(starts={"agents": start_now(book(ramp=0.5), name="agents", at=NOON)}) == []


def test_what_the_simulator_would_refuse_is_told_at_its_place(folder: Folder) -> None:
    """Of arms, of the warm-up and of the world; a book that is not simulated is none of its business."""
    arms = {
        "control": {"weight": 0.5, "settings": {"learner": "beta"}},
        "b": {"weight": 0.5, "settings": {"embeding": "words"}},
    }
    simulation = {"warm_up": {"diversity": 2}, "world": {"drft": 0.02, "slate": 0}, "users": 100}
    folder.write("agents.yaml", arms=arms, simulation=simulation)

    found = folder.findings(simulations=simulation_problems)

    assert [(each.code, (each.location.source or "").strip() if each.location else "") for each in found] == [
        ("EXP037", "learner: beta"),
        ("EXP037", "embeding: words"),
        ("EXP037", "diversity: 2"),
        ("EXP037", "drft: 0.02"),
        ("EXP037", "slate: 0"),
    ]
    assert [each.fix for each in found][1::2] == ["did you mean `embedding`?", "did you mean `drift`?"]
    folder.write("agents.yaml", arms=arms)
    assert folder.findings(simulations=simulation_problems) == []


def test_the_share_of_units_is_that_of_all_layers_and_the_holdout() -> None:
    """Layers are independent, so their shares multiply."""
    layers = {"a": _part(0, 0.5), "b": _part(0.2, 0.7)}

    assert share_of_units(book(layers=layers, holdout=0.2)) == pytest.approx(0.2)


def test_the_shipped_books_are_right() -> None:
    """They are what `init` writes."""
    shipped = Folder(Path(__file__).parents[2] / "ops" / "experiments")

    checks = {"sizes": size_problems, "simulations": simulation_problems}
    assert [each for each in shipped.found(**checks) if each[1] is Severity.ERROR] == []
    assert {"four_or_six_agents"} <= {each.name for each in shipped.read()}
