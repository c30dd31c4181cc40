"""Without Grafana's SDK a render says what to install and what to do then, and tells a missing one from another version."""

import sys
from collections.abc import Iterator

import pytest
from tests.dashboards.boards import boards

from opsctl.core.errors import NotReadyError
from opsctl.dashboards import grafana
from opsctl.dashboards.grafana import _without_sdk, render_board


@pytest.fixture(autouse=True)
def sdk_is_looked_for_anew() -> Iterator[None]:
    """It is loaded once a process."""
    grafana._sdk.cache_clear()
    yield
    grafana._sdk.cache_clear()


def test_a_missing_sdk_is_named_with_the_next_steps(monkeypatch: pytest.MonkeyPatch):
    """What to install, what to run then, and what works without."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "grafana_foundation_sdk"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)

    with pytest.raises(NotReadyError) as caught:
        render_board(boards()[0])

    assert caught.value.code == "DSH091"
    fix = caught.value.fix or ""
    assert fix.startswith("pip install 'opsctl[grafana]', then run this command again")
    assert "opsctl dashboards preview" in fix


def test_a_part_that_the_sdk_lacks_wants_another_version_of_it():
    """A plain install would say that it is there already, and change nothing."""
    error = ImportError("cannot import name `statetimeline`", name="grafana_foundation_sdk.builders")

    told = _without_sdk(error)

    assert "in a version that opsctl does not know" in told.message
    assert (told.fix or "").startswith("pip install --upgrade 'opsctl[grafana]'")
