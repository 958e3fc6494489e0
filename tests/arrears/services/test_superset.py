"""The service of the dashboards, without Superset: what it needs and keeps, and what it says when something lacks."""

import stat
from pathlib import Path

import pytest

from arrears.errors import ServiceError
from arrears.services import superset
from arrears.services.superset import SupersetService, create_secrets, password_file, warehouse_uri
from arrears.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    (tmp_path / "secrets").mkdir()
    for role in ("superset", "bi_reader"):
        (tmp_path / "secrets" / f"postgres_{role}").write_text(f"p@ss of {role}")
    return settings


def test_who_has_not_installed_it_is_told_how(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(superset, "ENVIRONMENT", tmp_path / ".venv-bi")
    with pytest.raises(ServiceError, match="run `make bi`"):
        SupersetService(settings).set_up()


def test_key_and_password_are_made_once_and_for_their_owner_only(settings: Settings) -> None:
    create_secrets(settings)
    made = password_file(settings).read_text()
    create_secrets(settings)

    assert password_file(settings).read_text() == made
    assert len(made) > 30
    assert stat.S_IMODE(password_file(settings).stat().st_mode) == 0o600


def test_it_reads_the_warehouse_as_bi_reader_and_its_own_tables_as_itself(settings: Settings) -> None:
    create_secrets(settings)
    environment = SupersetService(settings).environment()

    assert "bi_reader:XXXXXXXXXX@" in warehouse_uri(settings)
    assert environment["WAREHOUSE_PASSWORD"] == "p@ss of bi_reader"
    assert environment["SUPERSET_METADATA_URI"].startswith("postgresql+psycopg2://superset:p%40ss%20of%20superset@")
    assert "PYTHONPATH" not in environment
