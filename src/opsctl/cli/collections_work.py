"""How do the longer verbs of `opsctl collections` run: wire, call, show, record, leave."""

from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.cli.collecting import Workbench
    from opsctl.qdrant_collections.many import Results
    from opsctl.qdrant_collections.options import RebuildOptions
    from opsctl.qdrant_collections.realias import Realias


def rebuild_named(names: "Sequence[str]", *, options: "RebuildOptions", json: bool) -> None:
    """Rebuild, record each rebuild, and leave with its verdict."""
    from opsctl.cli.collecting import recorded, workbench
    from opsctl.qdrant_collections.many import each_of
    from opsctl.qdrant_collections.proof import rebuild_evidence
    from opsctl.qdrant_collections.rebuild import rebuild
    from opsctl.ui.show_collections import show_rebuilds

    with workbench() as work:

        def one(alias: str) -> Any:
            build = partial(rebuild, alias, book=work.book, here=work.here, options=options)
            return recorded(build, proof=rebuild_evidence, server=work.server)

        wanted = work.expected(names, counts=True)
        results = each_of(wanted, one)
    are_good = all(each.ok for each in results.reports)
    _finish(results, schema="opsctl.collections.rebuild", show=show_rebuilds, json=json, are_good=are_good)


def show_rebuild_plans(names: "Sequence[str]", *, options: "RebuildOptions", json: bool) -> None:
    """Show what a rebuild would do, through the code that would do it."""
    from opsctl.cli.collecting import workbench
    from opsctl.qdrant_collections.beginning import preview
    from opsctl.qdrant_collections.many import each_of
    from opsctl.ui.show_collections import show_plans

    with workbench() as work:
        look = partial(preview, book=work.book, here=work.here, options=options)
        wanted = work.expected(names, counts=True)
        results = each_of(wanted, look)
    _finish(results, schema="opsctl.collections.plan_rebuild", show=show_plans, json=json)


def verify_named(names: "Sequence[str]", *, json: bool) -> None:
    """Verify what serves, record it, and leave with the verdict."""
    from opsctl.cli.collecting import recorded, workbench
    from opsctl.qdrant_collections.many import each_of
    from opsctl.qdrant_collections.proof import verify_evidence
    from opsctl.qdrant_collections.prove import verify_live
    from opsctl.ui.show_collections import show_verifications

    with workbench() as work:

        def one(alias: str) -> Any:
            look = partial(verify_live, alias, book=work.book, here=work.here)
            return recorded(look, proof=partial(verify_evidence, alias), server=work.server)

        results = each_of(work.expected(names), one)
    are_good = all(each.ok for each in results.reports)
    _finish(
        results, schema="opsctl.collections.verify", show=show_verifications, json=json, are_good=are_good
    )


def drift_named(names: "Sequence[str]", *, repair: bool, json: bool) -> None:
    """Look for drift, mend it where asked, record it, and leave with the verdict."""
    from opsctl.cli.collecting import recorded, workbench
    from opsctl.qdrant_collections.drift import find_drift
    from opsctl.qdrant_collections.many import each_of
    from opsctl.qdrant_collections.proof import drift_evidence
    from opsctl.ui.show_collections import show_drifts

    with workbench() as work:

        def one(alias: str) -> Any:
            look = partial(find_drift, alias, book=work.book, here=work.here, repair=repair)
            return recorded(look, proof=drift_evidence, server=work.server)

        results = each_of(work.expected(names), one)
    are_good = all(each.ok for each in results.reports)
    _finish(results, schema="opsctl.collections.drift", show=show_drifts, json=json, are_good=are_good)


def roll_back_named(name: str, *, yes: bool, dry_run: bool, json: bool) -> None:
    """Roll back, or show what that would do."""
    from opsctl.cli.collecting import recorded, workbench
    from opsctl.cli.document import document
    from opsctl.qdrant_collections.many import chosen_names
    from opsctl.qdrant_collections.proof import rollback_evidence
    from opsctl.qdrant_collections.rollback import plan_rollback, require_yes, roll_back
    from opsctl.ui.console import print_document
    from opsctl.ui.show_collections import show_rollback

    with workbench() as work:
        chosen_names(work.book, [name])
        plan = plan_rollback(name, here=work.here)
        if not dry_run:
            require_yes(plan, yes=yes)
            recorded(partial(roll_back, name, here=work.here), proof=rollback_evidence, server=work.server)
    if json:
        print_document(document("opsctl.collections.rollback", data=plan, ok=True))
    else:
        show_rollback(plan, dry_run=dry_run)


def realias_named(names: "Sequence[str]", *, dry_run: bool, json: bool) -> None:
    """Lead lost aliases to a generation again, or show what that would do."""
    from opsctl.cli.collecting import workbench
    from opsctl.qdrant_collections.realias import plan_realias
    from opsctl.ui.show_collections import show_realiases

    with workbench() as work:
        if dry_run:
            results = plan_realias(names, book=work.book, here=work.here)
        else:
            results = _realias_and_record(names, work=work)
    show = partial(show_realiases, dry_run=dry_run)
    _finish(results, schema="opsctl.collections.realias", show=show, json=json)


def _realias_and_record(names: "Sequence[str]", *, work: "Workbench") -> "Results[Realias]":
    """All aliases are set by one change, and each that was set has a proof of its own."""
    from opsctl.cli import wiring
    from opsctl.qdrant_collections.proof import realias_evidence
    from opsctl.qdrant_collections.realias import realias

    clock = wiring.clock()
    started_at, began = clock.now(), clock.monotonic()
    results = realias(names, book=work.book, here=work.here)
    took = clock.monotonic() - began
    prove = partial(realias_evidence, started_at=started_at, duration_seconds=took, server=work.server)
    for report in results.reports:
        if report.is_set:
            wiring.record(prove(report))
    return results


def _finish(results: "Results[Any]", *, schema: str, show: Any, json: bool, are_good: bool = True) -> None:
    """Show the reports and every failure, and leave with the gravest of the codes."""
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_collections import failure_findings
    from opsctl.ui.show_error import show_error

    ok = are_good and not results.failures
    if json:
        print_document(document(schema, data=results.reports, ok=ok, findings=failure_findings(results)))
    elif results.reports or not results.failures:
        show(results.reports)
    told = {(failure.error.code, failure.error.message): failure.error for failure in results.failures}
    for error in told.values():  # what keeps all of them from their work is said once
        show_error(error)
    codes = [failure.error.exit_code for failure in results.failures]
    leave(max(codes, default=ExitCode.GOOD if ok else ExitCode.BAD_VERDICT))
