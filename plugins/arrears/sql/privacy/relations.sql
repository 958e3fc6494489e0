-- Tables outside landing and quarantine that have one of some columns, with all their columns.
select
    namespace.nspname,
    relation.relname,
    array_agg(attribute.attname::text)
from pg_catalog.pg_class as relation
inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
inner join pg_catalog.pg_attribute as attribute
    on relation.oid = attribute.attrelid and attribute.attnum > 0 and not attribute.attisdropped
where
    relation.relkind in ('r', 'p')
    and namespace.nspname not in ('landing', 'quarantine', 'information_schema')
    and namespace.nspname not like 'pg\_%%'
group by namespace.nspname, relation.relname
having array_agg(attribute.attname::text) && %(ids)s
order by namespace.nspname, relation.relname
