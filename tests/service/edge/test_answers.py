"""Stored answers: what they weigh, and that what is the same in all of them is kept once."""

import gc
import tracemalloc

from opsctl.service.cache.policy import Lifetime
from opsctl.service.edge.answers import Answer, cache_headers, storable
from opsctl.service.edge.caught import Caught


def caught(user: int) -> Caught:
    """Make a feed of 20 items, about 4 KB, as the API would give it: every object is its own."""
    tags = ",".join([f"user-{user}", *(f"content-{user * 20 + item}" for item in range(20))])
    return Caught(
        status=200,
        headers=[
            (bytes(bytearray(name)), bytes(bytearray(value)))
            for name, value in [
                (b"content-type", b"application/json"),
                (b"cache-tag", tags.encode()),
                (b"x-cache", b"MISS"),
                (b"server-timing", b"retrieve;dur=3.10"),
            ]
        ],
        body=bytes(bytearray(4096)),
    )


def kept(user: int) -> Answer:
    """Make the answer that is kept."""
    headers = cache_headers(Lifetime(fresh="5m"), fresh_seconds=300, is_shared=False)
    answer = storable(caught(user), cache_headers=headers)
    assert answer is not None
    return answer


def test_an_answer_weighs_what_it_says() -> None:
    """Within a tenth, tags left out: the memory tier counts those."""
    kept(0)
    gc.collect()
    tracemalloc.start()
    try:
        answers = [kept(user) for user in range(1000)]
        strings = sum(len(tag) + 49 for answer in answers for tag in answer.tags)
        held = tracemalloc.get_traced_memory()[0] - strings
    finally:
        tracemalloc.stop()

    said = sum(answer.size_bytes for answer in answers)

    assert 0.9 < said / held < 1.1


def test_headers_that_are_the_same_are_one_object() -> None:
    """Ten thousand answers hold the content type once."""
    first, second = dict(kept(1).headers), dict(kept(2).headers)

    assert first[b"content-type"] is second[b"content-type"]
    assert first[b"cache-control"] is second[b"cache-control"]
    assert first[b"cache-tag"] != second[b"cache-tag"]
