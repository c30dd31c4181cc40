"""Which scorer a book gives, and what it says when it can give none."""

import asyncio

import pytest
from tests.service.scoring.items import counted, items, outcomes
from tests.service.scoring.scripted_endpoint import Reply, all_scored, scripted_endpoint

from opsctl.core.errors import UsageError
from opsctl.service.book import Model
from opsctl.service.scoring.explanations import EXPLANATIONS
from opsctl.service.scoring.make import make_scorer
from opsctl.service.telemetry.meters import Meters


def test_the_default_is_the_heuristic():
    """It needs no address and no key."""
    scorer = make_scorer(Model(), api_key=None, meters=Meters())

    assert (scorer.scorer_id, scorer.is_simulated) == ("heuristic:v1", False)


def test_the_id_names_provider_model_and_prompt():
    """Scores of another model never answer for this one."""

    async def ids() -> list[str]:
        found = []
        for provider, name in (("openai", "small"), ("openai", "large"), ("simulated", "small")):
            model = Model.model_validate({"provider": provider, "name": name, "url": "http://127.0.0.1:9/v1"})
            scorer = make_scorer(model, api_key=None, meters=Meters())
            found.append(scorer.scorer_id)
            await scorer.close()
        return found

    assert asyncio.run(ids()) == ["openai:small:p1", "openai:large:p1", "simulated:small:p1"]


def test_an_endpoint_without_address_is_refused():
    """The book checks it too; this is for a model made elsewhere."""
    with pytest.raises(UsageError) as caught:
        make_scorer(Model.model_construct(provider="openai", url=None), api_key=None, meters=Meters())

    assert caught.value.code == "MDL001"


@pytest.mark.parametrize("api_key", ["key\n", "k\u00e9y", "a\x00b"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(api_key):
    """The message says how to mend it and does not show the key."""
    with pytest.raises(UsageError) as caught:
        make_scorer(Model(provider="openai", url="http://127.0.0.1:9"), api_key=api_key, meters=Meters())

    assert caught.value.code == "MDL002"
    assert api_key not in str(caught.value)


def test_every_code_is_explained():
    """`opsctl explain` knows them."""
    assert set(EXPLANATIONS) == {"MDL001", "MDL002"}


def test_requests_at_once_become_one_call():
    """Queue, endpoint and parser together, over real HTTP."""
    meters = Meters()

    async def three(url: str) -> list[dict[int, float]]:
        model = Model(provider="openai", url=url, timeout="5s", batch_milliseconds=50)
        scorer = make_scorer(model, api_key=None, meters=meters)
        found = await asyncio.gather(*(scorer.score(items(*ids)) for ids in ([1, 2], [2, 3], [4])))
        await scorer.close()
        await scorer.close()
        return [dict(each) for each in found] + [dict(await scorer.score(items(5)))]

    with scripted_endpoint([lambda request: Reply(body=all_scored(request, score=0.25))]) as server:
        found = asyncio.run(three(server.url))

    assert found == [{1: 0.25, 2: 0.25}, {2: 0.25, 3: 0.25}, {4: 0.25}, {}]
    assert len(server.requests) == 1
    assert outcomes(meters) == {"scored": 4, "dropped": 1}


def test_a_call_that_hangs_costs_its_items_and_gives_its_connection_back():
    """The only connection is free again for the next call."""
    meters = Meters()

    async def two(url: str) -> list[dict[int, float]]:
        model = Model(provider="openai", url=url, timeout="150ms", concurrent_calls=1)
        scorer = make_scorer(model, api_key=None, meters=meters)
        found = [dict(await scorer.score(items(1))), dict(await scorer.score(items(2)))]
        await scorer.close()
        return found

    hanging = Reply(after_seconds=30)
    with scripted_endpoint([hanging, lambda request: Reply(body=all_scored(request))]) as server:
        found = asyncio.run(two(server.url))

    assert found == [{}, {2: 0.5}]
    assert outcomes(meters) == {"error": 1, "scored": 1}
    assert counted(meters, "model_calls_total", outcome="error") == 1
