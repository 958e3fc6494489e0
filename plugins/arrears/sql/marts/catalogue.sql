-- A fingerprint of the tables and columns that the documentation speaks of. What dbt puts beside a table while it builds
-- is none of them.
select
    md5(
        string_agg(
            concat_ws(' ', relation.oid::regclass, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)),
            ',' order by relation.oid::regclass::text, attribute.attnum
        )
    )
from pg_class as relation
inner join pg_attribute as attribute on relation.oid = attribute.attrelid
where
    relation.relkind in ('r', 'p', 'v', 'm')
    and relation.relname not like '%\_\_dbt\_%'
    and relation.relnamespace::regnamespace::text not like 'pg\_%'
    and relation.relnamespace <> 'information_schema'::regnamespace
    and attribute.attnum > 0
    and not attribute.attisdropped
