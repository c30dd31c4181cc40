"""The pure parts of a rebuild: ranges, batches, intervals, parameters, the book, checkpoints."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.clients.qdrant_values import CollectionState
from opsctl.config.load import parse_book
from opsctl.core.errors import UsageError
from opsctl.qdrant_collections.checkpoint import Checkpoints, Outcome, RangeState, RebuildState, Step
from opsctl.qdrant_collections.measure import estimate_mean
from opsctl.qdrant_collections.model import CollectionsBook, DerivedCollection, lint_book
from opsctl.qdrant_collections.ranges import LARGEST_BATCH, SMALLEST_BATCH, BatchSizer, id_key, split_ids
from opsctl.qdrant_collections.target import creation_parameters, payload_indexes, serving_change

IDS = st.one_of(st.integers(0, 2**64 - 1), st.uuids().map(str))


@given(st.lists(IDS, unique=True), st.lists(IDS, unique=True, max_size=50), st.integers(1, 16))
def test_ranges_cover_every_id_exactly_once(
    ids: list[int | str], sampled: list[int | str], parts: int
) -> None:
    """Whatever the sample was, each id lies in one range."""
    ranges = split_ids(sampled, parts=parts)

    for each in ids:
        key = id_key(each)
        holders = [
            (start, end)
            for start, end in ranges
            if (start is None or key >= id_key(start)) and (end is None or key < id_key(end))
        ]
        assert len(holders) == 1


@given(st.lists(st.one_of(st.integers(0, 2**64 - 1), st.uuids()), unique=True))
def test_ids_are_ordered_as_the_engine_orders_them(ids: list[int | UUID]) -> None:
    """Numbers come first, then UUIDs by their bytes."""
    expected = sorted(each for each in ids if isinstance(each, int)) + sorted(
        (each for each in ids if isinstance(each, UUID)), key=lambda each: each.bytes
    )
    plain = [each if isinstance(each, int) else str(each) for each in ids]

    assert [str(each) for each in sorted(plain, key=id_key)] == [str(each) for each in expected]


@pytest.mark.parametrize(("best", "expected"), [(1024, 1024), (256, 256), (64, 64), (512, 512)])
def test_the_batch_size_that_moves_most_is_found(best: int, expected: int) -> None:
    """Doubling and halving ends at the fastest size."""
    sizer = BatchSizer()
    for _round in range(20):
        distance = abs(sizer.size.bit_length() - best.bit_length())
        sizer.learn(points=sizer.size, seconds=sizer.size * (1.0 + 0.5 * distance))

    assert sizer.size == expected


@given(st.lists(st.floats(0.001, 10.0), max_size=50))
def test_the_batch_size_stays_within_its_bounds(seconds: list[float]) -> None:
    """No measurement drives it out."""
    sizer = BatchSizer()
    for each in seconds:
        sizer.learn(points=sizer.size, seconds=each)
        assert SMALLEST_BATCH <= sizer.size <= LARGEST_BATCH


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400))
def test_the_interval_of_a_mean_contains_it(shares: list[float]) -> None:
    """The interval lies in [0, 1] and holds the mean."""
    estimate = estimate_mean(shares)

    assert 0 <= estimate.low <= estimate.mean + 1e-12
    assert estimate.mean - 1e-12 <= estimate.high <= 1


def test_a_perfect_sample_is_not_certain() -> None:
    """Wilson's interval of 300 hits in 300 ends at 0.9796: 300 / (300 + z^2), z for 98.75 % at each of four looks."""
    estimate = estimate_mean([1.0] * 300)

    assert (estimate.mean, round(estimate.low, 4), estimate.high) == (1.0, 0.9796, 1.0)


def source_state() -> CollectionState:
    """Return the state of a source with everything set."""
    return CollectionState(
        name="content",
        status="green",
        optimizer_status="ok",
        points_count=10,
        indexed_vectors_count=10,
        segments_count=1,
        config={
            "params": {
                "vectors": {"size": 4, "distance": "Cosine"},
                "on_disk_payload": True,
                "shard_number": 6,
            },
            "hnsw_config": {"m": 32, "ef_construct": 200, "max_indexing_threads": 0},
            "optimizer_config": {"indexing_threshold": 500},
            "quantization_config": {"scalar": {"type": "int8"}},
        },
        payload_schema={"region": {"data_type": "keyword"}, "quality": {"data_type": "float"}},
    )


def test_a_generation_is_made_like_its_source_where_the_book_says_nothing() -> None:
    """Vectors, graph and quantization are the source's; the shards are not, a part needs fewer."""
    derived = DerivedCollection.model_validate({"filter": {"region": "AU"}})

    assert creation_parameters(source_state(), derived=derived) == {
        "vectors": {"size": 4, "distance": "Cosine"},
        "hnsw_config": {"m": 32, "ef_construct": 200},
        "optimizers_config": {"indexing_threshold": 0},
        "on_disk_payload": True,
        "quantization_config": {"scalar": {"type": "int8"}},
    }
    change = serving_change(source_state(), derived=derived, optimizer_threads=None)
    assert change == {"optimizers_config": {"indexing_threshold": 500}}


def test_the_book_overrules_the_source() -> None:
    """Every parameter of the book reaches the generation."""
    derived = DerivedCollection.model_validate(
        {
            "filter": {"region": "AU"},
            "vectors": {"on_disk": True, "quantization": "none"},
            "hnsw": {"m": 8, "payload_m": 4},
            "indexing_threshold": 100,
            "shard_number": 2,
            "replication_factor": 3,
        }
    )

    made = creation_parameters(source_state(), derived=derived)

    assert made["vectors"]["on_disk"] is True
    assert made["hnsw_config"] == {"m": 8, "ef_construct": 200, "payload_m": 4}
    assert (made["shard_number"], made["replication_factor"]) == (2, 3)
    assert "quantization_config" not in made
    change = serving_change(source_state(), derived=derived, optimizer_threads=1)
    assert change == {"optimizers_config": {"indexing_threshold": 100, "max_optimization_threads": 1}}


def test_a_field_that_the_filter_decides_needs_no_index() -> None:
    """A field with one value for all points is not indexed; a range leaves its field open."""
    derived = DerivedCollection.model_validate({"filter": {"region": "AU", "quality": {"gte": 0.5}}})

    assert payload_indexes(source_state(), derived=derived) == {"quality": "float"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("source: {collection: c}\nderived:\n  Bad-Name: {filter: {a: 1}}", "is no name for an alias"),
        ("source: {collection: c}\nderived:\n  c: {filter: {a: 1}}", "has the name of the source"),
        ("source: {collection: c}\nderived:\n  a__g1: {filter: {a: 1}}", "marks the generations"),
        ("source: {collection: c}\nderived:\n  a: {filter: {}}", "at least one condition"),
        (
            "source: {collection: c}\nderived:\n  a: {filter: {a: 1}, budgets: {p95: soon}}",
            "is not a duration",
        ),
        ("source: {collection: c}\nderived:\n  a: {fliter: {a: 1}}", "unknown key `fliter`"),
        ("source: {collection: c}\nderived:\n  a: {filter: {a: 1}}\n  a: {filter: {b: 1}}", "stands twice"),
        ("derived: {}", "`source` is missing"),
    ],
)
def test_what_is_wrong_in_a_book_is_said_with_its_place(text: str, title: str) -> None:
    """Each mistake is a finding with a line."""
    with pytest.raises(UsageError) as failure:
        parse_book(text, CollectionsBook, file="collections.yaml")

    assert any(title in finding.title for finding in failure.value.findings)
    assert all(finding.location is not None for finding in failure.value.findings)


def test_two_derived_collections_with_one_filter_are_a_warning() -> None:
    """The order of the conditions does not matter."""
    text = "source: {collection: c}\nderived:\n  a: {filter: {x: 1, y: 2}}\n  b: {filter: {y: 2, x: 1}}"

    (finding,) = lint_book(parse_book(text, CollectionsBook, file="collections.yaml"))

    assert (finding.code, finding.title) == ("COL010", "`a`, `b` have the same filter")


def test_the_starter_book_is_valid() -> None:
    """What `opsctl init` writes can be used as it is."""
    root = Path(__file__).parents[2]
    text = (root / "templates/project/ops/collections.yaml").read_text(encoding="utf-8")

    book = parse_book(text, CollectionsBook, file="collections.yaml")

    assert "au_photographers_quality" in book.derived
    assert lint_book(book) == ()


def test_checkpoints_are_read_back_as_written(tmp_path: Path) -> None:
    """Every part of a checkpoint survives the disk."""
    state = RebuildState(
        alias="a",
        generation="a__g20261122T120000",
        source="content",
        plan_digest="d",
        expected_live=None,
        started_at="2026-11-22T12:00:00+00:00",
        outcome=Outcome.RUNNING,
        done=(Step.PREFLIGHT, Step.CREATE),
        ranges=(RangeState(start=None, end="b6f2", following=17, copied=3),),
        figures={"create": {"payload_indexes": 2}},
    )
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state)

    assert checkpoints.all("a") == [state]
    assert checkpoints.running("a") == state


@pytest.mark.parametrize("damage", ['{"version": 1', '{"version": 9}', '{"version": 1}'])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    """Torn, foreign or incomplete checkpoints are refused with the way out."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a__g20261122T120000.json").write_text(damage)

    with pytest.raises(UsageError) as failure:
        Checkpoints(tmp_path).all("a")

    assert failure.value.code == "COL020"
    assert "rm " in (failure.value.fix or "")
