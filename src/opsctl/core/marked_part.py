"""How does a program write its part of a page that people wrote: between two marks, the rest untouched?"""


def with_part(page: str, part: str, *, begin: str, end: str) -> str | None:
    r"""Return a page with another part between its marks, which stand in it once; None where one of them is missing.

    >>> with_part("a\n<!--b-->\nold\n<!--e-->\nz\n", "new\n", begin="<!--b-->", end="<!--e-->")
    'a\n<!--b-->\nnew\n<!--e-->\nz\n'
    """
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    return f"{before}{begin}\n{part}{end}{after}" if found_begin and found_end else None
