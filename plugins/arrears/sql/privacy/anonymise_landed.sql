-- A template: all versions of the customers' rows keep what is not personal, under the id of the erasure.
update {relation} as landed
set customer_id = erasing.erasure_id{anonymous}
from erasing
where landed.customer_id = erasing.customer_id
