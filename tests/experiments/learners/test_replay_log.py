"""Reading logs to replay: usual names are found, bad values named with their row, the earliest rows kept in bounded memory."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.experiments.learners.logs import CLICK_NAMES, RATING_NAMES, clicks, ratings, write

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.replay_columns import Column, Columns, LogKind, columns_of
from opsctl.experiments.learners.replay_file import LogFile
from opsctl.experiments.learners.replay_log import ReplayLog, _Keeper, read_log
from opsctl.experiments.learners.replay_piece import Piece


def _read(path: Path, *, rows: int = 10_000, like_at: float = 4, header=None, **named: str) -> ReplayLog:
    file = LogFile(path, header=header)
    columns = columns_of(
        file.names, named={Column(each): name for each, name in named.items()}, features=(), file=path.name
    )
    return read_log(file, columns, rows=rows, like_at=like_at, name=path.name)


def _columns(*there: str, **named: str) -> Columns:
    wanted = {Column(each): name for each, name in named.items()}
    return columns_of(there, named=wanted, features=(), file="log.csv")


@pytest.mark.parametrize(
    "there",
    [
        ("userId", "movieId", "rating", "timestamp"),
        ("user_id", "item_id", "rating", "timestamp"),
        ("rating", "title", "text", "asin", "parent_asin", "user_id", "timestamp", "helpful_vote"),
        ("reviewerID", "asin", "overall", "unixReviewTime", "reviewTime", "summary"),
        ("user", "item", "rating", "time"),
    ],
)
def test_usual_names_of_ratings_are_found(there) -> None:
    """MovieLens, plain ones, and both forms of Amazon reviews."""
    columns = _columns(*there)

    assert columns.kind is LogKind.RATINGS
    assert set(columns.names) == {Column.USER, Column.ITEM, Column.RATING, Column.TIME}
    assert len(set(columns.names.values())) == 4


def test_usual_names_of_a_bandits_log_are_found() -> None:
    """Those of the Open Bandit Dataset, its features of readers included."""
    columns = _columns(*CLICK_NAMES, "user_feature_1", "user-item_affinity_0")

    assert columns.kind is LogKind.BANDIT
    assert columns.names[Column.PROPENSITY] == "propensity_score"
    assert columns.features == ("user_feature_0", "user_feature_1")


def test_names_of_the_command_line_have_the_last_word() -> None:
    """Also where another column looks more like it."""
    columns = _columns("user_id", "item_id", "rating", "stars", "timestamp", rating="stars", item="item_id")

    assert columns.names[Column.RATING] == "stars"


@pytest.mark.parametrize(
    ("there", "named", "title", "fix"),
    [
        (("user_id", "rating", "ts"), {}, "no column looks like the item", "--item COLUMN"),
        (("a", "b"), {}, "no column looks like the user", "columns here: `a`, `b`"),
        (RATING_NAMES, {"item": "movieid"}, "there is no column `movieid`", "did you mean `movieId`?"),
        (("item_id", "propensity"), {}, "no column looks like the click", "--click COLUMN"),
    ],
)
def test_columns_that_are_missing_are_named_with_what_to_do(there, named, title: str, fix: str) -> None:
    """All at once."""
    with pytest.raises(UsageError) as refused:
        _columns(*there, **named)

    assert refused.value.code == "EXP107"
    assert refused.value.findings[0].title == title
    assert fix in str(refused.value.findings[0].fix)


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.tsv", "r.parquet", "headless.data"])
def test_every_form_of_file_gives_the_same_log(tmp_path: Path, name: str) -> None:
    """CSV, gzip, tabs, Parquet, and a file without names."""
    columns = ratings(500)
    whole = _read(write(tmp_path / "whole.csv", RATING_NAMES, columns))
    path, header = tmp_path / name, None
    if name.endswith("parquet"):
        parquet.write_table(pa.table(dict(zip(RATING_NAMES, columns, strict=True))), path)
    elif name.startswith("headless"):
        write(path, (), columns, delimiter="\t")
        header = list(RATING_NAMES)
    else:
        write(path, RATING_NAMES, columns, delimiter="\t" if "tsv" in name else ",")

    found = _read(path, header=header)

    for field in ("readers", "items", "rewards", "times"):
        assert np.array_equal(getattr(found, field), getattr(whole, field)), field
    assert found.rows == found.rows_in_file == 500


def test_times_are_read_in_every_usual_form(tmp_path: Path) -> None:
    """Seconds, milliseconds, microseconds, dates with and without a zone, and Parquet's own."""
    moments = [datetime(2019, 11, 24, 0, 3, number % 60, tzinfo=UTC) for number in range(120)]
    seconds = [moment.timestamp() for moment in moments]
    forms: dict[str, list[Any]] = {
        "seconds": seconds,
        "milliseconds": [int(each * 1000) for each in seconds],
        "microseconds": [int(each * 1_000_000) for each in seconds],
        "zoned": [moment.isoformat() for moment in moments],
        "plain": [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments],
    }
    users, items, stars, _ = ratings(120)
    for name, times in forms.items():
        path = write(tmp_path / f"{name}.csv", RATING_NAMES, [users, items, stars, times])
        assert sorted(_read(path).times.tolist()) == sorted(seconds), name

    table = pa.table(dict(zip(RATING_NAMES, [users, items, stars, moments], strict=True)))
    parquet.write_table(table, tmp_path / "own.parquet")
    assert sorted(_read(tmp_path / "own.parquet").times.tolist()) == sorted(seconds)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, "nan", "`nan` in column `rating` of row 8 is not finite"),
        (2, "inf", "is not finite"),
        (2, "", "`` in column `rating` of row 8 is no number"),
        (2, "good", "`good` in column `rating` of row 8 is no number"),
        (3, "yesterday", "`yesterday` in column `timestamp` of row 8 is no time"),
        (3, "", "is no time"),
        (0, "", "`` in column `userId` of row 8 is empty"),
        (1, "", "`` in column `movieId` of row 8 is empty"),
    ],
)
def test_a_value_that_is_none_is_named_with_its_row(
    tmp_path: Path, column: int, value: str, message: str
) -> None:
    """It is not left out: which rows lack a value may hang on what was chosen."""
    columns = ratings(150)
    columns[column][7] = value

    with pytest.raises(UsageError) as refused:
        _read(write(tmp_path / "log.csv", RATING_NAMES, columns))

    assert refused.value.code == "EXP108"
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (3, "2", "is no click from 0 to 1"),
        (4, "0", "`0` in column `propensity_score` of row 8 is no propensity above 0 and at most 1"),
        (4, "1.5", "is no propensity"),
        (4, "nan", "is not finite"),
        (2, "1.5", "is no position"),
        (2, "-1", "is no position"),
        (1, "", "is empty"),
    ],
)
def test_a_bandits_log_must_say_what_can_be(tmp_path: Path, column: int, value: str, message: str) -> None:
    """A propensity of 0 cannot have happened."""
    columns = clicks(150)
    columns[column][7] = value

    with pytest.raises(UsageError, match="row 8") as refused:
        _read(write(tmp_path / "log.csv", CLICK_NAMES, columns))

    assert message in refused.value.message


def test_a_null_of_parquet_is_no_value(tmp_path: Path) -> None:
    """As an empty field of CSV is none."""
    users, items, stars, times = ratings(150)
    stars[7] = None
    parquet.write_table(
        pa.table(dict(zip(RATING_NAMES, [users, items, stars, times], strict=True))), tmp_path / "log.parquet"
    )

    with pytest.raises(UsageError, match="row 8 is no number"):
        _read(tmp_path / "log.parquet")


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"", "EXP109", None),
        (b"userId,movieId,rating,timestamp\n", "EXP109", None),
        (b"userId,movieId,rating,timestamp\n1,2,3,4\n1,2\n", "EXP106", "Expected 4 columns, got 2"),
        (b"userId,movieId,rating,timestamp\n\xff,2,3,4\n", "EXP106", "UTF8"),
        ("userId,movieId\n".encode("utf-16"), "EXP106", "UTF-16"),
        (b"1::2::3::4\n", "EXP106", "`::`"),
        (b"userId,userId,rating,timestamp\n1,2,3,4\n", "EXP106", "stands twice"),
    ],
)
def test_files_that_are_no_logs_are_refused(tmp_path: Path, data: bytes, code: str, why: str | None) -> None:
    """Empty, ragged, of another encoding, or separated by two characters."""
    path = tmp_path / "log.csv"
    path.write_bytes(data)

    with pytest.raises(UsageError) as refused:
        _read(path)

    assert refused.value.code == code
    assert why is None or why in str(refused.value.why)


@pytest.mark.parametrize(("name", "cut"), [("log.csv.gz", 60), ("log.parquet", 60)])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, name: str, cut: int) -> None:
    """What is there of it could be read as if it was all."""
    path, columns = tmp_path / name, ratings(3000)
    if name.endswith("gz"):
        write(path, RATING_NAMES, columns)
    else:
        parquet.write_table(pa.table(dict(zip(RATING_NAMES, columns, strict=True))), path)
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(UsageError) as refused:
        _read(path)

    assert refused.value.code == "EXP106"


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """As by every other command."""
    with pytest.raises(UsageError) as refused:
        _read(tmp_path / "log.csv")

    assert refused.value.code == "FIL004"


def test_something_called_gz_that_is_no_gzip_is_refused(tmp_path: Path) -> None:
    """Renamed by hand."""
    path = tmp_path / "log.csv.gz"
    path.write_bytes(b"userId,movieId,rating,timestamp\n")

    with pytest.raises(UsageError) as refused:
        _read(path)

    assert refused.value.code == "EXP106"


def test_rows_out_of_order_are_sorted_and_that_is_said(tmp_path: Path) -> None:
    """The log is the same as that of the file in order."""
    columns = ratings(400)
    whole = _read(write(tmp_path / "whole.csv", RATING_NAMES, columns))
    order = np.random.default_rng(3).permutation(400)
    mixed = [[column[place] for place in order] for column in columns]

    found = _read(write(tmp_path / "mixed.csv", RATING_NAMES, mixed))

    assert np.array_equal(found.times, whole.times)
    assert np.array_equal(found.rewards, whole.rewards)
    steps = int((np.diff(np.array(mixed[3], np.float64)) < 0).sum())
    assert whole.notes == ()
    assert found.notes[0].startswith(f"time goes back at {steps} of 400 rows")


def test_ratings_that_are_said_twice_count_once_and_that_is_said(tmp_path: Path) -> None:
    """The same reader, item and time; the first one counts."""
    columns = ratings(300)
    again = [[*column, *column[:25]] for column in columns]
    again[2][300] = 1.0 if columns[2][0] == 5.0 else 5.0

    found = _read(write(tmp_path / "again.csv", RATING_NAMES, again))

    once = _read(write(tmp_path / "once.csv", RATING_NAMES, columns))
    assert np.array_equal(found.rewards, once.rewards)
    assert any(note.startswith("rows that say again") and note.endswith(": 25") for note in found.notes)


def test_impressions_that_look_alike_are_kept_and_that_is_said(tmp_path: Path) -> None:
    """They may be of different readers."""
    columns = [[*column, *column[:5]] for column in clicks(200)]

    found = _read(write(tmp_path / "again.csv", CLICK_NAMES, columns))

    assert found.rows == 205
    assert any(note.startswith("impressions like another") and note.endswith(": 5") for note in found.notes)


@pytest.mark.parametrize(
    ("like_at", "message"), [(6, "all ratings mean the same"), (0, "all ratings mean the same")]
)
def test_a_bound_by_which_all_or_none_is_liked_is_refused(
    tmp_path: Path, like_at: float, message: str
) -> None:
    """With the range from which to choose."""
    with pytest.raises(UsageError, match=message) as refused:
        _read(write(tmp_path / "log.csv", RATING_NAMES, ratings(300)), like_at=like_at)

    assert refused.value.code == "EXP110"
    assert "from 1 to 5" in str(refused.value.why)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    """Of 99 nothing is said."""
    with pytest.raises(UsageError, match="99 rows, and 100 at least"):
        _read(write(tmp_path / "log.csv", RATING_NAMES, ratings(99)))


def test_of_a_long_file_the_earliest_rows_are_kept(tmp_path: Path) -> None:
    """Whatever the order of the file, and that is said."""
    columns = ratings(1000)
    order = np.random.default_rng(5).permutation(1000)
    mixed = [[column[place] for place in order] for column in columns]

    found = _read(write(tmp_path / "log.csv", RATING_NAMES, mixed), rows=150)

    assert found.times.tolist() == columns[3][:150]
    assert any("the earliest 150 of 1,000 rows are replayed" in note for note in found.notes)


@given(
    times=st.lists(st.integers(0, 30), min_size=1, max_size=200),
    most=st.integers(1, 40),
    size=st.integers(1, 30),
)
@settings(max_examples=100, deadline=None)
def test_the_keeper_holds_the_earliest_rows_and_never_many_more(
    times: list[int], most: int, size: int
) -> None:
    """Against a stable sort of everything; rows of the same time in the order of the file."""
    keeper = _Keeper(most=most)
    for start in range(0, len(times), size):
        rows = np.arange(start, min(start + size, len(times)))
        keeper.add(_piece(rows, np.array(times)[rows].astype(float)))
        assert keeper._size <= 2 * most + size

    wanted = np.argsort(times, kind="stable")[:most]
    assert keeper.earliest().rows.tolist() == wanted.tolist()


def _piece(rows, times) -> Piece:
    zeros = np.zeros(len(rows), np.int64)
    return Piece(
        rows=rows,
        readers=zeros[:, None],
        items=zeros,
        values=zeros.astype(float),
        times=times,
        positions=zeros,
        propensities=np.full(len(rows), np.nan),
    )


def test_ids_are_words_and_not_numbers(tmp_path: Path) -> None:
    """`007` and `7` are two readers; a byte order mark belongs to no name; quotes may hold anything."""
    names = '\ufeffuser_id,item_id,rating,timestamp,"a, ""note"""'
    lines = [
        f'{"007" if number % 2 else "7"},"i,{number % 5}",{1 + number % 5},{number},"x\ny"'
        for number in range(120)
    ]
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress("\n".join([names, *lines]).encode()))

    found = _read(path)

    assert (found.rows, found.reader_words, found.item_count) == (120, 2, 5)
