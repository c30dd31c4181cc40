"""The commands `opsctl chaos import`, `export`, `ground` and `fault`: drills from, for and by the Chaos Toolkit."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from opsctl.cli.options import Json, command, group

_LEASE = "60s"


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `chaos`."""
    command(app, "opsctl chaos import experiment.json > ops/drills/mine.yaml", name="import")(
        import_experiment
    )
    command(app, "opsctl chaos export vectors_down > experiment.json")(export)
    command(app, "opsctl chaos ground")(ground)
    faults = group("Make and undo a fault by hand, on a ground that `opsctl chaos ground` holds.")
    command(
        faults,
        "opsctl chaos fault apply vectors_refused --for 2m",
        "opsctl chaos fault apply workers_killed --with '{\"how_many\": 1}'",
    )(apply)
    command(faults, "opsctl chaos fault undo vectors_refused")(undo)
    app.add_typer(faults, name="fault")


def import_experiment(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An experiment of the Chaos Toolkit.")],
    *,
    json: Json = False,
) -> None:
    """Print a Chaos Toolkit experiment as a drill, and say on stderr what of it could not be translated."""
    import yaml
    from rich.markup import escape

    from opsctl.chaos.toolkit_import import import_experiment as read
    from opsctl.cli.document import document
    from opsctl.clients.files import read_text
    from opsctl.config.marks import MOST_BYTES
    from opsctl.ui.console import note, print_document, print_line

    imported = read(read_text(path, most_bytes=MOST_BYTES), file=str(path))
    values = imported.drill.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if json:
        found = imported.findings
        print_document(document("opsctl.chaos.import", data={"drill": values}, ok=True, findings=found))
        return
    for finding in imported.findings:
        note(escape(f"{finding.code} {finding.title}"))
    print_line(yaml.safe_dump(values, sort_keys=False, allow_unicode=True).rstrip())


def export(
    name: Annotated[str, typer.Argument(metavar="DRILL", help="A drill by name.")], *, json: Json = False
) -> None:
    """Print a drill as a Chaos Toolkit experiment; its actions call `opsctl chaos fault` on a ground that is held."""
    from rich.markup import escape

    from opsctl.chaos.toolkit_export import refused_by_hand, render_experiment, to_experiment
    from opsctl.cli import chaosing
    from opsctl.cli.document import document
    from opsctl.ui.console import note, print_document, print_line

    (named,) = chaosing.drills((name,))
    for fault in refused_by_hand(named.drill):
        without = f"CHA065 `{fault}` cannot be made by hand, so the experiment does without: opsctl chaos run {name}"
        note(escape(without))
    if json:
        print_document(document("opsctl.chaos.export", data=to_experiment(named), ok=True))
    else:
        print_line(render_experiment(named).rstrip())


def ground() -> None:
    """Start a ground with readers and watchers, and keep it until Ctrl-C, for faults that are made by hand."""
    from opsctl.cli import chaos_by_hand
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.ui.progress import progress

    with progress() as listener, ends_as_by_ctrl_c():
        chaos_by_hand.hold_ground(listener)


def apply(
    name: Annotated[str, typer.Argument(metavar="FAULT", help="`opsctl chaos faults` lists them.")],
    *,
    with_: Annotated[
        str,
        typer.Option(
            "--with", metavar="JSON", help="What the fault wants to know, as JSON; most want nothing."
        ),
    ] = "{}",
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long it stays at most, such as 2m.")
    ] = _LEASE,
    json: Json = False,
) -> None:
    """Make a fault; it is undone by `undo`, or by itself when its time is over."""
    from opsctl.cli import chaos_by_hand
    from opsctl.cli.document import document
    from opsctl.core.units import parse_duration
    from opsctl.ui.console import hint, note, print_document

    try:
        parameters: Any = json_module.loads(with_)
        seconds = parse_duration(for_)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(str(error), param_hint="--with or --for") from error
    if not isinstance(parameters, dict):
        raise typer.BadParameter("an object of JSON is wanted", param_hint="--with")
    chaos_by_hand.apply_by_hand(name, parameters, seconds=seconds)
    if json:
        print_document(
            document("opsctl.chaos.fault", data={"fault": name, "lease_seconds": seconds}, ok=True)
        )
        return
    note(f"{name} is made, for {for_} at most")
    hint(f"opsctl chaos fault undo {name}")


def undo(
    name: Annotated[str, typer.Argument(metavar="FAULT", help="The fault, by its name.")],
    *,
    json: Json = False,
) -> None:
    """Take a fault back; harmless where it is not there."""
    from opsctl.cli import chaos_by_hand
    from opsctl.cli.document import document
    from opsctl.ui.console import note, print_document

    was_held = chaos_by_hand.undo_by_hand(name)
    if json:
        print_document(document("opsctl.chaos.fault", data={"fault": name, "lease_seconds": 0}, ok=True))
        return
    note(f"{name} is taken back" if was_held else f"{name} was not there; nothing of it is now")
