"""Do the books have names under which everything in them is read, and written?"""

from collections.abc import Iterator

from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.prometheus_rules import colliding_groups, file_of
from opsctl.core.findings import Location, Severity
from opsctl.core.lint_checks import Complaint


@CHECKS.check("ALR070")
def colliding_files(context: LintContext) -> Iterator[Complaint]:
    """Two groups of rules would be written into one file, and the rules of one of them would be lost.

    A book `NAME.yaml` becomes `NAME.yml`, and each objective in it `NAME.OBJECTIVE.yml`; so a book `ranking.availability`
    meets the objective `availability` of the book `ranking`. Names that differ in capitals only are one on some disks.
    """
    sources = {loaded.name: loaded.source for loaded in context.books.books}
    for groups in colliding_groups(context.rules):
        book, _, objective = groups[-1].partition(":")
        path = ("rules", objective) if objective else ("rules",)
        yield Complaint(
            title=f"`{' and '.join(groups)}` would be written into one file, `{file_of(groups[0])}.yml`",
            location=sources[book].place(*path, of_key=True),
            fix="rename the book or the objective",
        )


@CHECKS.check("ALR071", Severity.WARNING)
def ignored_file(context: LintContext) -> Iterator[Complaint]:
    """A file beside the books ends in `.yml`, so nobody reads it: books end in `.yaml`."""
    for file in context.books.ignored:
        yield Complaint(
            title="this is no book: its name ends in `.yml`",
            location=Location(file=file),
            fix=f"mv {file} {file.removesuffix('.yml')}.yaml",
        )
