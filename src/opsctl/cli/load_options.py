"""Which options do `bench load` and `bench capacity` share?"""

from typing import Annotated

import typer

LoadName = Annotated[str, typer.Argument(metavar="[NAME]", help="A load of ops/loads, or a file.")]
Processes = Annotated[int | None, typer.Option(min=1, max=256, help="Sending processes.")]
Target = Annotated[
    str | None, typer.Option(help="`service`, the one of this project, or an address on this machine.")
]
AllowedHosts = Annotated[
    list[str] | None, typer.Option("--target-allow", metavar="HOST", help="Allow another host as target.")
]
Gates = Annotated[
    list[str] | None, typer.Option(metavar="GATE", help="Instead of the book's gates, once each.")
]
