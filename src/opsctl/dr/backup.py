"""How is a backup made: vectors, then PostgreSQL, then what is needed around them, and the manifest last of all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from opsctl.core.clock import Clock
from opsctl.dr.kept import BACKUPS, Catalogue
from opsctl.dr.manifest import BackupKind, BackupManifest, BaseBackup, Dump, SealedFile, SecretName
from opsctl.dr.unfinished import Unfinished
from opsctl.dr.vectors.take_all import TakenVectors

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """From where everything comes; each of those that copy is given the prefix below which it puts its files.

    `base` and `dump` exclude each other; without either only vectors are copied.
    """

    vectors: Callable[[str], TakenVectors]
    base: Callable[[str], BaseBackup] | None
    dump: Callable[[str], Dump] | None
    configuration: Callable[[str], SealedFile]
    migrations: Callable[[], Mapping[str, str]]
    secrets: Callable[[], Sequence[SecretName]]
    tools: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that is kept, and the key of its manifest."""

    manifest: BackupManifest
    key: str


def take_backup(sources: Sources, *, notes: Unfinished, catalogue: Catalogue, clock: Clock) -> Made:
    """Make a backup, or what is missing of a killed one; its manifest is kept by the end, and nothing is before.

    Vectors come first: whatever they hold has happened before the end of the base backup, so every point in time
    that this backup can go to is one at which the snapshots are not ahead of the truth.
    """
    beginning = notes.beginning
    prefix = f"{BACKUPS}/{beginning.backup_id}/{notes.attempt}"
    vectors = notes.step("vectors", TakenVectors, lambda: sources.vectors(f"{prefix}/vectors"))
    postgres = f"{prefix}/postgres"
    manifest = BackupManifest(
        backup_id=beginning.backup_id,
        kind=BackupKind(beginning.kind),
        parent=beginning.parent,
        started_at=beginning.started_at,
        base=_of(sources.base, prefix=postgres, name="base", kind=BaseBackup, notes=notes),
        dump=_of(sources.dump, prefix=postgres, name="dump", kind=Dump, notes=notes),
        vectors=vectors.snapshots,
        aliases=vectors.aliases,
        golden=vectors.golden,
        configuration=notes.step("configuration", SealedFile, lambda: sources.configuration(prefix)),
        migrations=dict(sources.migrations()),
        secrets=tuple(sources.secrets()),
        tools=sources.tools,
        ended_at=clock.now(),
    )
    key = catalogue.add(manifest)
    notes.forget()
    return Made(manifest=manifest, key=key)


def _of(
    make: Callable[[str], Part] | None, *, prefix: str, name: str, kind: type[Part], notes: Unfinished
) -> Part | None:
    return None if make is None else notes.step(name, kind, lambda: make(prefix))
