-- What the gate and later loads look rows up by.
create index if not exists {key_index} on {landing} ({key});
create index if not exists {changed_at_index} on {landing} ({changed_at});
create index if not exists {batch_id_index} on {landing} using brin (_batch_id) with (pages_per_range = 32);
analyze {landing};
