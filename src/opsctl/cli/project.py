"""The house-keeping verbs at the top of the tree: init, doctor, explain, version."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command
from opsctl.core.exit_codes import ExitCode


def register(app: typer.Typer) -> None:
    """Add the verbs that belong to no noun."""
    command(app, "opsctl init", "opsctl init --dry-run")(init)
    command(app, "opsctl doctor", "opsctl doctor --json")(doctor)
    command(
        app,
        "opsctl explain CFG004",
        "opsctl explain vectors_down",
        "opsctl explain exit-codes",
        "opsctl explain",
    )(explain)
    command(app, "opsctl version")(version)


def init(
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite starter files that were changed.")
    ] = False,
    json: Json = False,
) -> None:
    """Write opsctl.yaml and the starter books; files that exist are kept."""
    from opsctl import assets
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.project.init import plan_starter, write_starter
    from opsctl.ui.console import print_document
    from opsctl.ui.show_project import show_starter

    root = wiring.new_project_root()
    files = plan_starter(
        root=root,
        templates=assets.templates(),
        schemas=assets.schemas(),
        scenarios=assets.loads(),
        watching=assets.watching(),
        force=force,
    )
    if not dry_run:
        write_starter(files, root=root)
    if json:
        data = [{"path": file.path, "action": file.action} for file in files]
        print_document(document("opsctl.init", data=data, ok=True))
    else:
        show_starter(files, root=root, dry_run=dry_run)


def doctor(json: Json = False) -> None:
    """Name what is missing here, and the command that mends it."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.checks import CheckStatus
    from opsctl.project.doctor import diagnose
    from opsctl.ui.console import print_document
    from opsctl.ui.show_project import show_diagnoses

    diagnoses = diagnose(wiring.machine())
    ok = all(diagnosis.result.status is not CheckStatus.FAIL for diagnosis in diagnoses)
    if json:
        print_document(document("opsctl.doctor", data=diagnoses, ok=ok))
    else:
        show_diagnoses(diagnoses)
    leave(ExitCode.GOOD if ok else ExitCode.NOT_READY)


def explain(
    name: Annotated[
        str | None,
        typer.Argument(help="A code, a topic, or a fault such as vectors_down; all are listed without."),
    ] = None,
    json: Json = False,
) -> None:
    """Explain a code or a fault: what it means, why it matters, how to mend it."""
    from opsctl.cli.document import document
    from opsctl.cli.explain import all_explanations, code_of
    from opsctl.ui.console import print_document
    from opsctl.ui.show_project import show_explanation, show_explanations

    texts = all_explanations()
    if name is not None:
        code = code_of(name)
        texts = {code: texts[code]}
    if json:
        print_document(document("opsctl.explain", data=texts, ok=True))
    elif name is None:
        show_explanations(texts)
    else:
        show_explanation(*texts.popitem())


def version(json: Json = False) -> None:
    """Print the version."""
    from opsctl import __version__
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document, print_line

    if json:
        print_document(document("opsctl.version", data={"version": __version__}, ok=True))
    else:
        print_line(f"opsctl {__version__}")
