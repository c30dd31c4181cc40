"""How many rows does each table have, exactly: estimates hide what was lost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import FailedError, RefusedError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseStarted

if TYPE_CHECKING:
    from psycopg import Connection

_SUBJECT = "postgres"
_PHASE = "count rows"
# Tables that hold rows themselves (a partitioned one does not), and that a dump has the rows of.
_TABLES = """
    select nspname, relname
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where relkind = 'r' and relpersistence <> 't'
       and nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\\_toast%%'
       and (%(all)s or nspname = any(%(schemas)s))
       and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
                       and deptype = 'e')
     order by nspname, relname
"""


def count_rows(
    connection: "Connection[tuple[Any, ...]]", *, schemas: Sequence[str] = (), listener: Listener
) -> dict[str, int]:
    """Return the exact number of rows of each table, by `schema.table`, as the connection's transaction sees them.

    Tables of extensions are theirs. A row that a policy would hide is an error, not a smaller number.

    Raises:
        RefusedError: DRC021 the role may not read a table, or not all of it.
    """
    import psycopg
    from psycopg import sql

    connection.execute("set row_security = off")
    tables = connection.execute(_TABLES, {"all": not schemas, "schemas": list(schemas)}).fetchall()
    listener(PhaseStarted(subject=_SUBJECT, phase=_PHASE, total=len(tables), unit="tables"))
    found = {}
    for schema, table in tables:
        name = sql.Identifier(schema, table)
        try:
            row = connection.execute(sql.SQL("select count(*) from only {}").format(name)).fetchone()
        except psycopg.errors.InsufficientPrivilege as error:
            raise _hidden(f"{schema}.{table}", why=str(error).strip()) from error
        found[f"{schema}.{table}"] = row[0] if row else 0
        listener(PhaseAdvanced(subject=_SUBJECT, phase=_PHASE, advance=1))
    return found


def require_rows(found: Mapping[str, int], *, expected: Mapping[str, int], what: str) -> None:
    """Refuse a database whose tables have other numbers of rows than they must.

    Raises:
        FailedError: DRC033.
    """
    wrong = [
        f"`{name}` has {found.get(name, 'no')} rows instead of {rows}"
        for name, rows in sorted(expected.items())
        if found.get(name) != rows
    ]
    if wrong:
        more = f", and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise FailedError(
            f"{what} does not hold the rows that were backed up",
            code="DRC033",
            why="; ".join(wrong[:5]) + more,
            fix="restore from another backup: opsctl dr list",
        )


def _hidden(table: str, *, why: str) -> RefusedError:
    return RefusedError(
        f"the role may not read all of `{table}`",
        code="DRC021",
        why=why,
        fix="back up as a role that may: alter role NAME bypassrls; grant pg_read_all_data to NAME",
    )
