{% macro delinquency_intervals(schedules) -%}
    {#-
        The intervals in which nothing changes, one row each, of the loans in a relation made by loan_schedules(): a query.
        Their days are those on which money or an instalment begins to count, a version comes into force or a rule
        changes, up to the horizon; a day that changes nothing begins no interval.
    -#}
    select
        loan.loan_id,
        loan.schedule_version,
        loan.currency,
        loan.day_count,
        intervals.moved_on as valid_from,
        intervals.valid_to,
        intervals.oldest_unpaid_due_date,
        intervals.oldest_unpaid_contractual_date,
        intervals.oldest_unpaid_counted_from,
        intervals.newest_counted_due_on,
        intervals.next_due_on,
        intervals.has_materiality_limits,
        intervals.is_material,
        intervals.arrears_amount,
        intervals.paid_total,
        intervals.outstanding_principal,
        intervals.unpaid_instalments,
        case
            when intervals.valid_to is null
                then least(
                    loan.counted_from[{{ count_up_to('loan.counted_from', 'horizon.known_until') }} + 1],
                    loan.paid_from[{{ count_up_to('loan.paid_from', 'horizon.known_until') }} + 1],
                    loan.rules_from[{{ count_up_to('loan.rules_from', 'horizon.known_until') }} + 1],
                    loan.in_force_to
                )
        end as next_moment_on
    from {{ schedules }} as loan
    cross join {{ ref('int_builds__horizon') }} as horizon
    cross join lateral (
        select
            changes.*,
            coalesce(
                lead(changes.moved_on) over (order by changes.moved_on),
                case when loan.in_force_to <= horizon.known_until then loan.in_force_to end
            ) as valid_to
        from (
            select
                compared.*,
                row_number() over in_time as place,
                lag(compared.paid_total) over in_time as earlier_paid_total,
                lag(compared.arrears_amount) over in_time as earlier_arrears_amount,
                lag(compared.oldest_unpaid_due_date) over in_time as earlier_oldest_unpaid_due_date,
                lag(compared.is_material) over in_time as earlier_is_material,
                lag(compared.has_materiality_limits) over in_time as earlier_has_materiality_limits
            from (
                select
                    owing.*,
                    {{ overdue('loan') }}
                from (
                    select
                        settling.*,
                        {{ owed('loan') }}
                    from (
                        select
                            moments.*,
                            {{ settled_by('loan') }}
                        from (
                            select
                                days.moved_on,
                                {{ money_on('loan', 'days.moved_on') }}
                            from (
                                select distinct each.moved_on
                                from (
                                    select loan.in_force_from as moved_on
                                    union all
                                    {{ rows_of('loan.paid_from', 'moved_on') }}
                                    union all
                                    {{ rows_of('loan.counted_from', 'moved_on') }}
                                    union all
                                    {{ rows_of('loan.rules_from', 'moved_on') }}
                                ) as each
                                where
                                    each.moved_on >= loan.in_force_from
                                    and each.moved_on < loan.in_force_to
                                    and each.moved_on <= horizon.known_until
                                order by each.moved_on
                            ) as days
                            -- Keeps the planner from computing a step again for each use of it; so below.
                            offset 0
                        ) as moments
                        offset 0
                    ) as settling
                    offset 0
                ) as owing
                offset 0
            ) as compared
            window in_time as (order by compared.moved_on)
        ) as changes
        where
            changes.place = 1
            or changes.paid_total <> changes.earlier_paid_total
            or changes.arrears_amount <> changes.earlier_arrears_amount
            or changes.oldest_unpaid_due_date is distinct from changes.earlier_oldest_unpaid_due_date
            or changes.is_material <> changes.earlier_is_material
            or changes.has_materiality_limits <> changes.earlier_has_materiality_limits
    ) as intervals
    where loan.in_force_from <= horizon.known_until
{%- endmacro %}
