"""Fixtures of the tests of the dbt project."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from marts_warehouse import Warehouse, new_warehouse

from arrears.settings import PROJECT_ROOT, Settings


@pytest.fixture
def marts(server: Settings) -> Iterator[Warehouse]:
    """A warehouse of this test's own."""
    with new_warehouse(server) as warehouse:
        yield warehouse


@pytest.fixture(scope="session")
def policy_pack(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A copy of the shipped packs with lines added to some of its seeds."""

    def pack(**lines: list[str]) -> Path:
        directory = tmp_path_factory.mktemp("policy")
        shutil.copytree(PROJECT_ROOT / "dbt_project" / "seeds" / "policy", directory, dirs_exist_ok=True)
        for seed, added in lines.items():
            path = directory / f"{seed}.csv"
            path.write_text(path.read_text() + "".join(f"{line}\n" for line in added))
        return directory

    return pack
