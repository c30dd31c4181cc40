"""What a model answered: no wrong item ever gets a score, and one bad entry costs only itself."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores, parse_scores

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["scores", "id", "score", "x"]), inner)
    ),
    max_leaves=12,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(-1, 6) | st.booleans(), "score": ANY_JSON | st.floats(-0.2, 1.2)}
    ),
    max_size=8,
)


def answer(*entries: object) -> str:
    """Return the text of an answer with these entries."""
    return json.dumps({"scores": list(entries)})


def entry(number: object, score: object) -> dict[str, object]:
    """Return one entry of an answer."""
    return {"id": number, "score": score}


def test_scores_come_by_number():
    """In any order, whole numbers too."""
    parsed = parse_scores(answer(entry(2, 1), entry(1, 0.25)), count=2)

    assert parsed == ParsedScores(scores={1: 0.25, 2: 1.0}, invalid=frozenset())


@pytest.mark.parametrize("around", ["```json\n{}\n```", "```\n{}```", "\n ```JSON\r\n{}\r\n``` \n", "  {}\n"])
def test_one_code_fence_or_space_around_is_no_matter(around):
    """Models that were told to answer with JSON only like to wrap it."""
    assert parse_scores(around.replace("{}", answer(entry(1, 0.5))), count=1).scores == {1: 0.5}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Here you are: " + answer(entry(1, 0.5)),
        answer(entry(1, 0.5)) + " Anything else?",
        "```json\n" + answer(entry(1, 0.5)) + "\n``` Anything else?",
        answer(entry(1, 0.5)) + answer(entry(1, 0.5)),
        "[]",
        "null",
        "{}",
        '{"scores": {}}',
        '{"scores": [[1, 0.5]]}',
        answer(entry(1, 0.5), entry(3, 0.5)),
        answer(entry(0, 0.5)),
        answer(entry(-1, 0.5)),
        answer(entry("1", 0.5)),
        answer(entry(1.0, 0.5)),
        answer({"id": True, "score": 0.5}),
        answer({"score": 0.5}),
        '{"scores": [{"id": 1, "id": 2, "score": 0.5}]}',
        '{"scores": [], "scores": [{"id": 1, "score": 0.5}]}',
        "[" * 100_000,
        '{"scores": [' + " " * 300_000 + "]}",
        '{"scores": [{"id": ' + "9" * 5000 + ', "score": 0.5}]}',
    ],
)
def test_an_answer_that_cannot_be_trusted_is_refused_whole(text):
    """Surplus text, invented items, ambiguous objects, bombs."""
    with pytest.raises(InvalidAnswerError):
        parse_scores(text, count=2)


@pytest.mark.parametrize(
    "score", ["1.01", "-0.01", "NaN", "Infinity", "1e999", "true", "null", '"0.5"', "[0.5]", "9" * 400]
)
def test_a_score_that_is_none_costs_its_item_only(score):
    """The other item keeps its own."""
    parsed = parse_scores(
        f'{{"scores": [{{"id": 1, "score": {score}}}, {{"id": 2, "score": 0.5}}]}}', count=2
    )

    assert parsed == ParsedScores(scores={2: 0.5}, invalid=frozenset({1}))


def test_an_item_given_twice_has_no_score():
    """Nobody can tell which one is meant, not even when they are equal or when there are three."""
    parsed = parse_scores(answer(entry(1, 0.5), entry(2, 0.1), entry(1, 0.5), entry(1, 0.5)), count=2)

    assert parsed == ParsedScores(scores={2: 0.1}, invalid=frozenset({1}))


def test_an_item_without_score_is_invalid_and_one_without_entry_missing():
    """Missing items are those in neither set."""
    assert parse_scores(answer({"id": 1}), count=3) == ParsedScores(scores={}, invalid=frozenset({1}))


@given(
    st.text(max_size=60) | ANY_JSON.map(json.dumps) | ENTRIES.map(lambda rows: json.dumps({"scores": rows}))
)
def test_whatever_is_answered_scores_are_finite_and_of_items_that_were_sent(text):
    """The only other end is the refusal."""
    try:
        parsed = parse_scores(text, count=4)
    except InvalidAnswerError:
        return

    assert set(parsed.scores) | parsed.invalid <= {1, 2, 3, 4}
    assert not set(parsed.scores) & parsed.invalid
    assert all(
        type(score) is float and math.isfinite(score) and 0 <= score <= 1 for score in parsed.scores.values()
    )


@given(st.dictionaries(st.integers(1, 50), st.floats(0, 1)))
def test_a_right_answer_is_read_as_it_was_meant(scores):
    """Every number survives to the last bit."""
    text = answer(*(entry(number, score) for number, score in scores.items()))

    assert parse_scores(text, count=50) == ParsedScores(scores=scores, invalid=frozenset())
