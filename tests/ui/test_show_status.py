"""How `opsctl status` looks: at several widths, in trouble, without an answer, and where the height is small."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.status.looks import NOW, WELL, alert, part, signals

from opsctl.status.look import SeenEvidence
from opsctl.ui.live_status import live_page
from opsctl.ui.show_status import History, status_lines

TROUBLE = replace(
    WELL,
    signals=signals(
        error_ratio=0.034,
        pool_waiting=7.0,
        dependencies={"vectors": False, "database": True},
        breakers={"l2": True},
        tiers={},
        hit_ratio={},
        latency_seconds={0.5: 0.01, 0.99: None},
        outbox_lag=30_000.0,
    ),
    alerts=[
        alert("vectors_unreachable"),
        alert("vector_errors", is_muted=True),
        alert("high_error_rate", severity="critical"),
        alert("cache_rebuilt", severity="info"),
        alert("availability_burn_slow", state="pending"),
        alert("[bold]no markup[/]", state="pending"),
    ],
    parts=[
        part("postgres"),
        part("vectors", status="crashed", is_ready=False),
        part("service", is_ready=False),
    ],
    evidence=SeenEvidence(
        kind="bench.latency", subject="all", verdict="inconclusive", recorded_at=NOW, is_stale=True
    ),
)
SILENT = replace(
    WELL,
    signals=None,
    alerts=None,
    evidence=None,
    silence="http://127.0.0.1:8000/metrics does not answer: `opsctl stack up` starts it",
    note="nobody watches: `opsctl stack up --watch` starts Prometheus and Alertmanager",
)
LOOKS = {"well": WELL, "trouble": TROUBLE, "silent": SILENT}


def past(*looks):
    """Return the history of these looks."""
    history = History()
    for look in looks:
        history.add(look)
    return history


def page(lines):
    """Return lines as plain text."""
    return "\n".join(line.plain for line in lines) + "\n"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", LOOKS)
def test_a_look_is_a_page(name, width, snapshot):
    """With a past of ups, a gap and downs."""
    before = [
        replace(WELL, signals=signals(rate=rate, error_ratio=rate / 9000)) for rate in range(0, 900, 100)
    ]
    history = past(*before, SILENT, SILENT, *before, LOOKS[name])

    assert page(status_lines(LOOKS[name], history, width=width)) == snapshot


@pytest.mark.parametrize("name", LOOKS)
def test_meaning_is_never_carried_by_colour_alone(name):
    """Every coloured mark has its word."""
    text = page(status_lines(LOOKS[name], past(), width=120))

    assert {"well": "✔ well", "trouble": "✘ not well", "silent": "✘ no figures"}[name] in text
    if name == "trouble":
        for words in (
            "✘ 3.4%",
            "✘ vectors does not answer",
            "! breaker of l2 open",
            "✘ vectors crashed",
            "✘ service not ready",
            "! inconclusive",
            "● critical high_error_rate",
            "vector_errors (muted)",
            "[bold]no markup[/]",
        ):
            assert words in text


@given(st.integers(40, 200), st.sampled_from(sorted(LOOKS)))
def test_no_line_is_wider_than_the_terminal(width, name):
    """Whatever its size, as long as a name has room."""
    lines = status_lines(LOOKS[name], past(WELL, WELL), width=width)

    assert max(line.cell_len for line in lines) <= max(width, 60)


@given(st.integers(18, 40), st.integers(0, 40))
def test_a_live_page_fits_the_height_and_counts_what_does_not(height, count):
    """What ends the view stays in sight, and no alert is lost without a word."""
    look = replace(WELL, alerts=[alert(f"alert_{number:02}") for number in range(count)])

    text = page(live_page(look, past(look), width=120, height=height)).splitlines()

    assert len(text) <= height
    assert text[-1] == "q ends"
    shown = sum("● warning alert_" in line for line in text)
    left = [int(line.split()[1]) for line in text if line.strip().startswith("and ")]
    assert shown + sum(left) == count


def test_the_first_look_has_no_curve():
    """One value is no curve."""
    assert "█" not in page(status_lines(WELL, past(WELL), width=120))


def test_a_gap_shows_where_the_service_did_not_answer():
    """An outage must not look like a line."""
    assert "█·█" in page(status_lines(WELL, past(WELL, SILENT, WELL), width=120))
