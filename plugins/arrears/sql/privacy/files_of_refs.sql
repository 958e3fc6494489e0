-- Files that may hold the customers: lists, and evidence about them. Stop files and recalls hold references and codes only.
select
    file.batch_id,
    file.name,
    file.content,
    file.encryption,
    array_agg(erasing_ref.contact_ref) as refs
from ops.delivery_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id and batch.kind = 'contact_list'
inner join erasing_ref on file.batch_id = erasing_ref.batch_id
where
    length(file.content) > 0
    and file.name not like '%.manifest.json'
    and (file.position = 0 or position(erasing_ref.contact_ref in file.name) > 0)
group by file.batch_id, file.name, file.content, file.encryption
