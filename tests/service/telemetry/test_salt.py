"""Hashes of users: the same within an installation, different between two, and never the id."""

import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import NotReadyError
from opsctl.service.telemetry.salt import hash_user, installation_salt

RACER = """
import sys
from pathlib import Path
from opsctl.service.telemetry.salt import installation_salt
print(installation_salt(Path(sys.argv[1])).hex())
"""


def test_the_salt_is_made_once_for_its_owner_only(tmp_path):
    """A restart hashes users as before; nobody else on the machine can read it."""
    path = tmp_path / "service" / "log_salt"

    salt = installation_salt(path)

    assert installation_salt(path) == salt
    assert len(salt) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert installation_salt(tmp_path / "other") != salt
    assert [file.name for file in path.parent.iterdir()] == ["log_salt"]


def test_workers_that_start_together_agree(tmp_path):
    """Four processes, one salt."""
    command = [sys.executable, "-c", RACER, str(tmp_path / "log_salt")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    assert len({racer.communicate(timeout=60)[0] for racer in racers}) == 1


@pytest.mark.parametrize("left", [b"", b"short"])
def test_a_salt_that_was_cut_short_is_made_anew(tmp_path, left):
    """With an empty key anybody could find a user by trying all ids."""
    path = tmp_path / "log_salt"
    path.write_bytes(left)

    assert len(installation_salt(path)) == 32


def test_a_salt_that_cannot_be_kept_is_told(tmp_path):
    """The folder is a file."""
    (tmp_path / "file").write_text("")

    with pytest.raises(NotReadyError):
        installation_salt(tmp_path / "file" / "log_salt")


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_hash_names_one_user_under_one_salt(one, other):
    """Sixteen digits; equal for equal ids only; another salt, another hash."""
    salt = b"s" * 32

    assert (hash_user(one, salt=salt) == hash_user(other, salt=salt)) == (one == other)
    assert hash_user(one, salt=salt) != hash_user(one, salt=b"t" * 32)
    assert len(hash_user(one, salt=salt)) == 16


def test_the_hash_is_that_of_keyed_blake2b():
    """A known value, so that a change of the function would be seen."""
    assert hash_user(42, salt=bytes(range(32))) == "5f5b7ad598a85b1c"
