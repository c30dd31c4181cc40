"""A program that is older than a key of a file is told apart from one that may judge it."""

import pytest

from opsctl.clients.alertmanager_keys import too_old_for

_FILE = """
receivers:
- name: pager
  pagerduty_configs: [{routing_key_file: secrets/key}]
- name: switch
  webhook_configs: [{url_file: secrets/url}]
"""


def test_the_youngest_key_that_it_does_not_know_is_named():
    """Whoever installs the version that it came with has all of them."""
    found = too_old_for(_FILE, program="amtool", version="0.24.0")

    assert found is not None
    assert (found.key, found.since) == ("url_file", "0.26")
    assert found.fix.startswith("install Alertmanager 0.26 or newer")


@pytest.mark.parametrize("version", ["0.26.0", "0.28.1", "1.0.0", "unknown", ""])
def test_a_program_that_knows_them_or_has_no_version_may_judge(version):
    """A refusal by a program that says no version stays a refusal."""
    assert too_old_for(_FILE, program="amtool", version=version) is None


def test_a_value_that_is_called_like_a_key_is_none():
    """Only keys came with a version."""
    assert too_old_for("route: {receiver: url_file}", program="amtool", version="0.25.0") is None
