"""Which files does a deployment consist of, part by part, each with a lock that names them with their digests?"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from opsctl.deploy.book import DeployBook
from opsctl.deploy.ci import render_ci
from opsctl.deploy.compose import render_compose
from opsctl.deploy.facts import Part, ProjectFacts
from opsctl.deploy.image import render_image
from opsctl.deploy.kubernetes import render_kubernetes
from opsctl.deploy.qdrant import qdrant_config
from opsctl.deploy.worker import render_worker

LOCK = "lock.json"

Files = Mapping[str, str]


def render_parts(
    book: DeployBook, facts: ProjectFacts, *, parts: Sequence[Part], source: str
) -> Mapping[Part, Files]:
    """Return the files of each part; the same book and project give the same bytes.

    Args:
        book: what is wanted.
        facts: what the project is.
        parts: which.
        source: the text of the book, for the locks.
    """
    image = image_of(book, facts)
    ways: Mapping[Part, Callable[[], Files]] = {
        Part.IMAGE: partial(render_image, book, facts, image=image),
        Part.COMPOSE: partial(render_compose, book, facts, image=image),
        Part.KUBERNETES: partial(render_kubernetes, book, facts, image=image),
        Part.WORKER: partial(render_worker, book, facts),
        Part.CI: partial(render_ci, facts),
        Part.QDRANT: lambda: {"production.yaml": qdrant_config(book, is_cluster=book.qdrant.nodes > 1)},
    }
    return {part: _locked(part, ways[part](), source=source) for part in parts}


def image_of(book: DeployBook, facts: ProjectFacts) -> str:
    """Return the image of the service: the book's, or that of the opsctl that renders."""
    return book.images.service or f"opsctl:{facts.version}"


def _locked(part: Part, files: Files, *, source: str) -> Files:
    document = {
        "schema": f"opsctl.deploy.{part}.lock/v1",
        "book": _digest(source),
        "files": {path: _digest(text) for path, text in sorted(files.items())},
    }
    return {**dict(sorted(files.items())), LOCK: json.dumps(document, indent=2) + "\n"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
