"""Do the texts of an alert help whoever reads them at night: headline, description, labels, runbook, panel?"""

import re
from collections.abc import Iterator

from opsctl.alerts.compile import GENERATED_DASHBOARD
from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.lint.templates import FUNCTIONS, actions_of, template_problems
from opsctl.alerts.severity import AlertSeverity
from opsctl.config.printable import escaped, unprintable_values
from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint
from opsctl.metrics.promql import PromqlError, read_promql

_LABEL = re.compile(r"\$labels\.(?P<name>\w+)")
_HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation")


@CHECKS.check("ALR020")
def value_in_label(context: LintContext) -> Iterator[Complaint]:
    """A label of an alert holds a measured value, so every evaluation makes another alert.

    Labels are an alert's identity: one with `{{ $value }}` in it is a new alert each time the value moves, its `for` never
    ends, and each one that fires is sent. Put values into the description.
    """
    for loaded, name, rule in context.written():
        for label, text in rule.labels.items():
            if "{{" in text:
                yield Complaint(
                    title=f"{name}: label `{label}` holds a template",
                    location=loaded.source.place("rules", name, "labels", label),
                    fix="a fixed text; what is measured belongs into `description`",
                )


@CHECKS.check("ALR021")
def template(context: LintContext) -> Iterator[Complaint]:
    """A text holds a template that Prometheus cannot fill in, so people read `<error expanding template>`.

    Braces must be balanced, `{{ if }}`, `{{ range }}` and `{{ with }}` have one `{{ end }}` each, functions and variables must
    be Prometheus's own, and `{{ $labels.x }}` must be a label that the expression keeps: aggregations drop all labels that
    they do not name. What holds for a description holds for summary and impact.
    """
    for loaded, name, rule in context.written():
        kept = _labels_kept(context, name)
        for key in ("summary", "description", "impact"):
            text, place = getattr(rule, key), loaded.source.place("rules", name, key)
            for problem in template_problems(text):
                yield Complaint(
                    title=f"{name}: {problem}",
                    location=place,
                    fix=f"functions are {', '.join(sorted(FUNCTIONS))}",
                )
            for label in dict.fromkeys(
                each for inside in actions_of(text) for each in _LABEL.findall(inside)
            ):
                if label not in kept:
                    yield Complaint(
                        title=f"{name}: the expression does not keep the label `{label}`",
                        location=place,
                        fix=f"add it to `by`; there is {', '.join(sorted(kept)) or 'none'}",
                    )


@CHECKS.check("ALR022", Severity.WARNING)
def headline(context: LintContext) -> Iterator[Complaint]:
    """A summary is no headline: it begins small, ends without a full stop, or holds a template.

    The summary is what stands on the pager: one fixed sentence, the same for every instance, so that messages of one
    trouble look alike. What differs stands in the description.
    """
    for loaded, name, rule in context.written():
        text = rule.summary
        if "{{" in text or not text[0].isupper() or not text.endswith("."):
            yield Complaint(
                title=f"{name}: the summary is no headline",
                location=loaded.source.place("rules", name, "summary"),
                fix="a capital letter at the front, a full stop at the end, no template",
            )


@CHECKS.check("ALR023")
def runbook(context: LintContext) -> Iterator[Complaint]:
    """A rule has no runbook, or one that lacks a part.

    Whoever is woken finds there what it means, what readers notice, where to look and what to do: the headings Meaning,
    Impact, Diagnosis and Mitigation. `opsctl alerts render` writes a stub; `opsctl runbooks lint` looks inside.
    """
    if context.runbooks is None:
        return
    for loaded, name, rule in context.written():
        alerts = context.alerts_of(name)
        file = alerts[0].runbook if alerts else f"{name}.md"
        place = loaded.source.place(
            "rules", name, *(("runbook",) if rule.runbook else ()), of_key=not rule.runbook
        )
        headings = context.runbooks.get(file)
        if headings is None:
            yield Complaint(
                title=f"{name} has no runbook `{file}`",
                location=place,
                fix="`opsctl alerts render` writes a stub of it",
            )
            continue
        missing = [each for each in _HEADINGS if each not in headings]
        if missing:
            yield Complaint(
                title=f"{name}: its runbook `{file}` has no {' and no '.join(missing)}",
                location=place,
                fix="write it; whoever is woken at night reads nothing else",
            )


@CHECKS.check("ALR024")
def panel(context: LintContext) -> Iterator[Complaint]:
    """A rule names a panel that no dashboard has, so the link in its message leads nowhere.

    Without a `panel` a rule is shown on the dashboard `alerts`, which is made from the rules.
    """
    if context.panels is None:
        return
    for loaded, name, rule in context.written():
        if rule.panel is None or rule.panel.dashboard == GENERATED_DASHBOARD:
            continue
        panels = context.panels.get(rule.panel.dashboard)
        place = loaded.source.place("rules", name, "panel")
        if panels is None:
            known = ", ".join(sorted(context.panels))
            yield Complaint(
                title=f"{name}: there is no dashboard `{rule.panel.dashboard}`",
                location=place,
                fix=f"one of {known}",
            )
        elif rule.panel.panel not in panels:
            yield Complaint(
                title=f"{name}: dashboard `{rule.panel.dashboard}` has no panel `{rule.panel.panel}`",
                location=place,
                fix=f"one of {', '.join(sorted(panels))}",
            )


@CHECKS.check("ALR025", Severity.WARNING)
def page_without_impact(context: LintContext) -> Iterator[Complaint]:
    """A page says nothing of what readers notice, so nobody can tell whether it was worth waking up for."""
    for loaded, name, rule in context.written():
        if (
            any(alert.severity is AlertSeverity.CRITICAL for alert in context.alerts_of(name))
            and len(rule.impact) < 15
        ):
            yield Complaint(
                title=f"{name} pages, and says nothing of its impact",
                location=loaded.source.place("rules", name, "impact"),
                fix="say what readers notice",
            )


@CHECKS.check("ALR026")
def unprintable(context: LintContext) -> Iterator[Complaint]:
    """A text holds a character that terminals and pagers obey, or that turns the direction of writing.

    With it a message can hide what it says, or show something else than what was reviewed.
    """
    sources = [*(loaded.source for loaded in context.books.books), context.books.delivery_source]
    for source in sources:
        for path, is_key, character in unprintable_values(source.marks):
            yield Complaint(
                title=f"`{'.'.join(str(part) for part in path)}` holds the character {escaped(character)}",
                location=source.place(*path, of_key=is_key),
                fix="leave it away",
            )


def _labels_kept(context: LintContext, name: str) -> frozenset[str]:
    """Return the labels that descriptions of a rule may use: those of its series and its own."""
    kept: set[str] = set()
    for alert in context.alerts_of(name):
        kept |= set(alert.labels)
        try:
            reading = read_promql(alert.expr)
        except PromqlError:
            continue
        for grouping in reading.groupings:
            kept |= set(grouping.labels) - {"le"}
        if not reading.groupings:
            kept |= {
                label
                for use in reading.uses
                if (known := context.contract.series(use.metric))
                for label in known.labels
            }
    return frozenset(kept)
