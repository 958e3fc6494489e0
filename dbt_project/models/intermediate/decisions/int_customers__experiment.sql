with recursive scope as (
    select * from {{ ref('int_customers__scope') }}
),

experiments as (
    select * from {{ ref('experiments') }}
),

all_loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

all_parties as (
    select * from {{ ref('stg_core_banking__loan_parties') }}
),

arms as (
    select
        experiments.experiment,
        experiments.arm,
        experiments.treatment,
        experiments.population,
        experiments.valid_from,
        sum(experiments.share) over up_to_here - experiments.share as share_from,
        sum(experiments.share) over up_to_here as share_to
    from experiments
    where {{ in_force('experiments') }}
    window up_to_here as (partition by experiments.experiment order by experiments.arm)
),

begun as (
    select distinct
        experiment,
        population,
        valid_from
    from arms
),

-- Those who owe together get the same arm. Loans of before the experiment count: nobody's arm changes while it lasts.
-- Without an experiment nobody is looked at, and with one only loans of several people.
parties as (
    select
        loan_id,
        customer_id,
        role
    from all_parties
    where exists (select 1 from arms)
),

loans as (
    select
        loan_id,
        customer_id,
        disbursed_on
    from all_loans
    where loan_id in (select parties.loan_id from parties)
),

debtors as (
    {{ joint_debtors() }}
),

joint as (
    select distinct
        begun.experiment,
        debtors.customer_id,
        fellows.customer_id as other_id
    from begun
    inner join debtors on begun.valid_from > debtors.disbursed_on
    inner join debtors as fellows
        on
            debtors.loan_id = fellows.loan_id
            and debtors.customer_id <> fellows.customer_id
),

-- And those who owe together with them, as far as that goes.
together as (
    select
        experiment,
        customer_id,
        other_id
    from joint
    union distinct
    select
        together.experiment,
        together.customer_id,
        joint.other_id
    from together
    inner join joint
        on
            together.experiment = joint.experiment
            and together.other_id = joint.customer_id
),

units as (
    select
        experiment,
        customer_id,
        min(other_id) as unit_id
    from together
    group by experiment, customer_id
),

drawn as (
    select
        scope.customer_id,
        scope.currency,
        begun.experiment,
        {{ share_of("begun.experiment || '|' || coalesce(units.unit_id, scope.customer_id)") }} as place
    from scope
    inner join begun on {{ in_population('begun.population', 'scope') }}
    left join units
        on
            begun.experiment = units.experiment
            and scope.customer_id = units.customer_id
)

select
    drawn.customer_id,
    drawn.currency,
    drawn.experiment,
    arms.arm,
    arms.treatment
from drawn
inner join arms
    on
        drawn.experiment = arms.experiment
        and drawn.place >= arms.share_from
        and drawn.place < arms.share_to
