"""Every dbt model as an Airflow task of its own, through Cosmos: for those who want to watch (`dbt_mode` = watcher)."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context, TaskGroup


class StartBuildOperator(BaseOperator):
    """Record the build and stage the dbt project; the models then run as tasks. Needs sound policy packs.

    Returns what they need: build id, dbt's environment, and whether all is built afresh.
    """

    def execute(self, context: "Context") -> dict[str, Any]:
        from arrears.dbt_build import start_build
        from arrears.policy.check import require_sound

        require_sound(get_settings().policy_dir)
        started = start_build(get_settings(), as_of=business_date(context), run_id=context["run_id"])
        return {
            "build_id": started.build_id,
            "environment": started.environment,
            "is_first": started.is_first,
        }


def model_tasks(started_by: str) -> "TaskGroup":
    """One producer task runs `dbt build`; a task per model follows its state and shows its log.

    :param started_by: task id of the `StartBuildOperator`.
    """
    from cosmos import DbtTaskGroup, ExecutionConfig, ExecutionMode, ProfileConfig, ProjectConfig, RenderConfig
    from cosmos.constants import InvocationMode, LoadMode, TestBehavior

    from arrears.dbt_build import CHECKED_BEFORE, DBT_PROJECT

    settings = get_settings()
    started = f"ti.xcom_pull(task_ids='{started_by}')"
    group: TaskGroup = DbtTaskGroup(
        group_id="models",
        # Variables come from the process (services.airflow): what is given here shows in Airflow's web page.
        project_config=ProjectConfig(install_dbt_deps=False),
        profile_config=ProfileConfig(
            profile_name="arrears", target_name="warehouse", profiles_yml_filepath=DBT_PROJECT / "profiles.yml"
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER, dbt_project_path=settings.home / "dbt" / "project"
        ),
        render_config=RenderConfig(
            dbt_project_path=DBT_PROJECT,
            load_method=LoadMode.DBT_LS,
            invocation_mode=InvocationMode.DBT_RUNNER,
            test_behavior=TestBehavior.NONE,
            emit_datasets=False,
            exclude=["resource_type:unit_test", *CHECKED_BEFORE],
        ),
        operator_args={
            "env": {
                name: f"{{{{ {started}['environment']['{name}'] }}}}"
                for name in ("ARREARS_BUILD_ID", "ARREARS_AS_OF", "ARREARS_RULES", "ARREARS_POLICY_VERSION")
            },
            "append_env": True,
            "full_refresh": f"{{{{ {started}['is_first'] }}}}",
            "install_deps": False,
        },
    )
    return group
