"""What is lost in a drill, when, and how one gets it back: a book of `ops/recoveries`, one for each kind of loss."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration


class Loss(StrEnum):
    """What is destroyed, for real, on a stack of the drill's own."""

    DATABASE = "database"
    """PostgreSQL is killed, and its data directory removed."""
    VECTORS = "vectors"
    """The vector node is killed, and its data removed."""
    ALIASES = "aliases"
    """The aliases that readers are led by are deleted."""
    MIGRATION = "migration"
    """A migration drops a column with what was in it."""
    DELETES = "deletes"
    """An operator deletes the items of a whole region."""
    REGION = "region"
    """Everything of the stack's machine: processes, data, secrets, the repository beside it. The off-site copy stays."""
    REPOSITORY = "repository"
    """A bit of the newest backup is flipped in the repository, in everything that it keeps of PostgreSQL."""


class Moment(StrEnum):
    """When it happens."""

    STEADY = "steady"
    """At a moment drawn at random, under load."""
    DURING_BACKUP = "during_backup"
    """While a backup is being made, which stays half done."""


class Recovery(StrictModel):
    """One book: the name of the file is that of the scenario; its runbook is `recover_NAME.md`."""

    title: Annotated[str, Field(min_length=3, max_length=120)]
    """What is lost, in a few words."""
    why: Annotated[str, Field(min_length=10, max_length=400)]
    """How it comes about in life, and what must hold."""
    tags: Annotated[list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]], Field(max_length=10)] = (
        Field(default_factory=list)
    )
    """Such as `ci`: `opsctl dr drill --profile ci` holds those."""
    loses: Annotated[list[Loss], Field(min_length=1, max_length=5)]
    """What is destroyed, in this order and at once."""
    moment: Moment = Moment.STEADY
    """When."""
    alert: str | None = None
    """The alert that tells of it; none for a loss that no machine can tell from a wish."""
    detect_within: PositiveDuration = "5m"
    """The alert has to come in this time."""
    discovered_after: PositiveDuration = "10s"
    """Without an alert: after so long somebody notices."""
    rpo: PositiveDuration | None = None
    """Instead of the objective in ops/backup.yaml."""
    rto: PositiveDuration | None = None
    """Instead of the objective in ops/backup.yaml."""
