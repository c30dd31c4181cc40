"""Commands of `opsctl artefacts`: reports, snapshots and exports, kept with their digests."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group

app = group("Kept files: reports, snapshots, exports of evidence; in a folder, or in Supabase Storage.")


@command(
    app,
    "opsctl artefacts put report.html",
    "opsctl artefacts put .opsctl/evidence/ledger.jsonl --name q3.jsonl",
)
def put(
    file: Annotated[Path, typer.Argument(help="File to keep.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep it under this name; default: the file's own.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Keep a file. A name can stand for several contents, and nothing that is kept is ever overwritten."""
    from opsctl.cli.filling import tell
    from opsctl.cli.supabase import artefacts
    from opsctl.clients.artefacts import checked_name, digest_of
    from opsctl.ui.show_artefacts import show_plan, show_put

    chosen = checked_name(name or file.name)
    with artefacts() as store:
        place = store.place
        if dry_run:
            sha256, size_bytes = digest_of(file)
            data = {"name": chosen, "sha256": sha256, "size_bytes": size_bytes, "place": place}
            tell(
                "opsctl.artefacts.plan",
                data=data,
                json=json,
                show=lambda: show_plan(chosen, size_bytes, place),
            )
            return
        artefact = store.put(file, name=chosen)
    data = {"artefact": artefact, "place": place}
    tell("opsctl.artefacts.put", data=data, json=json, show=lambda: show_put(artefact, place))


@command(app, "opsctl artefacts list", "opsctl artefacts list --name report.html --json")
def list(
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this name.")] = None,
    json: Json = False,
) -> None:
    """List what is kept, the newest first."""
    from opsctl.cli import wiring
    from opsctl.cli.filling import tell
    from opsctl.cli.supabase import artefacts
    from opsctl.ui.show_artefacts import show_list

    with artefacts() as store:
        place = store.place
        entries = [each for each in store.entries() if name in (None, each.name)]
    data = {"artefacts": entries, "place": place}
    now = wiring.clock().now()
    tell("opsctl.artefacts.list", data=data, json=json, show=lambda: show_list(entries, place, now=now))


@command(
    app, "opsctl artefacts get report.html", "opsctl artefacts get report.html --digest 3fa9 --to old.html"
)
def get(
    name: Annotated[str, typer.Argument(help="Name of the artefact; the newest of it, without --digest.")],
    digest: Annotated[
        str, typer.Option(metavar="SHA256", help="Beginning of the digest of the content that is meant.")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write it to this file or folder; default: its name, in the current folder."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Write a kept file here, once its SHA-256 is that of what was put. A file that is there stays, without --force."""
    from opsctl.cli.filling import tell
    from opsctl.cli.supabase import artefacts
    from opsctl.clients.artefacts import choose
    from opsctl.ui.show_artefacts import show_got

    with artefacts() as store:
        artefact = choose(store.entries(), name=name, digest=digest)
        target = to / artefact.name if to is not None and to.is_dir() else to or Path(artefact.name)
        store.get(artefact, target=target, overwrite=force)
    data = {"artefact": artefact, "file": str(target)}
    tell("opsctl.artefacts.get", data=data, json=json, show=lambda: show_got(artefact, target))
