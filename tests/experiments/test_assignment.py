"""Units get their arms from their ids alone: the same everywhere, evenly, independently, and for ever."""

import hashlib
import json
import subprocess
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from tests.experiments.books import book, weighted

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import UsageError
from opsctl.experiments.assignment import Assigner, Reason
from opsctl.experiments.points import SPAN, bound_of, edge_of, point_of, prefix_of
from opsctl.experiments.sticky import KeptArms, StickyAssigner
from opsctl.experiments.vectors import rendered
from opsctl.store.kept_arms import KeptInDatabase

VECTORS = Path(__file__).parents[2] / "docs" / "assignment-vectors.json"
MILLION = 1_000_000
units = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
shares = st.floats(0, 1, allow_subnormal=False)


@pytest.fixture(scope="module")
def published() -> Any:
    """Give the vectors as they are published."""
    return json.loads(VECTORS.read_text())


Points = Callable[[str], NDArray[np.uint64]]


@pytest.fixture(scope="module")
def points() -> Points:
    """Give the points of a million ids that resemble each other, as ids of readers do, by salt."""
    ids, sha256 = [str(number).encode() for number in range(MILLION)], hashlib.sha256

    @cache
    def of(salt: str) -> NDArray[np.uint64]:
        prefix = prefix_of(salt)
        digests = b"".join([sha256(prefix + each).digest() for each in ids])
        return np.frombuffer(digests, dtype=">u8")[::4].astype(np.uint64)

    return of


def test_the_published_vectors_are_those_of_this_code() -> None:
    """`PYTHONPATH=src python -m opsctl.experiments.vectors > docs/assignment-vectors.json` writes them anew."""
    assert VECTORS.read_text() == rendered()


def test_the_published_points_follow_from_their_description_alone(published: Any) -> None:
    """Written down once more, without any code of ours."""
    for each in published["points"]:
        text = unicodedata.normalize("NFC", each["salt"]) + "\x1f" + each["unit"]
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        assert each["point"] == str(int(digest[:16], 16))
    for each in published["bounds"]:
        exact = Fraction(json.dumps(each["share"])) * 2**64
        assert int(each["bound"]) == -(-exact.numerator // exact.denominator)


def test_another_program_finds_the_same_points(published: Any) -> None:
    """`sha256sum` knows nothing of Python; half of them have salts and ids beyond ASCII."""
    for each in published["points"][::4]:
        text = unicodedata.normalize("NFC", each["salt"]) + "\x1f" + each["unit"]
        done = subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True)
        assert int(done.stdout[:16], 16) == int(each["point"])


def test_the_published_arms_follow_from_the_points_alone(published: Any) -> None:
    """As another implementation would do it: points, bounds and the order in which they are asked."""
    for each in published["assignments"]:
        for unit in each["units"]:
            found = _assigned_by_hand(each, unit["unit"])
            assert found == (unit["arm"], unit["reason"])


def _assigned_by_hand(experiment: Any, unit: str) -> tuple[str | None, str | None]:
    def lies(salt: str) -> Fraction:
        digest = hashlib.sha256(f"{salt}\x1f{unit}".encode()).digest()
        return Fraction(int.from_bytes(digest[:8], "big"), 2**64)

    def share(value: float) -> Fraction:
        return Fraction(json.dumps(value))

    if lies("holdout") < share(experiment["holdout"]):
        return None, "held_out"
    for layer, segment in experiment["layers"].items():
        if not share(segment["start"]) <= lies(f"layer:{layer}") < share(segment["end"]):
            return None, "outside_layer"
    if lies(f"ramp:{experiment['experiment']}") >= share(experiment["ramp"]):
        return None, "not_ramped"
    end = Fraction(0)
    for arm in experiment["arms"]:
        end += share(arm["weight"])
        if lies(f"arm:{experiment['experiment']}") < end:
            return arm["name"], None
    raise AssertionError("weights sum to 1")


@given(unit=units, salt=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_salt_may_be_written_in_two_ways_and_a_unit_may_not(unit: str, salt: str) -> None:
    """A name typed on another keyboard is the same name; ids are opaque."""
    assert point_of(unit, salt=salt) == point_of(unit, salt=unicodedata.normalize("NFD", salt))
    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, unit)
        assert (point_of(unit, salt=salt) == point_of(other, salt=salt)) == (unit == other)


@given(share=shares, point=st.integers(0, SPAN - 1))
def test_bytes_are_compared_as_their_points_would_be(share: float, point: int) -> None:
    """Whatever follows in the digest, and exactly at the edge, too."""
    bound = bound_of(share)
    for each in {point, max(0, bound - 1), min(bound, SPAN - 1)}:
        for rest in (b"\x00" * 24, b"\xff" * 24):
            assert (each.to_bytes(8) + rest < edge_of(bound)) == (each < bound)
            assert (each < bound) == (Fraction(each, SPAN) < Fraction(repr(share)))


@given(
    unit=units,
    weights=st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(lambda each: each[0] > 0),
    holdout=st.floats(0, 0.5),
    start=st.floats(0, 0.5),
    end=st.floats(0.6, 1),
    ramp=st.floats(0.05, 1),
)
def test_an_arm_and_the_reason_for_none_never_contradict_each_other(
    unit: str, weights: list[int], holdout: float, start: float, end: float, ramp: float
) -> None:
    """Both ways to ask say the same of every unit and every book."""
    total = sum(weights)
    arms = weighted(*(weight / total for weight in weights))
    layers = {"one": {"start": start, "end": end}, "two": {}}
    assigner = Assigner(book(arms=arms, holdout=holdout, layers=layers, ramp=ramp), name="x")

    placement = assigner.place(unit)

    assert assigner.assign(unit) == placement.arm
    assert (placement.arm is None) == (placement.reason is not None)
    assert (placement.layer is None) == (placement.reason is not Reason.OUTSIDE_LAYER)
    assert placement.arm is None or arms[placement.arm]["weight"] > 0
    assert tuple(placement.points) == ("holdout", "layer:one", "layer:two", "ramp:x", "arm:x")


@given(unit=units, low=st.floats(0.01, 1), high=st.floats(0.01, 1))
def test_raising_the_ramp_moves_no_unit(unit: str, low: float, high: float) -> None:
    """Whoever is in stays in the same arm; others may come in."""
    low, high = sorted((low, high))

    before = Assigner(book(ramp=low), name="x").assign(unit)
    after = Assigner(book(ramp=high), name="x").assign(unit)

    assert before in (None, after)


def test_a_ramp_lets_in_its_share_of_each_arm_alike() -> None:
    """Not first those of one arm: ramp and arm have salts of their own."""
    ten, all_ = (Assigner(book(ramp=ramp), name="x") for ramp in (0.1, 1.0))
    members = [unit for unit in map(str, range(40_000)) if ten.assign(unit)]

    arms = Counter(all_.assign(unit) for unit in members)

    assert abs(len(members) - 4000) < 5 * np.sqrt(4000 * 0.9)
    assert stats.chisquare(list(arms.values())).pvalue > 1e-4


def test_arms_of_weight_zero_get_nobody_and_the_last_one_takes_what_is_left() -> None:
    """Weights such as a third leave no gap at the end, and none is filled by an arm that should be empty."""
    third = 0.333333333333
    arms = weighted(third, third, third) | {"empty": {"weight": 0.0}}

    assigner = Assigner(book(arms=arms), name="x")

    found = Counter(assigner.assign(str(unit)) for unit in range(9000))
    assert found.keys() == {"control", "b", "c"}
    assert stats.chisquare(list(found.values())).pvalue > 1e-4


def test_a_single_arm_with_weight_gets_everybody() -> None:
    """Such as a roll-out to all."""
    assigner = Assigner(book(arms=weighted(1.0, 0.0)), name="x")

    assert {assigner.assign(str(unit)) for unit in range(100)} == {"control"}


def test_experiments_in_parts_of_one_layer_share_no_unit_and_leave_none_over() -> None:
    """What ends at 0.3 and what begins there meet without gap or overlap."""
    parts = ((0.0, 0.3), (0.3, 0.9), (0.9, 1.0))
    assigners = [
        Assigner(book(layers={"ranking": {"start": start, "end": end}}), name=f"e{index}")
        for index, (start, end) in enumerate(parts)
    ]

    members = Counter(sum(each.assign(str(unit)) is not None for each in assigners) for unit in range(20_000))

    assert members == {1: 20_000}


def test_the_holdout_is_the_same_for_all_experiments_that_have_one() -> None:
    """A smaller one lies inside a larger one."""
    five, ten, other = (
        {str(unit) for unit in range(20_000) if assigner.place(str(unit)).reason is Reason.HELD_OUT}
        for assigner in (
            Assigner(book(holdout=0.05), name="a"),
            Assigner(book(holdout=0.1), name="b"),
            Assigner(book(holdout=0.1), name="c"),
        )
    )

    assert five < ten
    assert ten == other
    assert abs(len(ten) - 2000) < 5 * np.sqrt(1800)


@pytest.mark.slow
@pytest.mark.parametrize("salt", ["holdout", "layer:ranking", "ramp:agents", "arm:agents"])
def test_a_million_ids_lie_evenly_for_each_salt(points: Points, salt: str) -> None:
    """Over 1,000 cells, and over the lowest bits as well."""
    found = points(salt)

    high = np.bincount((found >> np.uint64(54)).astype(np.int64), minlength=1024)
    low = np.bincount((found & np.uint64(1023)).astype(np.int64), minlength=1024)

    for counts in (high, low):
        assert 1e-5 < stats.chisquare(counts).pvalue < 1 - 1e-5
    assert stats.kstest(found[:100_000].astype(np.float64) / 2**64, "uniform").pvalue > 1e-5
    assert np.all(np.diff(np.sort(found)) > 0)


@pytest.mark.slow
def test_experiments_are_independent_of_each_other_on_a_million_ids(points: Points) -> None:
    """Every pair of salts, those of names that differ in one letter included, over 16 x 16 cells."""
    salts = ("arm:agents", "arm:agentt", "ramp:agents", "layer:ranking", "holdout")
    cells = {salt: (points(salt) >> np.uint64(60)).astype(np.int64) for salt in salts}

    for one, other in combinations(salts, 2):
        table = np.bincount(cells[one] * 16 + cells[other], minlength=256).reshape(16, 16)
        assert stats.chi2_contingency(table).pvalue > 1e-5, (one, other)
        assert abs(np.corrcoef(cells[one], cells[other])[0, 1]) < 5 / np.sqrt(MILLION)


def test_the_test_of_independence_notices_a_shared_salt(points: Points) -> None:
    """Two experiments that shared a thousandth of their hash would be found out."""
    one, other = points("arm:agents")[:200_000], points("ramp:agents")[:200_000]
    mixed = np.where(one % np.uint64(20) == 0, one, other)

    table = np.bincount(
        ((one >> np.uint64(60)) * np.uint64(16) + (mixed >> np.uint64(60))).astype(np.int64), minlength=256
    )

    assert stats.chi2_contingency(table.reshape(16, 16)).pvalue < 1e-5


def test_neighbouring_ids_do_not_lie_near_each_other(points: Points) -> None:
    """Nor in the same arm: ids are often given in the order of arrival."""
    found = points("arm:agents")[:200_000].astype(np.float64)

    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 5 / np.sqrt(200_000)


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("", "an empty id is no unit"),
        ("user-\ud83d", "holds half a character"),
        (42, "int `42` is no id"),
        (None, "NoneType `None`"),
        (b"42", "bytes"),
        (1.0, "float"),
    ],
)
def test_what_is_no_id_is_refused_whichever_way_it_is_asked(unit: Any, said: str) -> None:
    """All empty ids would be one reader, and `1` and `1.0` two."""
    assigner = Assigner(book(), name="x")

    for ask in (assigner.assign, assigner.place, lambda each: point_of(each, salt="x")):
        with pytest.raises(UsageError) as caught:
            ask(unit)
        assert (caught.value.code, said in caught.value.message) == ("EXP030", True)
        caught.value.message.encode()  # can be printed


@pytest.mark.slow
def test_an_assignment_takes_less_than_two_microseconds() -> None:
    """With holdout, layer, ramp and arm, the best of some rounds; twice as much is tolerated of a busy machine."""
    full = book(holdout=0.05, layers={"ranking": {"start": 0.0, "end": 0.999}}, ramp=0.999)
    assign = Assigner(full, name="four_or_six_agents").assign
    readers = [str(unit) for unit in range(20_000)]

    best = min(_seconds(assign, readers) for _ in range(15)) / len(readers)

    assert best < 4e-6


def _seconds(assign: Any, readers: list[str]) -> float:
    began = time.perf_counter()
    for reader in readers:
        assign(reader)
    return time.perf_counter() - began


class _Memory:
    """Arms in a dict; whoever keeps first is right."""

    def __init__(self) -> None:
        self.arms: dict[str, str] = {}

    def keep(self, arms: Mapping[str, str]) -> Mapping[str, str]:
        """Keep the arms of units that have none, and return those of all."""
        self.arms = dict(arms) | self.arms
        return {unit: self.arms[unit] for unit in arms}


def _arms(assigner: Assigner, units: Sequence[str], *, kept: KeptArms) -> dict[str, str | None]:
    return {each.unit: each.arm for each in StickyAssigner(assigner, kept=kept).place_all(units)}


def test_a_unit_keeps_its_arm_when_weights_move_and_new_ones_follow_the_new_weights() -> None:
    """Twice, and back again; without the memory a fifth of the units would change sides."""
    kept = _Memory()
    old, new = [str(unit) for unit in range(2000)], [str(unit) for unit in range(2000, 4000)]
    assigners = [Assigner(book(arms=weighted(1 - share, share)), name="x") for share in (0.5, 0.7, 0.2)]
    first = _arms(assigners[0], old, kept=kept)

    arms_of_new = Counter(_arms(assigners[1], new, kept=kept).values())

    assert _arms(assigners[1], old, kept=kept) == first
    assert _arms(assigners[2], old, kept=kept) == first
    assert abs(arms_of_new["b"] - 1400) < 100
    assert sum(assigners[1].assign(unit) != first[unit] for unit in old) > 300


def test_an_arm_that_is_gone_is_not_kept_and_the_ramp_holds_as_it_is_now() -> None:
    """Whatever a unit had."""
    kept, readers = _Memory(), [str(unit) for unit in range(200)]
    half = Assigner(book(arms=weighted(0.5, 0.5)), name="x")
    none = Assigner(book(arms=weighted(1.0, 0.0)), name="x")
    small = Assigner(book(arms=weighted(0.5, 0.5), ramp=0.1), name="x")

    assert set(_arms(half, readers, kept=kept).values()) == {"control", "b"}
    assert set(_arms(none, readers, kept=kept).values()) == {"control"}
    assert Counter(_arms(small, readers, kept=kept).values())[None] > 150


@pytest.mark.stack
def test_the_database_remembers_arms_and_those_of_whoever_was_exposed(database: DatabaseAddress) -> None:
    """The first exposure of a unit counts; whoever keeps first is right."""
    with connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at) values"
            " ('1', 'x', 'ann', 'b', '2026-11-02'), ('2', 'x', 'ann', 'control', '2026-11-01'),"
            " ('3', 'x', 'bob', 'b', '2026-11-01'), ('4', 'other', 'cyd', 'b', '2026-11-01')"
        )
        kept = KeptInDatabase(connection, experiment="x", version=1)

        assert (kept.keep_exposed(), kept.keep_exposed()) == (2, 0)
        assert kept.keep({"ann": "b", "cyd": "b"}) == {"ann": "control", "cyd": "b"}
        assert kept.keep({"cyd": "control", "bob": "control"}) == {"cyd": "b", "bob": "b"}
        assert kept.keep({}) == {}
        other = KeptInDatabase(connection, experiment="x", version=2)
        assert other.keep({"ann": "b"}) == {"ann": "b"}
