-- A template: all versions of the customers' rows, and the notes on which of them were superseded.
with gone as (
    delete from {relation} as landed
    using erasing
    where landed.customer_id = erasing.customer_id
    returning landed._row_id
),

notes as (
    delete from ops.superseded_row as superseded
    using gone
    where superseded.table_name = {table_name} and superseded.row_id = gone._row_id
)

select _row_id from gone
