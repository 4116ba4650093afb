"""A process that has loaded the AWS CLI and forks it: the real one, without the half second that each start of it takes.

See :mod:`tests.forking`. ``aws`` (:data:`SHIM`, put on the path) sends its arguments, environment and folder with its three streams, and
ends with the exit code that comes back.
"""

import os
import socket
import sys
from pathlib import Path

from tests.forking import serve_forks
from tests.warm import keep_parsed

SHIM = """#!{python} -IS
import array, os, sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
wire = socket(AF_UNIX, SOCK_STREAM)
wire.connect({path!r})
parts = [os.getcwdb(), b"%d" % len(sys.argv[1:]), *map(os.fsencode, sys.argv[1:])]
parts += [name + b"=" + value for name, value in os.environb.items()]
data = b"\\0".join(parts)
wire.sendmsg([b"%16d" % len(data)], [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [0, 1, 2]))])
while data:
    data = data[wire.send(data):]
sys.exit(int(wire.recv(16) or b"255"))
"""


def install(folder: Path, path: Path) -> None:
    """Put ``aws`` into ``folder``; the process that forks answers at ``path``."""
    folder.mkdir()
    shim = folder / "aws"
    shim.write_text(SHIM.format(python=sys.executable, path=str(path)))
    shim.chmod(0o755)


def run(connection: socket.socket, data_path: str) -> None:
    """Run the command that was sent, on the streams that came with it."""
    from awscli.clidriver import main

    head, streams, _, _ = socket.recv_fds(connection, 16, 3)
    with connection.makefile("rb") as sent:
        folder, count, *rest = sent.read(int(head)).split(b"\0")
    words, env = rest[: int(count)], rest[int(count) :]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(item.split(b"=", 1) for item in env)  # type: ignore[arg-type]
    os.environ["AWS_DATA_PATH"] = data_path
    sys.argv = ["aws", *map(os.fsdecode, words)]
    try:
        code = main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(b"%d" % code)
    os._exit(0)


def main() -> None:
    import botocore.loaders
    from awscli.clidriver import create_clidriver

    data_path = os.environ["AWS_DATA_PATH"]  # awscli sets it
    loader = botocore.loaders.create_loader(data_path)
    botocore.loaders.create_loader = lambda *_: loader
    keep_parsed()
    session = create_clidriver().session
    for service in ("ec2", "iam", "sts", "s3", "logs", "autoscaling", "elbv2", "cloudtrail", "wafv2", "ssm"):
        session.get_service_model(service)
    serve_forks(int(sys.argv[1]), lambda connection: run(connection, data_path))


if __name__ == "__main__":
    main()
