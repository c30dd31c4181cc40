"""What is said beside a new key: that it is shown once, and that one without an end is found by the audit."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from opsctl.ui import show_keys as shown


@pytest.mark.parametrize(
    ("expires_at", "is_warned"), [(None, True), (datetime(2027, 3, 1, tzinfo=UTC), False)]
)
def test_a_key_without_an_end_is_told_as_one(
    expires_at: datetime | None, *, is_warned: bool, monkeypatch: pytest.MonkeyPatch
):
    """The first audit of whoever follows a guide would fail by it."""
    hints: list[str] = []
    monkeypatch.setattr(shown, "hint", hints.append)
    monkeypatch.setattr(shown, "note", lambda _text: None)

    shown.warn_shown_once(SimpleNamespace(record=SimpleNamespace(prefix="BUjSV01p", expires_at=expires_at)))  # type: ignore[arg-type]

    assert any("SEC008" in hint for hint in hints) is is_warned
