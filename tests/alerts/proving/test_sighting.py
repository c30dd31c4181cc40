"""What was seen of an alert: when it came, and when it was over."""

import pytest

from opsctl.alerts.proving.model import Sighting
from opsctl.clients.alert_sink import Delivery


def sighting(*messages: tuple[float, str]) -> Sighting:
    """Return what one receiver was told."""
    return Sighting(
        messages=tuple(
            Delivery(
                at=at, receiver="slack", status=status, alertname="a", severity="warning", runbook_url=""
            )
            for at, status in messages
        )
    )


@pytest.mark.parametrize(
    ("messages", "over"),
    [
        ([], None),
        ([(1.0, "firing")], None),
        ([(1.0, "firing"), (2.0, "resolved")], 2.0),
        ([(1.0, "resolved")], None),
        ([(1.0, "resolved"), (2.0, "firing")], None),
        ([(1.0, "resolved"), (2.0, "firing"), (9.0, "resolved")], 9.0),
    ],
)
def test_an_alert_is_over_only_after_it_came(messages: list[tuple[float, str]], over: float | None):
    """That an earlier drill's alert is over may be told while the next drill runs."""
    assert sighting(*messages).over_at("slack") == over
    assert sighting(*messages).over_at("email") is None
