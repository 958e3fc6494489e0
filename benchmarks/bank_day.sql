-- Choose whom something happens to on a day. Bound: day, share (of all loans that change, due dates that pass included).
-- Returns the loans whose due date passed and those that something happens to.
with days as (
    select
        %(day)s::date as day,
        %(day)s::date - date '2000-01-01' as day_number
),

open_loans as (
    select
        loan.*,
        days.day,
        days.day_number,
        bench_bank.share(loan.n, days.day_number) as event_share,
        bench_bank.due(bench_bank.month_no(days.day - 1), 1, loan.due_day) = days.day - 1
        and days.day - 1 between bench_bank.due(loan.first_month, 1, loan.due_day)
        and bench_bank.due(loan.first_month, loan.instalments, loan.due_day) as has_passed_due_date,
        loan.behaviour = 'on_time'
        and bench_bank.due(bench_bank.month_no(days.day), 1, loan.due_day) = days.day
        and days.day between bench_bank.due(loan.first_month, 1, loan.due_day)
        and bench_bank.due(loan.first_month, loan.instalments, loan.due_day) as pays_today
    from bench_bank.loan
    cross join days
    where
        loan.behaviour in ('on_time', 'late', 'behind')
        and loan.n not in (select touched.n from bench_bank.touched where touched.what = 'write_off')
),

passed as (
    select count(*) as loans
    from open_loans
    where has_passed_due_date
),

-- One loan at least: a feed without a new payment is a broken feed.
wanted as (
    select greatest(1, ceil(%(share)s * bank.loans)::bigint - passed.loans) as loans
    from passed
    cross join bench_bank.bank
),

-- Those who pay on their due date come first, then chance.
chosen as (
    select *
    from open_loans
    where not has_passed_due_date
    order by pays_today desc, event_share asc
    limit (select wanted.loans from wanted)
),

-- `event_share` has chosen the loans and is small for all of them: what happens is drawn by another share.
happening as (
    select
        day,
        n,
        case
            when pays_today then 'payment'
            -- Once in 97 days at most, so that no payment is taken back twice.
            when
                mod(n + day_number, 97) = 0 and behaviour = 'on_time' and not pays_halves and not has_new_schedule and due_count > 3
                and bench_bank.share(n, 95) >= 0.04
                then 'reversal'
            when behaviour = 'behind' and missed >= 8 then 'write_off'
            when kind_share < 0.90 then 'payment'
            when kind_share < 0.94 then 'late_payment'
            when kind_share < 0.96 then 'waiver'
            when kind_share < 0.98 then 'new_schedule'
            else 'pause'
        end as what
    from (select chosen.*, bench_bank.share(n, day_number + 100000) as kind_share from chosen) as drawn
),

added as (
    insert into bench_bank.touched (day, n, what)
    select day, n, what
    from happening
    returning n
)

select
    passed.loans,
    (select count(*) from added)
from passed
