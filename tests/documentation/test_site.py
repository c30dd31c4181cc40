"""What a built site consists of, and what is wrong with it."""

from opsctl.documentation.site import look_at_site


def test_links_are_followed_within_the_site():
    """To a file, and to an anchor of a page; elsewhere nothing is asked."""
    look = look_at_site(
        {
            "index.html": b'<a href="a/b.html#here">b</a> <a href="a/b.html#gone">x</a> <a href="https://x.example/">e</a>',
            "a/b.html": b'<h2 id="here">here</h2><a href="../index.html">up</a> <a href="c.html">c</a> <a href="#here">h</a>',
            "404.html": b'<a href="/nowhere.html">every address may lead here</a>',
        }
    )

    assert (look.pages, look.links) == (2, 7)
    assert [(each.page, each.what) for each in look.dead] == [
        ("a/b.html", "c.html"),
        ("index.html", "a/b.html#gone"),
    ]


def test_what_is_fetched_from_elsewhere_is_found():
    """In elements, in lists of pictures, in styles; a link that only names a page is no fetch."""
    look = look_at_site(
        {
            "index.html": b'<link rel="canonical" href="https://x.example/"><link rel="stylesheet" href="//cdn.example/a.css">'
            b'<script src="https://cdn.example/a.js"></script><img src="a.png" srcset="https://cdn.example/b.png 2x">'
            b"<p style=\"background:url('https://cdn.example/c.png')\"></p><img src='data:image/png;base64,AA'>",
            "a.css": b"@import 'https://fonts.example/f.css'; a { background: url(b.png) } b { src: url(data:x) }",
            "a.png": b"",
        }
    )

    assert [each.what for each in look.outside] == [
        "//cdn.example/a.css",
        "https://cdn.example/a.js",
        "https://cdn.example/b.png",
        "https://cdn.example/c.png",
        "https://fonts.example/f.css",
    ]
