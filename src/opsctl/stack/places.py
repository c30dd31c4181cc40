"""Where are the servers of this project: those of the settings, else those of the embedded stack."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.qdrant_values import QdrantPlace
    from opsctl.config.settings import Settings
    from opsctl.stack.model import StackState


class Places:
    """The addresses of one project with their secrets; `embedded` is asked only where the settings name no server."""

    def __init__(self, settings: "Settings", *, embedded: "Callable[[], StackState]") -> None:
        self._settings = settings
        self._embedded = embedded

    def vectors(self) -> "QdrantPlace":
        """Return where the vector database is."""
        from opsctl.clients.qdrant_values import QdrantPlace

        chosen = self._settings.project.qdrant
        if chosen.url is None:
            return QdrantPlace(url=self._embedded().vectors_url, timeout_seconds=chosen.timeout_seconds)
        return QdrantPlace(
            url=chosen.url,
            api_key=self.secret("OPSCTL_QDRANT_API_KEY", chosen.api_key_file),
            prefer_grpc=chosen.prefer_grpc,
            grpc_port=chosen.grpc_port,
            timeout_seconds=chosen.timeout_seconds,
        )

    def database(self) -> "DatabaseAddress":
        """Return where the relational database is."""
        from opsctl.clients.postgres import DatabaseAddress

        chosen = self._settings.project.database
        if chosen.url is None:
            stack = self._embedded()
            return DatabaseAddress.with_password_file(
                stack.database_url,
                password_file=stack.database_password_file,
                statement_timeout_seconds=chosen.statement_timeout_seconds,
            )
        return DatabaseAddress(
            url=chosen.url,
            password=self.secret("OPSCTL_DATABASE_PASSWORD", chosen.password_file),
            statement_timeout_seconds=chosen.statement_timeout_seconds,
            through_pooler=chosen.through_pooler,
        )

    def pooled_database(self) -> "DatabaseAddress":
        """Return the address for many short uses: the embedded database through the stack's pooler, where it runs."""
        from dataclasses import replace

        direct = self.database()
        if self._settings.project.database.url is not None:
            return direct
        pooled = self._embedded().pooler_url
        if pooled is None:
            return direct
        # Its connections carry a time limit of their own: a use of one statement is one round trip.
        return replace(direct, url=pooled, through_pooler=True, statement_timeout_seconds=None)

    def secret(self, variable: str, file: str | None = None) -> str | None:
        """Return a secret from its variable or its file; None where neither is set."""
        from opsctl.config.settings import secret

        return secret(variable=variable, file=file, root=self._settings.root, environment=os.environ)
