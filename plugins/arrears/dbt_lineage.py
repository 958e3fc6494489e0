"""What dbt built from what, as OpenLineage events, read from the artifacts of its last run."""

from typing import TYPE_CHECKING

from arrears.dbt_build import dbt_environment, in_environment
from arrears.lineage import NAMESPACE
from arrears.settings import Settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent
    from openlineage.common.provider.dbt.facets import ParentRunMetadata

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/dbt"
"""Who made the events: OpenLineage's own reader of dbt's artifacts."""


def last_written(settings: Settings) -> int | None:
    """When dbt last wrote what it did, in nanoseconds; None where it never has. Another value is another run."""
    results = settings.home / "dbt" / "target" / "run_results.json"
    return results.stat().st_mtime_ns if results.exists() else None


def model_events(settings: Settings, *, parent: "ParentRunMetadata") -> "list[RunEvent]":
    """A START and a COMPLETE or FAIL of each model, and of the tests of each, of the last build.

    Args:
        parent: The run that started dbt.
    """
    from openlineage.common.provider.dbt import DbtLocalArtifactProcessor

    place = settings.home / "dbt"
    with in_environment(dbt_environment(settings)):
        processor = DbtLocalArtifactProcessor(
            producer=PRODUCER,
            job_namespace=NAMESPACE,
            project_dir=str(place / "project"),
            target_path=str(place / "target"),
            skip_errors=True,
        )
        processor.dbt_run_metadata = parent
        events: list[RunEvent] = processor.parse().events()
    return events
