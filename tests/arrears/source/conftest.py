"""Fixtures for the source's tests."""

from pathlib import Path

import pytest
from contract_samples import Directory


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    path = tmp_path / "bank"
    path.mkdir()
    return Directory(path)
