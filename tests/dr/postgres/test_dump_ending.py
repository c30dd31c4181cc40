"""The last words of a dump are found wherever the system cuts it into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from opsctl.dr.postgres.dump import Ending

LAST = b"--\n-- PostgreSQL database cluster dump complete\n--\n\n"


@given(st.lists(st.binary(max_size=300)))
def test_the_ending_is_that_of_all_pieces_together(pieces: list[bytes]):
    """And the pieces go by as they are."""
    ending = Ending()

    assert list(ending.of(iter(pieces))) == pieces
    assert ending.text == b"".join(pieces)[-200:]


@given(st.integers(0, len(LAST)))
def test_a_cut_within_the_last_words_hides_them_from_nobody(cut: int):
    """A pipe hands over what is there."""
    ending = Ending()

    list(ending.of([b"x" * 4096 + LAST[:cut], LAST[cut:]]))

    assert LAST in ending.text
