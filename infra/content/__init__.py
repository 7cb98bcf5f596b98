"""Checks the content and compiles it into the one file that Lambda reads.

python -m infra.content check     what is wrong, by file, line, field and fix
python -m infra.content compile   write compiled.json beside the YAML, if nothing is wrong
python -m infra.content show      every question as patients read it, with its encoding and segments
"""

from infra.content.names import check_phone, check_preparation, check_sms_name

__all__ = ["check_phone", "check_preparation", "check_sms_name"]
