"""How does a probe of the dashboards look: a row a dashboard, then what is wrong."""

from opsctl.dashboards.probing import Probed
from opsctl.evidence.model import Verdict
from opsctl.ui.console import print_line, print_markup
from opsctl.ui.figures import VERDICT_WORDS
from opsctl.ui.table import show_table


def show_probed(probed: Probed) -> None:
    """Print how many panels of each dashboard have something to show."""
    from rich.markup import escape

    rows = []
    for board in dict.fromkeys(each.board for each in probed.panels):
        own = [each for each in probed.panels if each.board == board]
        empty = ", ".join(each.key for each in own if not each.series and not each.refused)
        shown = f"{sum(each.series > 0 for each in own)} of {len(own)}"
        rows.append((escape(board), shown, escape(empty if len(empty) <= 45 else f"{empty[:42]}...") or "-"))
    show_table(("dashboard", "panels with data", "empty"), rows)
    for each in probed.refused:
        print_line(f"{each.board}/{each.key} is refused: {each.refused}")
    for board in probed.dark:
        print_line(f"{board} has nothing to show")
    word = VERDICT_WORDS[probed.verdict]
    targets = f"{probed.targets_up} of {probed.targets} targets are up"
    print_markup(f"{word} {targets}{'' if probed.verdict is Verdict.PASS else '; see above'}")
