-- Who is in the hold-out of an experiment that the decision belongs to gets no optional contact, and all that is not
-- optional. A sealed day keeps what was decided by the experiments of then.
with decisions as (
    select * from {{ ref('int_customers__contact_decision') }}
    where as_of = {{ as_of_date() }}
),

current_build as (
    {{ unsealed_generation() }}
),

arms as (
    select * from {{ ref('int_customers__experiment') }}
),

channels as (
    select * from {{ ref('channels') }}
)

select
    decisions.channel,
    decisions.experiment,
    decisions.decision
from decisions
inner join current_build on decisions.generation = current_build.generation
inner join channels on decisions.channel = channels.channel
left join arms
    on
        decisions.customer_id = arms.customer_id
        and decisions.currency = arms.currency
        and decisions.experiment = arms.experiment
where
    {{ holds('decisions.all_reasons', "'HOLDOUT'") }}
    <> (channels.is_optional and coalesce(arms.treatment = 'hold_out', false))
