"""Names of endpoint services: AWS's and others', their short form, and where their use shows."""

import re
from functools import lru_cache
from typing import Final

AWS_SERVICE: Final = re.compile(
    r"(?:cn\.)?com\.amazonaws\.(?!vpce\.)[a-z0-9.-]+|aws\.(?:api|sagemaker)\.[a-z0-9.-]+|amazon\.[a-z0-9.-]+|software\.amazon\.[a-z0-9.-]+"
)
FOREIGN_SERVICE: Final = re.compile(r"(?:cn\.)?com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+")


@lru_cache(maxsize=4096)
def looks_like_aws(name: str) -> bool:
    """Whether a name is of the form of AWS's own."""
    return bool(AWS_SERVICE.fullmatch(name))


@lru_cache(maxsize=4096)
def service_short(name: str) -> str:
    """``s3`` of ``com.amazonaws.eu-west-1.s3``; the whole ``vpce-svc-…`` of a foreign one."""
    parts = name.split(".")
    if "vpce" in parts:
        return parts[-1]
    if len(parts) > 3 and name.startswith(("com.amazonaws.", "cn.com.amazonaws.")):
        return ".".join(parts[3:] if parts[0] == "com" else parts[4:])
    return name


_LOGGED: Final = {
    "ssm": "ssm",
    "ssmmessages": "ssmmessages",
    "ec2messages": "ec2messages",
    "ec2": "ec2",
    "sts": "sts",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "lambda": "lambda",
    "ecr.api": "ecr",
    "ecs": "ecs",
    "eks": "eks",
    "rds": "rds",
    "cloudformation": "cloudformation",
    "athena": "athena",
    "glue": "glue",
    "sagemaker.api": "sagemaker",
    "bedrock": "bedrock",
    "codebuild": "codebuild",
    "autoscaling": "autoscaling",
    "elasticloadbalancing": "elasticloadbalancing",
}
"""Services whose use is in CloudTrail without data events, so that its absence means something; with their event source."""


def source_of(name: str) -> str:
    """The event source in which the use of an endpoint's service shows; ``""``: its use is not in event history."""
    short = service_short(name)
    source = _LOGGED.get(short)
    return f"{source}.amazonaws.com" if source else ""
