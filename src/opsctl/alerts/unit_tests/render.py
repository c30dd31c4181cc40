"""How do cases look in promtool's files: one for each file of rules and each step, each case a test of its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opsctl.alerts.prometheus_rules import HEAD, file_of
from opsctl.alerts.promql_text import duration
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.unit_tests.model import Case, InputSeries, Phase
from opsctl.alerts.yaml_text import yaml_text


def render_unit_tests(rules: RuleSet, cases: Sequence[Case]) -> Mapping[str, str]:
    """Return the text of each test file by its name, without the suffix; `../rules/` holds what they test."""
    alerts = {alert.name: alert for alert in rules.alerts}
    files: dict[tuple[str, float], list[Case]] = {}
    for case in cases:
        files.setdefault((alerts[case.alert].group, case.step_seconds), []).append(case)
    return {
        f"{file_of(group)}_{duration(step)}": render_cases(
            chosen,
            alerts=alerts,
            rule_file=f"../rules/{file_of(group)}.yml",
            source=f"`{group.partition(':')[0]}.yaml`",
        )
        for (group, step), chosen in sorted(files.items())
    }


def render_cases(
    cases: Iterable[Case], *, alerts: Mapping[str, AlertRule], rule_file: str, source: str
) -> str:
    """Return a test file of cases that have one step."""
    chosen = list(cases)
    step = duration(chosen[0].step_seconds)
    document = {
        "rule_files": [rule_file],
        "evaluation_interval": step,
        "tests": [_test(case, alerts[case.alert]) for case in chosen],
    }
    return yaml_text(document, head=HEAD.format(sources=source))


def test_name(case: Case) -> str:
    """Return how a case is called, such as `high_error_rate: fires just beyond the threshold`."""
    return f"{case.alert}: {case.kind}"


def _test(case: Case, alert: AlertRule) -> dict[str, Any]:
    return {
        "name": test_name(case),
        "interval": duration(case.step_seconds),
        "input_series": [_series(series) for series in case.series],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{alert.name}",alertstate="firing"}}',
                "eval_time": duration(moment.at_seconds),
                "exp_samples": [{"labels": _firing(case, alert), "value": 1}] if moment.fires else [],
            }
            for moment in case.moments
        ],
    }


def _firing(case: Case, alert: AlertRule) -> str:
    labels = {
        "alertname": alert.name,
        "alertstate": "firing",
        **case.kept_labels,
        **alert.labels,
    }
    return f"ALERTS{{{_label_text(labels)}}}"


def _series(series: InputSeries) -> dict[str, str]:
    if series.written is not None:
        return {"series": series.written[0], "values": series.written[1]}
    labels = f"{{{_label_text(series.labels)}}}" if series.labels else ""
    values = _counter(series.phases) if series.is_counter else _gauge(series.phases)
    return {"series": f"{series.name}{labels}", "values": values}


def _label_text(labels: Mapping[str, str]) -> str:
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    return ",".join(f'{name}="{value}"' for name, value in sorted(escaped.items()))


def _counter(phases: Sequence[Phase]) -> str:
    """Return a counter that starts at 0 and grows by a number each step of a phase."""
    parts, value = ["0"], 0.0
    for phase in phases:
        if phase.steps < 1:
            continue
        grows = phase.number or 0.0
        parts.append(f"{_number(value + grows)}+{_number(grows)}x{phase.steps - 1}")
        value += grows * phase.steps
    return " ".join(parts)


def _gauge(phases: Sequence[Phase]) -> str:
    return " ".join(
        f"_x{phase.steps}" if phase.number is None else f"{_number(phase.number)}+0x{phase.steps - 1}"
        for phase in phases
        if phase.steps > 0
    )


def _number(value: float) -> str:
    """Return a number of ten digits, so that equal shares stay equal however they were added up.

    >>> [_number(value) for value in (0.1 + 0.2, 10000.0, 1e15)]
    ['0.3', '10000', '1000000000000000']
    """
    return (
        format(value, ".15f").rstrip("0").rstrip(".")
        if abs(value) < 1
        else format(round(value, 6), ".6f").rstrip("0").rstrip(".")
    )
