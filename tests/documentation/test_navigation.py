"""What `folder/*` stands for in the navigation."""

from opsctl.documentation.navigation import written_out


def test_pages_that_nothing_names_take_the_place_of_the_star():
    """In order, of this folder only; a folder without any leaves nothing; a bare star is those of no folder."""
    nav = [
        {"Start": "README.md"},
        {"Books": ["books/README.md", {"Best": "books/b.md"}, "books/*"]},
        {"No": ["no/*"]},
        "*",
    ]
    pages = [
        "README.md",
        "more.md",
        "books/README.md",
        "books/a.md",
        "books/b.md",
        "books/c.md",
        "books/deep/d.md",
    ]

    assert written_out(nav, pages) == [
        {"Start": "README.md"},
        {"Books": ["books/README.md", {"Best": "books/b.md"}, "books/a.md", "books/c.md"]},
        {"No": []},
        "more.md",
    ]
