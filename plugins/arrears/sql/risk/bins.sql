select
    feature,
    bin,
    lower,
    upper,
    is_missing,
    weight,
    expected_share
from ops.model_bin
where model_version = %(version)s
order by feature, bin
