"""Reading a table of a Supabase project: pages by key, and an error of its own for all that can be wrong."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.clients.supabase_standin import SECRET_KEY, StandIn, running_standin
from tests.conftest import EmbeddedPostgres
from tests.supabase_lite.server import SupabaseLite, running_lite, why_missing

from opsctl.clients.postgres import connect
from opsctl.clients.supabase import SupabasePlace, open_supabase, role_of
from opsctl.clients.supabase_tables import SupabaseTable
from opsctl.core.errors import OpsError

needs_lite = pytest.mark.skipif(why_missing() is not None, reason=f"{why_missing()}")

_TABLES = """
create table listings (
    id bigint primary key, title text, tags text[], price numeric(12, 2), "odd, ""name" text default 'x',
    made_at timestamptz default '2026-01-02 03:04:05.678901+00'
);
insert into listings (id, title, tags, price)
    select n * 3 - 50, case n % 5 when 0 then null else 'é ' || n end, array['a', 'b'], n / 4.0
    from generate_series(1, 2500) as n;
insert into listings (id, title) values (9007199254740991, 'the largest that Supabase Lite does not round');
create table words (word text primary key, at timestamptz unique, number float8 unique);
insert into words select chr(97 + n) || ',."' || n, '2026-01-01 00:00:00.000001+00'::timestamptz + n * interval '1 us', n + 0.5
    from generate_series(0, 20) as n;
create table pairs (id int, note text);
insert into pairs select n / 2, 'x' from generate_series(0, 9) as n;
create table holes (id int unique);
insert into holes values (1), (null), (2);
create table guarded (id int primary key);
insert into guarded values (1);
alter table guarded enable row level security;
create table nothing (id int primary key);
create table moving as select n as id from generate_series(1, 30) as n;
create view seen as select id, title from listings;
"""


@pytest.fixture(scope="module")
def lite(
    embedded_postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupabaseLite]:
    """Give Supabase Lite on a database with tables of every kind."""
    with (
        embedded_postgres.new_database() as database,
        running_lite(database, folder=tmp_path_factory.mktemp("lite")) as server,
    ):
        with connect(database) as connection:
            connection.execute(_TABLES.encode())
        yield server


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Give the stand-in for hosted Supabase."""
    with running_standin() as state:
        yield state


def _place(server: SupabaseLite, *, key: str | None = None) -> SupabasePlace:
    return SupabasePlace(url=server.url, key=key or server.secret_key)


def _refusal(work: Callable[[], object]) -> OpsError:
    with pytest.raises(OpsError) as caught:
        work()
    return caught.value


@pytest.mark.slow
@needs_lite
@pytest.mark.stack
@pytest.mark.parametrize("page_rows", [1, 70, 2501, 5000])
def test_pages_give_every_row_once_in_the_order_of_the_key(lite: SupabaseLite, page_rows: int) -> None:
    """Whatever the size of a page."""
    wanted = [*(n * 3 - 50 for n in range(1, 2501)), 9007199254740991]
    with open_supabase(_place(lite)) as project:
        table = SupabaseTable(project, "listings", page_rows=page_rows)
        rows = table.rows(columns=("id", "title"), key="id")
        ids = [next(rows)["id"] for _ in range(100)] if page_rows == 1 else [row["id"] for row in rows]

    assert ids == (wanted if page_rows > 1 else wanted[:100])


@needs_lite
@pytest.mark.stack
def test_values_come_as_they_are(lite: SupabaseLite) -> None:
    """Lists, empty cells, fractions, letters beyond ASCII, and a column with an odd name."""
    with open_supabase(_place(lite)) as project:
        table = SupabaseTable(project, "listings")
        columns = table.columns()
        first = next(table.rows(columns=columns, key="id"))

    assert columns == ("id", "title", "tags", "price", 'odd, "name', "made_at")
    assert (first["id"], first["title"], first["tags"], first["price"]) == (-47, "é 1", ["a", "b"], 0.25)
    assert first['odd, "name'] == "x"


@needs_lite
@pytest.mark.stack
@pytest.mark.parametrize("key", ["word", "at"])
def test_texts_and_times_are_keys_too(lite: SupabaseLite, key: str) -> None:
    """With commas, dots and quotes in them, and times a microsecond apart."""
    with open_supabase(_place(lite)) as project:
        rows = list(SupabaseTable(project, "words", page_rows=4).rows(columns=("word", "at"), key=key))

    assert [row["word"][0] for row in rows] == [chr(97 + n) for n in range(21)]


@needs_lite
@pytest.mark.stack
def test_a_view_and_a_schema_by_name(lite: SupabaseLite) -> None:
    """`public.seen` is `seen`."""
    with open_supabase(_place(lite)) as project:
        rows = list(SupabaseTable(project, "public.seen").rows(columns=("id",), key="id"))

    assert len(rows) == 2501


@needs_lite
@pytest.mark.stack
def test_rows_that_come_and_go_meanwhile_shift_nothing(lite: SupabaseLite) -> None:
    """Rows before the place are deleted and added, the last one seen is deleted: no other row is lost or doubled."""
    with open_supabase(_place(lite)) as project, connect(lite.database, autocommit=True) as connection:
        rows = SupabaseTable(project, "moving", page_rows=10).rows(columns=("id",), key="id")
        seen = [next(rows)["id"] for _ in range(10)]
        connection.execute("delete from moving where id in (3, 10)")
        connection.execute("insert into moving values (-1), (0)")
        seen += [row["id"] for row in rows]

    assert seen == list(range(1, 31))


@needs_lite
@pytest.mark.stack
@pytest.mark.parametrize(
    ("name", "key", "code"),
    [
        ("pairs", "id", "SUP014"),
        ("holes", "id", "SUP014"),
        ("words", "number", "SUP014"),
        ("words", "nowhere", "SUP007"),
        ("nowhere", "id", "SUP007"),
        ("hidden.words", "word", "SUP007"),
    ],
)
def test_a_table_that_cannot_be_read_in_pages_is_refused(
    lite: SupabaseLite, name: str, key: str, code: str
) -> None:
    """A key that is repeated, empty or a fraction; a table, column or schema that is not there."""
    with open_supabase(_place(lite)) as project:
        table = SupabaseTable(project, name, page_rows=3)
        refusal = _refusal(lambda: list(table.rows(columns=(key,), key=key)))

    assert refusal.code == code


@needs_lite
@pytest.mark.stack
def test_no_rows_are_told_with_the_likely_reason(lite: SupabaseLite) -> None:
    """Row level security answers a publishable key with an empty list."""
    with open_supabase(_place(lite)) as secret, open_supabase(_place(lite, key=lite.publishable_key)) as anon:
        empty = _refusal(SupabaseTable(secret, "nothing").columns)
        hidden = _refusal(SupabaseTable(anon, "guarded").columns)
        shown = SupabaseTable(secret, "guarded").columns()

    assert (empty.code, hidden.code, shown) == ("SUP013", "SUP013", ("id",))
    assert "row level security hides its rows" in str(hidden.why)
    assert "hides its rows" not in str(empty.why)


@needs_lite
@pytest.mark.stack
def test_a_wrong_key_is_refused_and_not_shown(lite: SupabaseLite) -> None:
    """The server's own words, without the key."""
    with open_supabase(_place(lite, key="sb_secret_nonsense")) as project:
        refusal = _refusal(SupabaseTable(project, "listings").columns)

    assert (refusal.code, "Invalid API key" in str(refusal.why)) == ("SUP005", True)
    assert "nonsense" not in f"{refusal} {refusal.why} {project!r} {project.place!r}".replace(
        project.client.supabase_key, ""
    )


def test_a_server_with_a_lower_limit_of_rows_loses_none(standin: StandIn) -> None:
    """Hosted Supabase gives at most `Max rows`, whatever was asked for."""
    standin.tables["t"] = [{"id": n} for n in range(23)]
    standin.max_rows = 5

    with open_supabase(SupabasePlace(url=standin.url, key=SECRET_KEY)) as project:
        rows = list(SupabaseTable(project, "t").rows(columns=("id",), key="id"))

    assert [row["id"] for row in rows] == list(range(23))


@pytest.mark.parametrize(("fault", "code"), [("html", "SUP006"), ("redirect", "SUP006"), ("slow", "SUP008")])
def test_each_fault_of_the_server_has_its_own_error(standin: StandIn, fault: str, code: str) -> None:
    """Another server, one that takes too long, one whose gateway fails."""
    standin.tables["t"], standin.fault = [{"id": 1}], fault

    with open_supabase(SupabasePlace(url=standin.url, key=SECRET_KEY, timeout_seconds=0.2)) as project:
        assert _refusal(SupabaseTable(project, "t").columns).code == code


def test_a_failing_gateway_is_busy(standin: StandIn) -> None:
    """Its page is no answer of Supabase's, but its status says enough."""
    standin.fault = "busy"

    with open_supabase(SupabasePlace(url=standin.url, key=SECRET_KEY)) as project:
        assert _refusal(SupabaseTable(project, "t").columns).code == "SUP012"


def test_a_redirect_is_not_followed(standin: StandIn) -> None:
    """The key would go along."""
    standin.fault = "redirect"

    with open_supabase(SupabasePlace(url=standin.url, key=SECRET_KEY)) as project:
        _refusal(SupabaseTable(project, "t").columns)

    assert not [request for request in standin.requests if "elsewhere" in request]


def test_nobody_there_is_told_at_once() -> None:
    """Without three more tries."""
    with open_supabase(SupabasePlace(url="http://127.0.0.1:9", key=SECRET_KEY)) as project:
        began = datetime.now(UTC)
        refusal = _refusal(SupabaseTable(project, "t").columns)

    assert (refusal.code, datetime.now(UTC) - began < timedelta(seconds=3)) == ("SUP004", True)


@pytest.mark.parametrize("name", ["", "a b", "a.b.c", "1a", "a?limit=0", "a/b", "é", "a" * 64])
def test_what_is_no_name_of_a_table_is_refused(standin: StandIn, name: str) -> None:
    """Before the server is asked."""
    with open_supabase(SupabasePlace(url=standin.url, key=SECRET_KEY)) as project:
        refusal = _refusal(lambda: SupabaseTable(project, name))

    assert (refusal.code, standin.requests) == ("SUP007", [])


def test_the_role_of_a_key() -> None:
    """New keys by their beginning, older ones by the claim inside the token, anything else not at all."""
    claims = base64.urlsafe_b64encode(json.dumps({"role": "service_role"}).encode()).decode().rstrip("=")

    roles = [
        role_of(key) for key in (f"e30.{claims}.x", "e30.W10.x", "e30.?.x", "sb_publishable_1", "nothing")
    ]

    assert roles == ["service_role", None, None, "anon", None]


def test_neither_address_nor_key_show_a_secret() -> None:
    """A password that somebody put into the address is no part of what is shown."""
    place = SupabasePlace(url="https://me:pw@project.example/?token=t", key="sb_secret_x")

    assert place.shown == "https://project.example/"
    assert "sb_secret_x" not in repr(place)
    assert Path(place.shown).name == "project.example"
