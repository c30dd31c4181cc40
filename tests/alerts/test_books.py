"""What a book must not say is refused where it is written, and what it leaves out still reaches somebody."""

import pytest
from tests.alerts.books import DELIVERY, EVERY_KIND, books_of, compiled

from opsctl.core.errors import OpsError


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("timing: {evaluate_every: 0s}", "longer than nothing"),
        ("watchdog_every: 0m", "longer than nothing"),
        (f"timing: {{repeat_every: {'9' * 400}s}}", "longer than ten years"),
        (
            'mute: [{severity: warning, weekdays: [monday], times: ["22:00-06:00"]}]',
            "`22:00-24:00` and `00:00-06:00`",
        ),
        ('mute: [{severity: warning, weekdays: [monday], times: ["06:00-06:00"]}]', "does not end after"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(more: str, problem: str):
    """Not by a traceback, and not first by Alertmanager, which would refuse everything."""
    with pytest.raises(OpsError) as refused:
        books_of(EVERY_KIND, delivery=f"{DELIVERY}{more}\n")
    assert problem in str(refused.value.findings)


def test_a_window_of_no_time_is_refused():
    """PromQL has none."""
    with pytest.raises(OpsError) as refused:
        books_of(EVERY_KIND.replace("window: 5m", "window: 0s", 1))
    assert "longer than nothing" in str(refused.value.findings)


def test_a_severity_that_the_book_forgets_reaches_the_catch_all():
    """Forgotten is not the same as an empty list, which only shows."""
    forgotten = compiled(books_of(EVERY_KIND, delivery=DELIVERY.replace("warning: [chat], ", "")))
    shown = compiled(books_of(EVERY_KIND, delivery=DELIVERY.replace("warning: [chat]", "warning: []")))

    assert [rules.of_rule("mean")[0].receivers for rules in (forgotten, shown)] == [("chat",), ()]
