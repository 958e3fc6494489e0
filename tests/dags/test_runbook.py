"""Each DAG has its page in the run-book, which speaks of its tasks as they are."""

import re
from typing import TYPE_CHECKING

import pytest

from arrears.services.vendors import vendor_codes
from arrears.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow

RUNBOOK = PROJECT_ROOT / "docs" / "runbook"
PAGES = {path.stem: path.read_text() for path in (RUNBOOK / "dags").glob("*.md")}
SECTIONS = ["Tasks", "When it is red", "Run it again, or for other days"]
FACTS = ["runs", "reads", "writes", "gate", "hands on", "while it is red"]


def rows(page: str, section: str) -> list[list[str]]:
    """The cells of the table of a section, its head aside; `""` is the part before the first section."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    text = dict(zip(["", *parts[1::2]], parts[::2], strict=True))[section]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in lines[2:]]


def any_vendor(task_id: str) -> str:
    for vendor in vendor_codes():
        task_id = task_id.replace(vendor, "<vendor>")
    return task_id


def test_each_dag_has_its_page_and_each_page_its_dag(dag_bag: "DagBag") -> None:
    assert set(PAGES) == set(dag_bag.dags)
    index = (RUNBOOK / "README.md").read_text()
    for dag_id, dag in dag_bag.dags.items():
        assert PAGES[dag_id].startswith(f"# {dag_id}\n")
        assert f"(dags/{dag_id}.md)" in index, dag_id
        assert f"docs/runbook/dags/{dag_id}.md" in (dag.doc_md or ""), f"{dag_id} does not name its page"


def test_each_page_says_what_the_person_on_call_needs() -> None:
    for dag_id, page in PAGES.items():
        assert re.findall(r"^## (.+)$", page, re.MULTILINE) == SECTIONS, dag_id
        assert [fact for fact, _ in rows(page, "")] == FACTS, dag_id
        assert all(all(cells) for section in ("", *SECTIONS[:2]) for cells in rows(page, section)), dag_id
        assert len(rows(page, "When it is red")) >= 3, dag_id


def test_each_page_lists_the_tasks_of_its_dag(dag_bag: "DagBag") -> None:
    for dag_id, dag in dag_bag.dags.items():
        listed = [name for task, _ in rows(PAGES[dag_id], "Tasks") for name in re.findall(r"`([^`]+)`", task)]
        assert sorted(listed) == sorted({any_vendor(task.task_id) for task in dag.tasks}), dag_id


def test_links_and_paths_lead_somewhere() -> None:
    for path in RUNBOOK.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
        for named in re.findall(
            r"`((?:docs|plugins|tests|expectations|dbt_project|requirements)/[\w./-]+)`", path.read_text()
        ):
            assert (PROJECT_ROOT / named).exists(), f"{path.name}: {named}"
