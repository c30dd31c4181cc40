"""How long do checks and rendering take at ten times today's size: 200 rules, 20 dashboards."""

import statistics
import time
from collections.abc import Callable

import yaml
from tests.alerts.books import DELIVERY, SHIPPED, books_of, compiled
from tests.benchmarks.rows import Spread, at_most, tell
from tests.dashboards.boards import FOLDER

from opsctl.alerts.files import render_files
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.target import Target
from opsctl.cli.dashboarding import alert_lines
from opsctl.core.finding_formats import reaches
from opsctl.core.findings import Severity
from opsctl.dashboards.files import boards_of, render_dashboards
from opsctl.dashboards.grafana import render_board
from opsctl.dashboards.lint.registry import LintContext as BoardContext
from opsctl.dashboards.lint.registry import linted
from opsctl.dashboards.lint.run import lint_dashboards
from opsctl.dashboards.load import load_dashboards
from opsctl.metrics.contract import full_contract

RULES, DASHBOARDS, TURNS = 200, 20, 5
MOST_MILLISECONDS = 1000.0


def many_books() -> AlertBooks:
    """Return 200 rules: the shipped book of the feed again and again, under other names."""
    document = yaml.safe_load((SHIPPED / "ranking.yaml").read_text())
    rules = {name: rule for name, rule in document["rules"].items() if rule["kind"] == "Alert"}
    for rule in rules.values():
        rule.pop("inhibited_by", None)
        rule.pop("notify", None)
    copies = -(-RULES // len(rules))
    many = [(f"{name}_{number}", rule) for number in range(copies) for name, rule in rules.items()][:RULES]
    return books_of(yaml.safe_dump({**document, "rules": dict(many)}, sort_keys=False), delivery=DELIVERY)


def seconds(work: Callable[[], object]) -> list[float]:
    """Return the times of a few turns, in seconds of CPU: what else runs on the machine does not count."""
    taken = []
    for _ in range(TURNS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return taken


def main() -> None:
    """Print the times."""
    from opsctl.alerts.lint.registry import LintContext
    from opsctl.alerts.lint.run import lint_books

    books = many_books()
    rules = compiled(books)
    contract = full_contract()
    boards = (load_dashboards(FOLDER) * DASHBOARDS)[:DASHBOARDS]

    def check_alerts() -> int:
        from datetime import UTC, datetime

        from opsctl.chaos.registry import all_faults

        context = LintContext(
            books=books,
            rules=compiled(books),
            contract=contract,
            faults=frozenset(all_faults()),
            now=datetime.now(UTC),
        )
        return sum(reaches(each, Severity.ERROR) for each in lint_books(context))

    drawn = [(each, render_board(each)) for each in boards_of(boards, alert_lines(rules), contract=contract)]

    def check_dashboards() -> int:
        context = BoardContext(
            boards=[linted(each, text, None) for each, text in drawn],
            contract=contract,
            alerts=alert_lines(rules),
        )
        return len(lint_dashboards(context))

    times = {
        f"compile {len(rules.alerts)} alerts": seconds(lambda: compiled(books)),
        "check them": seconds(check_alerts),
        "render rules, routes and unit tests": seconds(
            lambda: render_files(books, rules, target=Target(), contract=contract)
        ),
        f"render {len(boards)} dashboards and the one of alerts": seconds(
            lambda: render_dashboards(boards, alert_lines(rules), contract=contract)
        ),
        "check what was rendered": seconds(check_dashboards),
    }
    for what, taken in times.items():
        print(f"{what:48} {statistics.median(taken) * 1000:8.1f} ms")
    together = [sum(turn) * 1000 for turn in zip(*times.values(), strict=True)]
    row = tell(
        "alert_books",
        f"compile, check and render {RULES} alerts and {DASHBOARDS} dashboards (CPU)",
        Spread.of_turns(together),
        unit="ms",
        target=at_most(MOST_MILLISECONDS),
    )
    print(f"{'together':48} {row.value:8.1f} ms; goal at most {MOST_MILLISECONDS:,.0f} ms: {row.verdict}")


if __name__ == "__main__":
    main()
