"""What one look concludes: which alerts count, which parts are in trouble, and whether all is well."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.status.looks import WELL, alert, part, signals

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_a_service_that_answers_without_trouble_is_well():
    """Also where nobody watches: alerts are not always there."""
    assert WELL.is_well
    assert replace(WELL, alerts=None).is_well


def test_a_service_that_does_not_answer_is_not_well():
    """Nothing is known of it."""
    assert not replace(WELL, signals=None).is_well


def test_loud_alerts_that_fire_make_it_unwell_and_quiet_ones_do_not():
    """What is only shown wakes nobody, and the dead man's switch always fires."""
    loud = replace(WELL, alerts=[alert("a", severity="warning")])
    quiet = replace(
        WELL,
        alerts=[
            alert("Watchdog", severity="none"),
            alert("shown", severity="info"),
            alert("soon", severity="critical", state="pending"),
        ],
    )

    assert loud.problems == ("`a` fires",)
    assert quiet.is_well
    assert [each.name for each in quiet.firing] == ["shown"]
    assert [each.name for each in quiet.pending] == ["soon"]


def test_the_loudest_alert_comes_first_and_a_muted_one_last_of_its_kind():
    """The first is the one whose runbook is named."""
    alerts = [
        alert("c", severity="info"),
        alert("b", severity="warning", is_muted=True),
        alert("d", severity="warning"),
        alert("a", severity="critical"),
    ]

    assert [each.name for each in replace(WELL, alerts=alerts).firing] == ["a", "d", "b", "c"]


def test_a_part_that_crashed_or_is_not_ready_is_trouble_one_that_rests_is_none():
    """A stopped watcher is nobody's trouble."""
    look = replace(
        WELL,
        parts=[
            part("vectors", status="crashed", is_ready=False),
            part("postgres", is_ready=False),
            part("pooler", status="stopped", is_ready=False),
        ],
    )

    assert look.problems == (
        "`vectors` of the stack has crashed",
        "`postgres` of the stack runs and is not ready",
    )


def test_too_many_errors_are_trouble_without_any_alert():
    """More than one in a hundred, as the alert has it."""
    assert not replace(WELL, signals=signals(error_ratio=0.011)).is_well
    assert replace(WELL, signals=signals(error_ratio=0.01)).is_well
