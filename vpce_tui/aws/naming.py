"""Names as botocore writes them, without importing botocore for it (the rules of ``botocore.xform_name``)."""

import re
from typing import Final

_SPECIAL: Final = re.compile(r"[A-Z]{2,}s$")
_FIRST: Final = re.compile(r"(.)([A-Z][a-z]+)")
_END: Final = re.compile(r"([a-z0-9])([A-Z])")


def dashed(name: str, separator: str = "-") -> str:
    """``DescribeVpcEndpoints`` as ``describe-vpc-endpoints``, ``TargetGroupARNs`` as ``target-group-arns``."""
    if _SPECIAL.search(name):
        matched = _SPECIAL.search(name)
        assert matched is not None
        name = name[: -len(matched.group())] + separator + matched.group().lower()
    name = _FIRST.sub(rf"\1{separator}\2", name)
    return re.sub(rf"{re.escape(separator)}+", separator, _END.sub(rf"\1{separator}\2", name)).lower().lstrip(separator)


def snake(name: str) -> str:
    """``DescribeVpcEndpoints`` as boto3's ``describe_vpc_endpoints``."""
    return dashed(name, "_")
