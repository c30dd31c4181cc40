"""Which rows does a table of a Supabase project hold, read a page at a time in the order of its key."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from opsctl.clients.supabase_errors import translated
from opsctl.core.errors import FailedError, NotReadyError, UsageError

if TYPE_CHECKING:
    from opsctl.clients.supabase import OpenSupabase

# What hosted Supabase gives at most in one answer, unless the project raises it ("Max rows").
PAGE_ROWS = 1000

_NAME = re.compile(r"(?:(?P<schema>[A-Za-z_][\w$-]{0,62})\.)?(?P<table>[A-Za-z_][\w$-]{0,62})", re.ASCII)

Cells = dict[str, Any]


class SupabaseTable:
    """One table or view, read through the project's Data API (PostgREST).

    Args:
        project: the open client.
        name: such as `listings`, or `api.listings` for another schema than `public`.
        page_rows: rows asked for at once; the server may give fewer.

    Raises:
        UsageError: SUP007 when the name is none.
    """

    def __init__(self, project: "OpenSupabase", name: str, *, page_rows: int = PAGE_ROWS) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UsageError(
                f"`{name}` is not the name of a table",
                code="SUP007",
                fix="write it as `supabase:TABLE` or `supabase:SCHEMA.TABLE`",
            )
        self._project = project
        self._schema, self._table = found["schema"] or "public", found["table"]
        self._page_rows = page_rows
        self.name = name

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns.

        Raises:
            FailedError: SUP013 when the key sees no row, so that nobody can tell the columns.
            NotReadyError, UsageError, FailedError: SUP004 to SUP008, SUP012 as the project answers.
        """
        # Asked once only: a server that is not there is told at once, not after three more tries.
        rows = self._page("*", limit=1, is_retried=False)
        if not rows:
            raise self._no_rows()
        return tuple(rows[0])

    def rows(self, *, columns: Sequence[str], key: str) -> Iterator[Cells]:
        """Yield the columns of every row in the order of `key`, in the memory of two pages.

        The next page begins at the key of the last row, so rows that come or go meanwhile shift nothing.

        Raises:
            FailedError: SUP014 when `key` cannot tell rows apart: empty, repeated, or a fraction.
        """
        # How odd names are quoted differs between servers; all columns need no names.
        chosen = ",".join(columns) if all(re.fullmatch(r"\w+", name) for name in columns) else "*"
        if self._page(chosen, limit=1, key=key, only_without_key=True):
            raise self._bad_key(key, why="it is empty in some rows, which no page would show")
        last: Any = None
        while page := self._after(last, chosen=chosen, key=key):
            yield from page
            last = page[-1][key]

    def _after(self, last: Any, *, chosen: str, key: str) -> list[Cells]:
        """Return the next rows; the last one is asked for once more, to see whether its key comes twice."""
        again = 0 if last is None else 1
        page = self._page(chosen, limit=self._page_rows + again, key=key, first=last)
        keys = [row[key] for row in page]
        if any(isinstance(value, float | dict | list) for value in keys):
            raise self._bad_key(
                key, why="it is a fraction or a document, which has no exact place in an order"
            )
        if any(earlier == later for earlier, later in pairwise(keys)):
            raise self._bad_key(key, why="two rows have the same one, so that a page could end between them")
        return page[1:] if again and page and keys[0] == last else page

    def _page(
        self,
        chosen: str,
        *,
        limit: int,
        key: str | None = None,
        first: Any = None,
        only_without_key: bool = False,
        is_retried: bool = True,
    ) -> list[Cells]:
        place = self._project.place
        with translated(place, doing=f"read `{self.name}`"):
            query = self._project.client.schema(self._schema).from_(self._table).select(chosen).limit(limit)
            if key is not None:
                query = query.order(key)
            if key is not None and only_without_key:
                query = query.is_(key, "null")
            elif key is not None and first is not None:
                query = query.gte(key, first)
            answer: Any = query.retry(enabled=is_retried).execute()
            return [dict(row) for row in answer.data]

    def _no_rows(self) -> FailedError | NotReadyError:
        if self._project.place.bypasses_row_security:
            return FailedError(
                f"`{self.name}` holds no rows",
                code="SUP013",
                why="the key is a secret one, which no row level security hides rows from",
                fix="check that this is the table you mean; nothing was changed",
            )
        return NotReadyError(
            f"`{self.name}` shows no rows to this key",
            code="SUP013",
            why="it is empty, or row level security hides its rows from the role of the key",
            fix="use the project's secret key, or add a policy that lets the key's role select",
        )

    def _bad_key(self, key: str, *, why: str) -> FailedError:
        return FailedError(
            f"column `{key}` of `{self.name}` cannot order the rows",
            code="SUP014",
            why=why,
            fix="map the table's primary key as `id`; a view with such a column works too",
        )
