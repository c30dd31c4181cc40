"""Words and random values: examples are left alone, what a generator made is not."""

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.security.words import looks_random

WORDS = st.sampled_from(
    ["alpha", "beta", "secret", "password", "of", "the", "test", "shop", "feed", "reader", "key", "token"]
)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret-that-nobody-may-see",
        "scram-sha-256",
        "OPSCTL_BACKUP_SECRET_KEY",
        "what_cannot_be_told_and_nothing",
        "camelCaseNamesOfThings",
        "xxxxxxxxxxxxxxxxxxxxxxxx",
        "2026-11-29T12:00:00",
        "hunter2",
        "",
    ],
)
def test_what_people_write_is_words(text: str) -> None:
    """Passwords of examples, names of variables, times and masks are not random."""
    assert not looks_random(text)


@given(st.lists(WORDS, min_size=1, max_size=8), st.sampled_from("-_. /"))
def test_words_in_a_row_are_words(words: list[str], between: str) -> None:
    """However many there are."""
    assert not looks_random(between.join(words))


def test_generated_secrets_look_random() -> None:
    """Of a thousand that a generator made, hardly any passes for words."""
    alphabet = string.ascii_letters + string.digits
    made = ["".join(secrets.choice(alphabet) for _ in range(32)) for _ in range(1000)]

    assert sum(looks_random(each) for each in made) >= 999
    assert all(looks_random(secrets.token_hex(16)) for _ in range(100))
