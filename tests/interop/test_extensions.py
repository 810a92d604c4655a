"""What OpenSSH added around channels: keepalives, pings, no-more-sessions, eow; and targets and clients that abuse what they may open."""
import asyncio
import re
import threading
import warnings

import pytest
from processes import PATIENCE, free_port, wait_until
from targets import LOGIN, Doorway, make_key
from test_clients import asyncssh_run
from test_remote_forward import Forwarding, rules

warnings.filterwarnings("ignore", module="asyncssh|paramiko|cryptography")


@pytest.fixture
def paramiko_transport(own_world):
    import paramiko
    transport = paramiko.Transport(("127.0.0.1", own_world.gateway.port))
    transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(own_world.alice.key)))
    yield transport
    transport.close()


def test_no_more_sessions(own_world, paramiko_transport):
    """The client's wish is kept: what runs goes on, a further session does not begin."""
    import paramiko
    transport = paramiko_transport
    running = transport.open_session()
    running.exec_command("cat")
    transport.global_request("no-more-sessions@openssh.com", wait=False)
    with pytest.raises(paramiko.ChannelException) as refused:
        transport.open_session(timeout=10)
    assert refused.value.code == 1
    running.sendall(b"still here")
    running.shutdown_write()
    assert running.makefile().read() == b"still here"


def test_ping(own_world, paramiko_transport):
    """ping@openssh.com: the same bytes come back."""
    from paramiko.message import Message
    got = []
    transport = paramiko_transport
    transport._handler_table = {**transport._handler_table, 193: lambda _, message: got.append(message.get_string())}
    for data in (b"", b"a ping", b"x" * 1000):
        message = Message()
        message.add_byte(bytes([192]))
        message.add_string(data)
        transport._send_user_message(message)
    wait_until(lambda: len(got) == 3, "three pongs")
    assert got == [b"", b"a ping", b"x" * 1000]


@pytest.mark.row("D5")
def test_keepalive_on_a_channel(own_world):
    """Some clients send it there; it is answered, while a command runs and before one does, and after it all goes on."""
    async def use(asyncssh, connection):
        process = await connection.create_process("cat")
        for _ in range(3):
            answer = await asyncio.wait_for(process.channel._make_request(b"keepalive@openssh.com"), 10)
            assert answer is False
        process.stdin.write("on it goes\n")
        process.stdin.write_eof()
        assert await process.stdout.read() == "on it goes\n"
    asyncssh_run(own_world, use)


class HostileTarget:
    """An AsyncSSH server inside the test; `connections` are those of the gateway."""

    def __init__(self, folder, ca):
        import asyncssh
        self.connections, self.requests = [], []
        self.port = free_port()
        self.host_key = " ".join(make_key(folder / "hostile").split()[:2])
        (folder / "authorized").write_text(f"cert-authority {ca}\n")
        self.loop = asyncio.new_event_loop()
        outer = self

        class Server(asyncssh.SSHServer):
            def connection_made(self, connection):
                outer.connections.append(connection)

            def server_requested(self, host, port):
                return True

        async def handle(process):
            self.processes.append(process)
            await process.stdin.read()
            process.exit(0)
        self.processes = []

        async def begin():
            await asyncssh.listen("127.0.0.1", self.port, server_factory=Server, server_host_keys=[str(folder / "hostile")],
                                  authorized_client_keys=str(folder / "authorized"), process_factory=handle, encoding=None)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.do(begin())

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30 * PATIENCE)

    def close(self):
        async def end():
            for connection in self.connections:
                connection.abort()
        self.do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def hostile(own_world, folder):
    target = HostileTarget(folder, own_world.gateway.user_ca)
    access = own_world.access

    def with_hostile():
        result = access()
        result["target"].append({"name": "hostile", "address": f"127.0.0.1:{target.port}", "logins": [LOGIN], "auth": "certificate",
                                 "host_keys": [target.host_key]})
        return result
    own_world.access = with_hostile
    own_world.apply()
    yield target
    target.close()


PLACE = f"{LOGIN}@hostile@gw"


def opened(target, how, count=1):
    """How many of `count` channels the gateway accepted; the texts of the refusals."""
    import asyncssh

    async def one():
        try:
            await asyncio.wait_for(how(target.connections[-1], asyncssh.SSHTCPSession), 20)
            return None
        except asyncssh.ChannelOpenError as refused:
            return refused.reason

    async def all_of_them():
        return await asyncio.gather(*(one() for _ in range(count)))
    answers = target.do(all_of_them())
    return answers.count(None), [answer for answer in answers if answer is not None]


def forwarded(port, host="localhost"):
    return lambda connection, session: connection.create_connection(session, host, port, "127.0.0.1", 1)


def test_channels_that_nobody_asked_for(own_world, hostile):
    world = own_world
    client = world.alice.start(PLACE, "anything")
    try:
        wait_until(lambda: hostile.processes, "the session on the target")
        for what in (forwarded(22), forwarded(0), lambda c, s: c.create_unix_connection(s, "/run/x.sock"),
                     lambda c, s: c.create_x11_connection(s, "127.0.0.1", 1),
                     lambda c, s: c.create_agent_connection(s)):
            count, refusals = opened(hostile, what)
            assert count == 0 and refusals, what
        said = [record for record in world.gateway.audit() if "nobody asked for" in record["reason"]]
        assert len(said) >= 3, said
    finally:
        client.kill()
        client.communicate()


def test_flood_of_forwarded_channels(own_world, hostile):
    """The limit of one kind leaves the sessions of the connection alone."""
    world, port = own_world, free_port()
    rules(world, f"localhost:{port}")
    silent = Doorway(answer=lambda connection: connection.recv(1))
    control = world.alice.folder / "cm-flood"
    try:
        with Forwarding(world.alice, "-R", f"{port}:127.0.0.1:{silent.port}", place=PLACE, more=("-M", "-S", control)) as forwarding:
            forwarding.wait_for("remote forward success")
            count, refusals = opened(hostile, forwarded(port), 300)
            assert count == 256 and len(refusals) == 44 and "too many" in refusals[0], (count, refusals[:2])
            # Whatever it calls the address, the port was asked for; another port was not.
            assert opened(hostile, forwarded(port + 1 if port < 65535 else 1))[0] == 0
            done = world.alice.ssh("-S", control, PLACE, "anything", given=b"")
            assert done.status == 0, done
    finally:
        silent.close()


def test_eow_and_keepalives_of_a_target(own_world, hostile):
    """eow@openssh.com reaches the client as it came; a keepalive on a channel is ours to answer, and does not."""
    world = own_world
    log = world.alice.folder / "eow.err"
    with open(log, "wb") as err:
        client = world.alice.start("-vvv", PLACE, "anything", stderr=err)
    try:
        wait_until(lambda: hostile.processes, "the session on the target")
        channel = hostile.processes[-1].channel

        async def ask():
            answer = await asyncio.wait_for(channel._make_request(b"keepalive@openssh.com"), 10)
            channel._send_request(b"eow@openssh.com")
            return answer
        assert hostile.do(ask()) is False
        wait_until(lambda: re.search(r"rtype eow@openssh.com", log.read_text(errors="replace")), "eow at the client")
        assert "keepalive@" not in log.read_text(errors="replace")
    finally:
        client.kill()
        client.communicate()
