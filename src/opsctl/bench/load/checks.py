"""Is this a good answer: status and headers of every one, the body's shape of a sample."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.bench.load.book import Check, LoadBook
from opsctl.bench.load.tally import Outcome
from opsctl.clients.files import read_text
from opsctl.core.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_WARY_ANSWERS = 10_000
"""After a bad body so many are all read, until as many in a row were good: counted only where it is sampled, one in
twenty empty feeds would look like one in two thousand."""

_BESIDE_THE_MIX = Check(status=[*range(200, 300), 304])

_LONGEST_PLACE = 9  # digits of a place in a list; `int` refuses thousands of them

Fits = Callable[[Any], str | None]
"""Says in a few words why a JSON value does not fit; None where it does."""


class Checks:
    """The checks of every endpoint of a book (`ports.Inspects`).

    Args:
        book: whose endpoints.
        folder: where the schemas that the book names are.

    Raises:
        UsageError: BEN032 a schema is missing or is none.
        NotReadyError: BEN032 the library for schemas is not installed.
    """

    def __init__(self, book: LoadBook, *, folder: Path = Path()) -> None:
        checks = [endpoint.check for endpoint in book.mix.values()]
        # The last one is for what a replayed log asks beside the mix.
        self._checks = [_EndpointCheck(check, folder=folder) for check in (*checks, _BESIDE_THE_MIX)]

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Return None for a good answer, else in a few words what is wrong."""
        return self._checks[endpoint].inspect(status=status, head=head, body=body)


def outcome_of(complaint: str | None) -> Outcome:
    """Return what became of a request whose answer was inspected."""
    if complaint is None:
        return Outcome.OK
    if complaint.startswith("status "):
        return Outcome.BAD_STATUS
    return Outcome.REDIRECT if complaint.startswith("redirect ") else Outcome.CHECK_FAILED


class _EndpointCheck:
    """The check of one endpoint; samples evenly, beginning with the first answer, and reads all while some are bad."""

    def __init__(self, check: Check, *, folder: Path) -> None:
        self._statuses = frozenset(check.status)
        self._headers = [(name, b"\r\n" + name.lower().encode() + b":") for name in check.headers]
        self._fits = _fits_of(check, folder=folder)
        self._usual_share = self._share = check.sample if self._fits else 0.0
        self._wary_for = 0
        self._credit = 1.0 - self._share

    def inspect(self, *, status: int, head: bytes, body: bytes) -> str | None:
        if status not in self._statuses:
            return f"redirect {status}" if 300 <= status < 400 else f"status {status}"
        if self._headers:
            lowered = head.lower()
            for name, needle in self._headers:
                if needle not in lowered:
                    return f"no header {name}"
        self._credit += self._share
        # Shares such as 0.1 have no exact sum.
        if self._credit < 1 - 1e-9 or not self._share:
            return None
        self._credit -= 1
        complaint = self._complaint_of(body)
        self._choose_share(is_good=complaint is None)
        return complaint

    def _choose_share(self, *, is_good: bool) -> None:
        """Read every body from a bad one on, and a sample again after many good ones."""
        if not is_good:
            self._share, self._wary_for = 1.0, _WARY_ANSWERS
        elif self._wary_for:
            self._wary_for -= 1
            if not self._wary_for:
                self._share = self._usual_share

    def _complaint_of(self, body: bytes) -> str | None:
        import orjson

        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return "the body is no JSON"
        for fits in self._fits:
            complaint = fits(value)
            if complaint is not None:
                return complaint
        return None


def _fits_of(check: Check, *, folder: Path) -> list[Fits]:
    found: list[Fits] = []
    if check.json_path is not None:
        found.append(_is_filled(check.json_path))
    if check.schema_file is not None:
        found.append(_fits_schema(folder / check.schema_file))
    return found


def _is_filled(dotted: str) -> Fits:
    keys = dotted.split(".")

    def fits(value: Any) -> str | None:
        for key in keys:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and key.isdecimal() and len(key) <= _LONGEST_PLACE:
                value = value[int(key)] if int(key) < len(value) else None
            else:
                value = None
        return f"{dotted} is empty" if value is None or value in ("", [], {}) else None

    return fits


def _fits_schema(path: Path) -> Fits:
    validator = _validator(path)

    def fits(value: Any) -> str | None:
        error = next(iter(validator.iter_errors(value)), None)
        if error is None:
            return None
        # Without the value and the places in lists: reasons stay few.
        place = "/".join(part if isinstance(part, str) else "*" for part in error.instance_path)
        return f"does not fit {path.name}: {error.kind.name} at /{place}"

    return fits


def _validator(path: Path) -> "Validator":
    import json

    try:
        from jsonschema_rs import ValidationError, validator_for
    except ImportError as error:
        raise NotReadyError(
            "a load checks answers against a JSON Schema, which needs the extra `opsctl[load]`",
            code="BEN032",
            why=str(error),
            fix="pip install 'opsctl[load]'",
        ) from error
    if not path.is_file():
        raise UsageError(
            f"there is no schema `{path}`", code="BEN032", fix="`schema_file` is looked for beside the book"
        )
    try:
        return validator_for(json.loads(read_text(path)), offline=True)
    except (ValueError, RecursionError, ValidationError) as error:
        raise UsageError(
            f"`{path}` is not a JSON Schema",
            code="BEN032",
            why=str(error).partition("\n")[0],
            fix="check it: https://json-schema.org/draft/2020-12/schema",
        ) from error
