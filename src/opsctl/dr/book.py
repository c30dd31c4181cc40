"""Where do backups go, how often, for how long, and what must a recovery achieve: the book `ops/backup.yaml`."""

from os.path import normpath
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration
from opsctl.core.units import parse_duration

RepositoryUrl = Annotated[str, Field(min_length=1)]
Recipient = Annotated[str, Field(pattern=r"^age1[02-9ac-hj-np-z]{20,}$")]


class Encryption(StrictModel):
    """Encryption before anything leaves this machine, with `age`."""

    recipients: list[Recipient] = Field(default_factory=list)
    """Public keys (`age1...`), one or several; without any, backups are compressed only. `opsctl dr key` makes a pair."""
    identity_file: Annotated[str, Field(min_length=1)] | None = None
    """File with the secret key, needed to verify and to restore; keep it elsewhere. A machine that only makes backups need not have it. `OPSCTL_BACKUP_IDENTITY` works too."""


class Schedule(StrictModel):
    """How often."""

    full_every: PositiveDuration = "7d"
    """After this time a base backup stands by itself again; in between only changed blocks are copied."""
    backup_every: PositiveDuration = "1d"
    """How often `opsctl dr backup` is to be run, by whatever runs it; `backup_stale` fires when none came for 1.1 times this."""
    verify_every: PositiveDuration = "7d"
    """How long a verification holds."""
    drill_every: PositiveDuration = "30d"
    """How long a drill holds."""
    ship_every: PositiveDuration = "5s"
    """How often the WAL that is not a whole segment yet goes into the repository: what may be lost with this machine."""


class Retention(StrictModel):
    """Which backups stay; the last verified one stays whatever is written here."""

    at_least: Annotated[int, Field(ge=1, le=1000)] = 2
    """The newest so many."""
    daily: Annotated[int, Field(ge=0, le=1000)] = 7
    """The newest of each of the last so many days that have one."""
    weekly: Annotated[int, Field(ge=0, le=1000)] = 4
    """The newest of each of the last so many weeks."""
    monthly: Annotated[int, Field(ge=0, le=1000)] = 6
    """The newest of each of the last so many months."""


class Objectives(StrictModel):
    """What a recovery has to achieve; set before a drill, judged after it."""

    rpo: PositiveDuration = "60s"
    """Most time whose acknowledged work may be lost."""
    rto: PositiveDuration = "15m"
    """Most time from the loss until golden requests meet the service level again under load."""


class BackupBook(StrictModel):
    """The whole of `ops/backup.yaml`."""

    repository: RepositoryUrl = ".opsctl/backups"
    """A folder, relative to the project, or `s3://bucket/prefix?endpoint=https://...&region=...`."""
    offsite: RepositoryUrl | None = None
    """A second place, far away, that gets a copy of everything."""
    compression: Annotated[int, Field(ge=1, le=19)] = 1
    """Level of zstd."""
    jobs: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes of a logical dump."""
    encryption: Encryption = Encryption()
    """Who can read the backups."""
    schedule: Schedule = Schedule()
    """How often backups are made, verified and tried."""
    retention: Retention = Retention()
    """What is kept."""
    objectives: Objectives = Objectives()
    """What a recovery has to achieve."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for place in (self.repository, self.offsite or "", self.encryption.identity_file or ""):
            if place.startswith("~"):
                raise ValueError(f"`{place}` would be a folder called `~`: write the whole path")
        if self.offsite is not None and _is_within(self.offsite, self.repository):
            raise ValueError(
                "`offsite` is the same place as `repository`; a copy there survives nothing more"
            )
        schedule = self.schedule
        if parse_duration(schedule.full_every) < parse_duration(schedule.backup_every):
            raise ValueError(
                "`schedule.full_every` is shorter than `schedule.backup_every`: every backup would be a full one; "
                "write the same duration for both if that is meant"
            )
        return self


def _is_within(place: str, other: str) -> bool:
    """Tell whether one place is the other, or a folder below it, however they are written."""
    if place == other:
        return True
    here, there = (each.removeprefix("file://") for each in (place, other))
    if "://" in here + there:
        return False
    return PurePosixPath(normpath(here)).is_relative_to(normpath(there))
