"""The lab's web server: what a client of AWS relies on; and that what it writes is what moto would write."""

import http.client
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.core.serialize import AttributePicker, AttributePickerContext, XFormedAttributePicker
from moto.core.utils import get_service_model

from vpce_tui.lab.http_server import HttpServer
from vpce_tui.lab.layers import serialization
from vpce_tui.lab.request import CONNECTION, Environ, StartResponse, cut

AT = datetime(2026, 1, 31, 2, 14, tzinfo=UTC)


def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/cut":
        cut(environ[CONNECTION])
        raise ConnectionResetError
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    made = HttpServer(answer, lambda: AT)
    yield made
    made.stop()


def connection(server: HttpServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)


def ask(client: http.client.HTTPConnection, body: bytes, path: str = "/") -> tuple[bytes, str | None]:
    client.request("POST", path, body)
    got = client.getresponse()
    return got.read(), got.getheader("Date")


def test_a_connection_is_kept_and_the_answer_carries_the_labs_time(server: HttpServer) -> None:
    client = connection(server)
    assert ask(client, b"one") == (b"one", "Sat, 31 Jan 2026 02:14:00 GMT")
    first = client.sock
    assert ask(client, b"two")[0] == b"two"
    assert client.sock is first
    client.close()


def test_a_client_for_each_service_and_region_is_answered(server: HttpServer) -> None:
    clients = [connection(server) for _ in range(150)]
    assert [ask(client, b"%d" % number)[0] for number, client in enumerate(clients)] == [b"%d" % n for n in range(150)]
    for client in clients:
        client.close()


def test_a_connection_that_is_cut_has_no_answer(server: HttpServer) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(connection(server), b"", "/cut")
    assert ask(connection(server), b"still there")[0] == b"still there"


def test_stopped_it_answers_nobody_on_kept_connections_either(server: HttpServer) -> None:
    client = connection(server)
    ask(client, b"")
    server.stop()
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(client, b"")
    with pytest.raises(OSError):
        connection(server).connect()


class Instance:
    """Attributes as moto's objects have them: snake case, and without the name of the class."""

    image_id = "ami-1"
    type = "m6i.large"
    tag_list = ({"Key": "Name", "Value": "web"},)


class Renamed(Instance):
    """One that says where a value is."""

    class Meta:
        serialization_aliases = {"ImageId": "type", "LaunchTime": "image_id"}  # noqa: RUF012


@pytest.mark.parametrize("obj", [Instance(), Renamed(), {"ImageId": "ami-2", "instance_type": "t3.micro"}, {}])
def test_each_value_is_found_where_moto_finds_it(obj: Any) -> None:
    model = get_service_model("ec2").operation_model("DescribeInstances")
    (reservation,) = [model.output_shape.members["Reservations"].member]
    shape = reservation.members["Instances"].member
    picker = XFormedAttributePicker(response_transformers={"Instance.ImageId": lambda value: f"<{value}>"})
    for _ in range(2):  # remembered, too
        for key, member in shape.members.items():
            member.parent = shape
            context = AttributePickerContext(obj=obj, key=key, shape=member, key_path="Instance")
            assert serialization.pick(picker, context) == AttributePicker.__call__(picker, context), key
