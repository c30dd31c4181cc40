"""A fresh project for each test of a check."""

from pathlib import Path

import pytest
from tests.security.audited_project import AuditedProject


@pytest.fixture
def project(tmp_path: Path) -> AuditedProject:
    """Give an empty project."""
    return AuditedProject(root=tmp_path)
