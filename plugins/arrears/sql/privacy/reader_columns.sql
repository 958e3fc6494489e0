-- Of `ops`, BI reads these columns and no others: one that is added later is not seen before it is named here.
-- Run at every set-up: it only touches what is not as it should be.
do $$
declare
    readable record;
begin
    for readable in
        select
            relation,
            string_to_array(names, ' ') as names
        from (
            values
            ('ops.source_generation', 'generation mode description started_at'),
            ('ops.source_load', 'load_id generation table_name row_count loaded_at'),
            ('ops.load_batch', 'batch_id generation as_of state run_id started_at decided_at reason'),
            (
                'ops.load_table',
                'batch_id table_name is_full source_rows landed_rows newest_changed_at rejected_rows returned_rows disappeared_rows'
            ),
            (
                'ops.quality_results',
                'result_id border subject reference as_of rule_id severity success checked_rows failed_rows expected found docs_path checked_at'
            ),
            ('ops.mart_build', 'build_id as_of generation known_at state policy_version run_id finished_at reason'),
            ('ops.sealed_day', 'generation as_of build_id sealed_at'),
            (
                'ops.model',
                'model_version generation purpose kind trained_as_of observed_from observed_to features intercept figures trained_at'
            ),
            ('ops.model_bin', 'model_version feature bin lower upper is_missing weight expected_share'),
            ('ops.model_promotion', 'promotion_id generation purpose model_version valid_from promoted_at'),
            ('ops.policy_version', 'policy_version first_used_at'),
            ('ops.calendar_day', 'jurisdiction day is_business_day is_public_holiday holiday_name'),
            (
                'ops.delivery_batch',
                'batch_id kind channel vendor generation as_of sequence state row_count planned_at valid_until acknowledge_by supersedes refused_reason sending_since adopted_at'
            ),
            ('ops.delivery_event', 'event_id batch_id from_state to_state detail happened_at'),
            (
                'ops.vendor_outage',
                'outage_id vendor began_at failures last_failed_at reason opened_at next_try_at tries ended_at'
            ),
            ('ops.vendor_file', 'sha256 vendor file_name kind batch_id state row_count rejected_rows repeated_rows reason read_at'),
            ('ops.gate_reject', 'batch_id table_name row_id rule_id reason_code'),
            (
                'ops.load_figures',
                'batch_id table_name as_of mode is_full source_rows landed_rows disappeared_rows previous_source_rows is_first_of_day'
            ),
            ('ops.reject_figures', 'batch_id table_name batch_rows rejected_rows'),
            ('ops.retention_run', 'run_id as_of started_at finished_at'),
            ('ops.retention_result', 'run_id data_class erased kept_by_duty still_due rule'),
            (
                'ops.alert',
                'alert_id code subject severity summary run_book as_of opened_at last_seen_at last_sent_at closed_at'
            )
        ) as listed (relation, names)
    loop
        if has_table_privilege('bi_reader', readable.relation, 'select') then
            execute format('revoke select on %s from bi_reader, bi_full', readable.relation);
        end if;
        if exists (
            select from unnest(readable.names) as name
            where not has_column_privilege('bi_reader', readable.relation, name, 'select')
        ) then
            execute format(
                'grant select (%s) on %s to bi_reader, bi_full', array_to_string(readable.names, ', '), readable.relation
            );
        end if;
    end loop;
end
$$;
