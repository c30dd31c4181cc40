"""With which Supabase project does a command work, and where are its artefacts."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from opsctl.cli import wiring
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.clients.artefacts import ArtefactStore
    from opsctl.clients.supabase import OpenSupabase


def project() -> "AbstractContextManager[OpenSupabase]":
    """Return the project of the settings, to be opened by `with`.

    Raises:
        UsageError: SUP001 when no address is set, SUP002 when there is no key.
    """
    from opsctl.clients.supabase import SupabasePlace, open_supabase
    from opsctl.config.settings import secret

    settings = wiring.settings()
    chosen = settings.project.supabase
    if chosen.url is None:
        raise UsageError(
            "no Supabase project is set",
            code="SUP001",
            fix="set `supabase.url` in opsctl.yaml or OPSCTL_SUPABASE_URL, such as https://project.supabase.co",
        )
    key = secret(
        variable="OPSCTL_SUPABASE_KEY", file=chosen.key_file, root=settings.root, environment=os.environ
    )
    if key is None:
        raise UsageError(
            f"there is no key for `{chosen.url}`",
            code="SUP002",
            fix="write the project's secret key into a file of mode 600 and name it as `supabase.key_file`, "
            "or set OPSCTL_SUPABASE_KEY",
        )
    return open_supabase(SupabasePlace(url=chosen.url, key=key, timeout_seconds=chosen.timeout_seconds))


@contextmanager
def artefacts() -> Iterator["ArtefactStore"]:
    """Give the place of artefacts: the bucket of the settings, else a folder of this project."""
    from opsctl.clients.artefacts_folder import FolderArtefacts

    settings = wiring.settings()
    bucket = settings.project.supabase.bucket
    if bucket is None:
        yield FolderArtefacts(settings.home / "artefacts")
        return
    from opsctl.clients.artefacts_supabase import SupabaseArtefacts

    with project() as supabase:
        yield SupabaseArtefacts(supabase, bucket=bucket)
