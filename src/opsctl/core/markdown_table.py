"""How is a table written in Markdown? Its cells are the caller's, escaped already."""

from collections.abc import Iterable, Sequence


def markdown_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int | None = None
) -> str:
    """Return a table without a newline at its end; from the column `numbers_from` on cells stand at the right.

    >>> print(markdown_table(["load", "p99"], [["quick", "12 ms"]], numbers_from=1))
    | load | p99 |
    | --- | ---: |
    | quick | 12 ms |
    """
    numbers = len(titles) if numbers_from is None else numbers_from
    rule = ["---" if place < numbers else "---:" for place in range(len(titles))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, rule, *rows))
