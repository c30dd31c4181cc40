"""Which options do commands of `dr` share: those that look into another repository, with another key."""

from pathlib import Path
from typing import Annotated

import typer

From = Annotated[
    str | None, typer.Option("--from", metavar="URL", help="Another repository: a folder or s3://...")
]
Identity = Annotated[
    Path | None, typer.Option("--identity", metavar="FILE", help="The secret key, instead of the book's.")
]
