update quarantine.vendor_result as rejected
set row_text = ''
from erasing_rejected
where
    rejected.vendor = erasing_rejected.vendor
    and rejected.file_sha256 = erasing_rejected.file_sha256
    and rejected.line_number = erasing_rejected.line_number
    and rejected.row_text <> ''
