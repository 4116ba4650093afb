"""One copy of botocore's service models for the whole lab: moto and its clients would each read them for themselves."""

from functools import cache
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import moto.core.base_backend
import moto.core.utils


@cache
def _loader() -> Any:
    return botocore.loaders.create_loader()


def new_session(key_id: str | None = None) -> boto3.Session:
    """A session that reads the models from the lab's one loader."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    return boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=key_id, region_name="us-east-1", botocore_session=session
    )


def install() -> None:
    """Let moto read them from there, too; before its services are imported."""
    moto.core.utils.create_loader = _loader
    moto.core.base_backend.Session = new_session
