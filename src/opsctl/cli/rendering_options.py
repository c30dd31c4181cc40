"""Which options do the commands have that render books into a folder?"""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.rendering import out_folder

CheckOnly = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit 1 where a file differs from its book.")
]
OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        parser=out_folder,
        metavar="PATH",
        help="Folder; default: `rendered` beside the books.",
    ),
]
