"""What processes that make many botocore clients need once: models, client classes and rule sets, read and built once for all."""

import copy
import json
from contextlib import suppress

REGIONS = ("ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
"""Enabled in the labs of tests: those where something happens, and one where nothing does. The lab of the product has seventeen."""


def enable_few_regions() -> None:
    """Of the labs that are built from now on."""
    from vpce_tui.lab.layers import corrections

    corrections.REGIONS = REGIONS  # type: ignore[misc]


def warm_clients() -> None:
    """One cache of models, classes and rule sets for every fork."""
    import botocore.exceptions
    import botocore.loaders

    from vpce_tui.aws.catalogue import OPERATIONS
    from vpce_tui.aws.service_models import loader as bundled_models
    from vpce_tui.aws.service_models import new_session, wire_forms

    loader = bundled_models()
    botocore.loaders.create_loader = lambda *_: loader
    keep_parsed()
    session = new_session(None)  # as the program makes it: another session has a loader of its own
    for service in sorted({item.service for item in OPERATIONS}):
        wire_forms(service)
        loader.load_service_model(service, "service-2")
        with suppress(botocore.exceptions.DataNotFoundError):
            loader.load_service_model(service, "paginators-1")
        client = session.create_client(
            service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.meta.service_model.shape_for_error_code("none")  # looked up among all shapes, once


def keep_parsed() -> None:
    """One parsed model, client class and endpoint rule set a service, one name of an event, one set of handlers, one context for
    TLS (the lab has none): they are the same each time."""
    from functools import cache

    import botocore.args
    import botocore.client
    import botocore.hooks
    import botocore.httpsession
    import botocore.session
    from botocore.regions import EndpointRulesetResolver  # noqa: F401 - loaded before the forks

    creator = botocore.client.ClientCreator
    models: dict[str, object] = {}
    classes: dict[str, object] = {}
    load, build = creator._load_service_model, creator._create_client_class

    def model(self: object, name: str, api_version: object = None) -> object:
        return models.get(name) or models.setdefault(name, load(self, name, api_version))

    def client_class(self: object, name: str, service_model: object) -> object:
        return classes.get(name) or classes.setdefault(name, build(self, name, service_model))

    creator._load_service_model, creator._create_client_class = model, client_class

    aliaser = botocore.hooks.EventAliaser
    aliased, first = aliaser._alias_event_name, aliaser(botocore.hooks.HierarchicalEmitter())

    @cache
    def event_name(name: str) -> object:
        return aliased(first, name)

    aliaser._alias_event_name = lambda _, name: event_name(name)

    session = botocore.session.Session
    register = session._register_builtin_handlers
    registered: list[object] = []

    def builtin_handlers(self: object, events: object) -> None:
        if not registered:
            register(self, events)
            registered.append(copy.copy(events._emitter))  # type: ignore[attr-defined]
        else:
            vars(events._emitter).update(vars(copy.copy(registered[0])))  # type: ignore[attr-defined]

    session._register_builtin_handlers = builtin_handlers
    botocore.httpsession.create_urllib3_context = cache(botocore.httpsession.create_urllib3_context)

    import botocore.endpoint_provider as provider

    plain = provider.RuleSet

    @cache
    def known(key: str) -> object:
        return plain(**json.loads(key))

    provider.RuleSet = lambda **data: known(json.dumps(data, sort_keys=False))
