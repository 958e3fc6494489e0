"""Operators that look ahead."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.operators.lineage import Flow, HasLineage, tables

if TYPE_CHECKING:
    from airflow.sdk import Context


class ForecastOperator(BaseOperator):
    """Forecast tiers and losses of the next months, once a month has ended. Holds back no list."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.risk.portfolio import renew_forecast

        with connect(self.warehouse_conn_id) as warehouse:
            report = renew_forecast(warehouse, as_of=business_date(context))
        self.log.info("forecast from the end of %s: %s", report.origin, report)


_OBSERVED = ("intermediate.int_loans__risk_history", "intermediate.int_loans__risk_outcome", "staging.risk_features")
_MODELS = ("ops.model", "ops.model_bin")


class TrainModelsOperator(HasLineage, BaseOperator):
    """Train a model of each kind by what is known on the day. Returns their versions; none where too little is known.

    :param purpose: what the models are asked (`arrears.risk.purposes`).
    """

    def __init__(self, *, purpose: str, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.purpose = purpose
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> list[str]:
        from arrears.risk.early_warning import train_models

        with connect(self.warehouse_conn_id) as warehouse:
            report = train_models(warehouse, purpose=self.purpose, as_of=business_date(context))
        self.log.info("%s new models of %s, %s: %s", report.new, self.purpose, report.because, report.versions)
        return report.versions

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, _OBSERVED), tables(self.warehouse_conn_id, _MODELS))


class CompareModelsOperator(HasLineage, BaseOperator):
    """Hold versions against the model that decides. Returns the one that is to decide (`version`) with why (`because`).

    Ends skipped, and what follows with it, where all stays as it is.

    :param purpose: what the models are asked.
    :param versions: those that were trained.
    """

    template_fields = ("versions",)

    def __init__(self, *, purpose: str, versions: Any, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.purpose = purpose
        self.versions = versions
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> dict[str, str]:
        from arrears.risk.early_warning import compare_models

        with connect(self.warehouse_conn_id) as warehouse:
            verdict = compare_models(
                warehouse, purpose=self.purpose, versions=self.versions, as_of=business_date(context)
            )
        if verdict.version is None:
            raise AirflowSkipException(f"{self.purpose} stays as it is: {verdict.because}")
        self.log.info("%s is to decide %s: %s", verdict.version, self.purpose, verdict.because)
        return {"version": verdict.version, "because": verdict.because}

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, [*_OBSERVED, *_MODELS, "ops.model_promotion"]), [])


class PromoteModelOperator(HasLineage, BaseOperator):
    """Let a version decide from the day after the business date.

    :param verdict: as `CompareModelsOperator` returns it.
    """

    template_fields = ("verdict",)

    def __init__(self, *, verdict: Any, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.verdict = verdict
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.risk.early_warning import promote_model

        with connect(self.warehouse_conn_id) as warehouse:
            promote_model(warehouse, **self.verdict, as_of=business_date(context))

    def flow(self) -> Flow:
        return Flow(
            tables(self.warehouse_conn_id, ["ops.model"]), tables(self.warehouse_conn_id, ["ops.model_promotion"])
        )


class LookAtExperimentsOperator(BaseOperator):
    """Judge the experiments by what the newest build knows of their customers. Holds back no list."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.risk.uplift import look_at_experiments

        with connect(self.warehouse_conn_id) as warehouse:
            report = look_at_experiments(warehouse, as_of=business_date(context))
        self.log.info("experiments: %s", report.verdicts or "none")
