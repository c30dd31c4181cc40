"""Queries: reproducible, unlike any stored vector, and read from a log with every bad line named."""

import pytest
from tests.fakes.searcher import FakePool

from opsctl.core.errors import NotReadyError, UsageError
from opsctl.vectors.queries import hot_filters, queries_of_log, read_query_log, sample_queries


def a_pool(points=50, dimension=8):
    """Return random unit vectors."""
    import numpy as np

    vectors = np.random.default_rng(1).standard_normal((points, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FakePool({number: vectors[number].tolist() for number in range(points)})


def test_a_seed_gives_the_same_queries_whatever_the_order_of_the_store():
    """The digest depends on the data and the seed alone."""
    pool = a_pool()
    shuffled = FakePool(dict(reversed(pool.stored.items())))

    digests = [sample_queries(each, "c", count=20, seed=3).digest for each in (pool, shuffled)]

    assert digests[0] == digests[1]
    assert sample_queries(pool, "c", count=20, seed=4).digest != digests[0]


def test_no_query_is_a_stored_vector():
    """The nearest stored vector is near, and never the query itself; lengths are kept."""
    import numpy as np

    pool = a_pool()
    queries = np.asarray(sample_queries(pool, "c", count=100, seed=1).vectors)

    nearest = (queries @ np.asarray(list(pool.stored.values())).T).max(axis=1)
    assert nearest.max() < 0.9999
    assert nearest.min() > 0.4
    assert np.allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)


def test_more_queries_than_points_can_be_drawn():
    """Two points give as many mixtures as wanted."""
    assert len(sample_queries(a_pool(points=2), "c", count=30, seed=1).vectors) == 30


def test_one_point_is_too_few():
    """A single point cannot be mixed."""
    with pytest.raises(NotReadyError) as error:
        sample_queries(a_pool(points=1), "c", count=1, seed=1)

    assert error.value.code == "BEN010"


def test_a_line_of_a_log_ends_where_the_file_says(tmp_path):
    """JSON may hold the line separators of Unicode as they are, in a text or not; Windows ends its lines in two."""
    log = tmp_path / "q.jsonl"
    log.write_bytes('{"text": "one\u2028two\x85three"}\r\n\r\n{"text": "four"}\n'.encode())

    assert [query.text for query in read_query_log(log)] == ["one\u2028two\x85three", "four"]


def test_every_bad_line_of_a_log_is_named(tmp_path):
    """Broken JSON, both kinds at once, unknown keys, NaN and a bad filter come out together."""
    log = tmp_path / "queries.jsonl"
    log.write_text(
        '{"vector": [1, 2]}\n{not json\n{"vector": [1], "text": "x"}\n{"txt": "x"}\n{"vector": [NaN]}\n'
        '{"text": "x", "filter": {"a": {"gte": 2, "lte": 1}}}\n'
    )

    with pytest.raises(UsageError) as error:
        read_query_log(log)

    assert [finding.location and finding.location.line for finding in error.value.findings] == [2, 3, 4, 5, 6]


def test_the_hottest_filters_come_first_whatever_the_order_of_their_conditions(tmp_path):
    """Two ways to write one filter count as one; queries without a filter count in the shares."""
    log = tmp_path / "queries.jsonl"
    log.write_text(
        '{"text": "a", "filter": {"region": "AU", "category": "band"}}\n'
        '{"text": "b", "filter": {"category": "band", "region": "AU"}}\n'
        '{"text": "c", "filter": {"region": "NZ"}}\n{"text": "d"}\n'
    )

    hot = hot_filters(read_query_log(log), most=5)

    assert [(str(each.filter), each.share) for each in hot] == [
        ("category = band AND region = AU", 0.5),
        ("region = NZ", 0.25),
    ]


def test_texts_of_a_log_are_embedded_in_their_places(tmp_path):
    """Vectors and texts may alternate."""
    log = tmp_path / "queries.jsonl"
    log.write_text('{"text": "a"}\n{"vector": [0.5, 0.5]}\n{"text": "b"}\n')

    chosen = queries_of_log(
        read_query_log(log),
        path=log,
        dimension=2,
        embed=lambda texts: [[float(ord(text)), 0.0] for text in texts],
        count=10,
    )

    assert chosen.vectors == ((97.0, 0.0), (0.5, 0.5), (98.0, 0.0))


def test_a_vector_of_another_length_is_refused(tmp_path):
    """The message says which query, and both lengths."""
    log = tmp_path / "queries.jsonl"
    log.write_text('{"vector": [1, 2, 3]}\n')

    with pytest.raises(UsageError) as error:
        queries_of_log(read_query_log(log), path=log, dimension=2, embed=None, count=1)

    assert error.value.message == f"query 1 of `{log}` has 3 dimensions, the collection 2"
