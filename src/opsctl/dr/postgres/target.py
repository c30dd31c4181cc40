"""To which point in time is a server to be brought back."""

from dataclasses import dataclass
from datetime import UTC, datetime

from opsctl.core.errors import UsageError
from opsctl.dr.postgres.wal import format_lsn, parse_lsn


@dataclass(frozen=True, slots=True)
class Latest:
    """The end of what was archived."""

    @property
    def shown(self) -> str:
        """Return it as messages say it."""
        return "the end of the archive"


@dataclass(frozen=True, slots=True)
class AtTime:
    """Everything that was committed at this time or before."""

    time: datetime

    def __post_init__(self) -> None:
        """Refuse a time that means another moment on another machine."""
        if self.time.tzinfo is None:
            raise UsageError(
                f"`{self.time}` has no time zone",
                code="DRC038",
                why="the same words would mean another moment on another machine",
                fix="add it, such as `2026-11-29T12:00:00Z`",
            )
        try:
            self.time.astimezone(UTC)
        except OverflowError as error:
            raise UsageError(
                f"`{self.time}` is no point to go to",
                code="DRC038",
                why="in UTC it lies outside of the years 1 to 9999",
                fix="write a time of the backups: opsctl dr list",
            ) from error

    @property
    def shown(self) -> str:
        """Return it as messages say it."""
        return f"{self.time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


@dataclass(frozen=True, slots=True)
class AtLsn:
    """Everything that the log says before this position."""

    lsn: int

    @property
    def shown(self) -> str:
        """Return it as messages say it."""
        return format_lsn(self.lsn)


@dataclass(frozen=True, slots=True)
class AtName:
    """A restore point, made by `pg_create_restore_point`."""

    name: str

    def __post_init__(self) -> None:
        """Refuse what PostgreSQL would not take for a name."""
        # What cannot be printed comes first: half a character has no bytes that one could count.
        if not self.name or not self.name.isprintable() or len(self.name.encode()) > 63:
            raise UsageError(
                f"`{self.name}` is no name of a restore point",
                code="DRC038",
                why="it has 1 to 63 printable characters",
                fix="name one that was made by pg_create_restore_point",
            )

    @property
    def shown(self) -> str:
        """Return it as messages say it."""
        return f"the restore point `{self.name}`"


Target = Latest | AtTime | AtLsn | AtName


def parse_target(text: str) -> Target:
    """Return the target that a user typed: `latest`, a position, a time with its zone, or `name:` and a restore point.

    >>> parse_target("0/3000028")
    AtLsn(lsn=50331688)

    Raises:
        UsageError: DRC038.
    """
    if text == "latest":
        return Latest()
    if text.startswith("name:"):
        return AtName(text.removeprefix("name:"))
    if "/" in text:
        return AtLsn(parse_lsn(text))
    try:
        return AtTime(datetime.fromisoformat(text))
    except ValueError as error:
        raise UsageError(
            f"`{text}` is no point to go to",
            code="DRC038",
            why="it is neither `latest`, nor a position, nor a time",
            fix="write `latest`, `0/3000028`, `2026-11-29T12:00:00Z` or `name:before_migration`",
        ) from error
