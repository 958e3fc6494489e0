-- How far the size of each tier is from what it was. The body is not checked when it is made: dbt makes the mart later.
set local check_function_bodies = off;

create or replace function ops.tier_swings(checked_on date, checked_generation integer, history_days integer)
returns table (tier text, loans bigint, portfolio bigint, days bigint, usual numeric, deviation numeric)
language sql stable
as $$
    with earlier_days as (
        select distinct build.as_of
        from ops.mart_build as build
        where
            build.state = 'passed'
            and build.generation = checked_generation
            and build.as_of < checked_on
        order by build.as_of desc
        limit history_days
    ),

    days as (
        select earlier_days.as_of from earlier_days
        union all
        select checked_on
    ),

    -- Which loan is due within days is a matter of the calendar: tiers that are not behind are watched as one.
    named as (
        select
            size.as_of,
            case when size.dpd_to = 0 then 'not behind' else size.tier end as tier,
            size.loans
        from marts.delinquency_tier as size
        inner join days on size.as_of = days.as_of
    ),

    sizes as (
        select named.as_of, named.tier, sum(named.loans) as loans
        from named
        group by named.as_of, named.tier
    ),

    tiers as (
        select distinct sizes.tier from sizes
    ),

    -- A tier that is empty on a day has no row there.
    filled as (
        select
            days.as_of,
            tiers.tier,
            coalesce(sizes.loans, 0) as loans
        from days
        cross join tiers
        left join sizes on days.as_of = sizes.as_of and tiers.tier = sizes.tier
    )

    select
        filled.tier,
        sum(filled.loans) filter (where filled.as_of = checked_on)::bigint,
        (select sum(sizes.loans) from sizes where sizes.as_of = checked_on)::bigint,
        (select count(*) from earlier_days),
        avg(filled.loans) filter (where filled.as_of < checked_on),
        coalesce(stddev_pop(filled.loans) filter (where filled.as_of < checked_on), 0)
    from filled
    group by filled.tier
$$;
comment on function ops.tier_swings(date, integer, integer) is
    'Loans of each tier on a day beside the mean and standard deviation over the last built days of the same generation.';
