"""Replay: a logged decision reads back exactly and gives its slate again; a damaged one is refused."""

import hashlib
import json
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import CUSTOM, make_candidates, make_options, make_reader, make_state

from opsctl.ranking.model import RankingOptions, Slate
from opsctl.ranking.rank import rank
from opsctl.ranking.replay import (
    ReplayableDecision,
    from_json,
    replay,
    slate_differences,
    to_json,
)


def _nudged(slate: Slate, by: float) -> Slate:
    first, *others = slate.scores
    return replace(slate, scores=(first + by, *others))


def _decide(count: int = 12, *, history_count: int = 5, seed: int = 5) -> ReplayableDecision:
    candidates = make_candidates(count, seed=seed % 50)
    reader = make_reader(history_count, seen=frozenset({1, 5}), hidden=frozenset(candidates.ids[:2].tolist()))
    reader = replace(reader, history_weights=np.linspace(1, 2, history_count))
    state, options = make_state(), make_options()
    slate = rank(candidates, reader, state=state, options=options, seed=seed)
    return ReplayableDecision(
        candidates=candidates, reader=reader, state=state, options=options, seed=seed, slate=slate
    )


def _assert_identical(first: Any, second: Any) -> None:
    """Compare values and arrays bit for bit, NaN and types included."""
    assert type(first) is type(second)
    if is_dataclass(first):
        for field in fields(first):
            _assert_identical(getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, np.ndarray):
        assert (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())
    else:
        assert first == second


@given(count=st.integers(0, 20), history_count=st.integers(0, 5), seed=st.integers(0, 2**64))
def test_a_decision_reads_back_exactly_and_replays(count: int, history_count: int, seed: int) -> None:
    """With unknown features, without candidates, for cold starts, for seeds beyond 64 bits."""
    decision = _decide(count, history_count=history_count, seed=seed)

    read = from_json(to_json(decision))

    _assert_identical(read, decision)
    assert slate_differences(replay(read), decision.slate) == ()


def test_the_same_decision_is_the_same_text() -> None:
    """One line, whatever kind of mapping holds the weights."""
    decision = replace(
        _decide(),
        options=RankingOptions(limit=3, agents=("custom",), custom_weights=MappingProxyType(CUSTOM)),
    )

    text = to_json(decision)

    assert to_json(from_json(text)) == text
    assert "\n" not in text
    assert to_json(from_json(json.dumps(json.loads(text), indent=2, sort_keys=True))) == text


def test_a_replay_under_another_state_shows_what_differs() -> None:
    """The names of the fields, in their order."""
    decision = _decide()
    changed = replace(decision.state, policy=replace(decision.state.policy, version=2))

    slate = replay(replace(decision, state=changed))

    assert slate_differences(slate, decision.slate) == ("policy_version",)


def test_a_tolerance_forgives_last_bits_and_nothing_else() -> None:
    """Scores may come from another kind of processor; the items shown must be the same."""
    slate = _decide().slate

    assert slate_differences(_nudged(slate, 1e-12), slate) == ("scores",)
    assert slate_differences(_nudged(slate, 1e-12), slate, tolerance=1e-9) == ()
    assert slate_differences(_nudged(slate, 1e-6), slate, tolerance=1e-9) == ("scores",)
    assert slate_differences(replace(slate, ids=slate.ids[::-1]), slate, tolerance=1e-9) == ("ids",)
    assert slate_differences(replace(slate, scores=slate.scores[1:]), slate, tolerance=1) == ("scores",)
    assert slate_differences(replace(slate, weights={}), slate, tolerance=1) == ("weights",)


@given(place=st.integers(0, 10_000))
def test_truncated_text_is_refused(place: int) -> None:
    """Cut off anywhere."""
    text = to_json(_decide(3, history_count=1))

    with pytest.raises(ValueError, match="no decision that can be read"):
        from_json(text[: place % len(text)])


@given(place=st.integers(0, 10_000), character=st.characters(max_codepoint=1000))
def test_corrupt_text_is_refused(place: int, character: str) -> None:
    """One character changed anywhere; it is read only where it means the same (`1E-5` for `1e-5`)."""
    text = to_json(_decide(3, history_count=1))
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]

    try:
        read = from_json(changed)
    except ValueError as error:
        assert "no decision that can be read" in str(error)  # noqa: PT017  both outcomes are right
    else:
        assert to_json(read) == text


@pytest.mark.parametrize("spoilt", ["features", "ids", "history"])
def test_a_changed_byte_of_an_array_is_refused(spoilt: str) -> None:
    """It would still decode; only the checksum can tell."""
    document = json.loads(to_json(_decide()))
    part = document["decision"]["reader" if spoilt == "history" else "candidates"][spoilt]
    part["data"] = ("B" if part["data"][0] == "A" else "A") + part["data"][1:]

    with pytest.raises(ValueError, match="checksum"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "7", '"x"', "[" * 100_000, '{"schema": null}', "\ud800"]
)
def test_what_is_no_decision_is_refused(text: str) -> None:
    """Whatever JSON it may be."""
    with pytest.raises(ValueError, match="no decision that can be read"):
        from_json(text)


def test_an_unknown_schema_is_refused() -> None:
    """The message names both."""
    text = to_json(_decide()).replace("decision/1", "decision/2")

    with pytest.raises(ValueError, match=r"decision/2`, not `opsctl\.ranking\.decision/1`"):
        from_json(text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.pop("reader"),
        lambda body: body["candidates"].pop("ids"),
        lambda body: body["candidates"].update(extra=body["candidates"]["ids"]),
        lambda body: body["candidates"]["ids"].update(type="|O"),
        lambda body: body["candidates"]["ids"].update(data="????"),
        lambda body: body["candidates"]["ids"].update(data="AAAA"),
        lambda body: body["candidates"]["ids"].update(shape=[7, 7]),
        lambda body: body["candidates"]["ids"].update(shape=[10**30]),
        lambda body: body["candidates"].update(ids=None),
        lambda body: body.update(state=[]),
        lambda body: body["reader"].update(seen=3),
        lambda body: body["slate"].update(more=1),
    ],
)
def test_a_body_that_is_no_decision_is_refused_even_with_the_right_checksum(spoil: Any) -> None:
    """A checksum tells of damage, not of sense."""
    document = json.loads(to_json(_decide()))
    spoil(document["decision"])
    body = json.dumps(document["decision"], sort_keys=True, separators=(",", ":"))
    document["sha256"] = hashlib.sha256(body.encode()).hexdigest()

    with pytest.raises(ValueError, match="no decision that can be read"):
        from_json(json.dumps(document))


def test_an_array_that_cannot_be_logged_exactly_is_refused() -> None:
    """Half precision would come back as something else."""
    decision = _decide()
    halved = replace(decision.candidates, vectors=decision.candidates.vectors.astype(np.float16))

    with pytest.raises(ValueError, match="float16"):
        to_json(replace(decision, candidates=halved))
