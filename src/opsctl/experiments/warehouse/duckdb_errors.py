"""What does DuckDB's refusal mean for whoever asked: too little memory or disk, a broken file; bugs in SQL pass through."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.core.errors import NotReadyError, OpsError, UsageError
from opsctl.experiments.warehouse.parquet_files import broken


@contextmanager
def translated_errors(folder: Path, *, memory: str) -> Iterator[None]:
    """Turn what DuckDB raises about files and the machine into `OpsError`.

    Raises:
        NotReadyError: EXP055, EXP056.
        UsageError: EXP053, EXP054, EXP065.
    """
    import duckdb

    try:
        yield
    except duckdb.ProgrammingError as error:
        # Our own statements are wrong, or a file's content is not what its footer says.
        if not isinstance(error, duckdb.InvalidInputException):
            raise
        raise _of_content(folder, str(error)) from error
    except duckdb.OutOfMemoryException as error:
        raise _of_room(str(error), memory=memory) from error
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise UsageError(
            f"a column of the files in `{folder}` holds what cannot be read as what it should be",
            code="EXP054",
            why=_first_line(error),
            fix="look at the value that is named, and write the files again",
        ) from error
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        # A damaged page may be anything, and so may be what is said of it.
        raise _of_content(folder, str(error)) from error


def _of_content(folder: Path, told: str) -> OpsError:
    if "JSON" in told:
        return UsageError(
            f"attributes of exposures in `{folder}` are no JSON",
            code="EXP065",
            why=told.splitlines()[0],
            fix="write them as objects of texts, or take the book's `dimensions` out",
        )
    if "No space left" in told or "max_temp_directory_size" in told:
        return _no_disk(told)
    return broken(folder, told.splitlines()[0])


def _of_room(told: str, *, memory: str) -> NotReadyError:
    if "max_temp_directory_size" in told or "No space left" in told:
        return _no_disk(told)
    return NotReadyError(
        f"{memory} of memory do not do for this analysis",
        code="EXP055",
        why=told.splitlines()[0],
        fix="allow more memory, or fewer threads",
    )


def _no_disk(told: str) -> NotReadyError:
    return NotReadyError(
        "there is no room for the files of this analysis",
        code="EXP056",
        why=told.splitlines()[0],
        fix="free some space in the temporary folder, name another one, or allow more memory",
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
