"""Other implementations as clients: PuTTY, Dropbear, Paramiko, AsyncSSH."""
import asyncio
import base64
import io
import os
import warnings

import pytest
from targets import make_key

warnings.filterwarnings("ignore", module="asyncssh|paramiko|cryptography")
pytestmark = [pytest.mark.any_server, pytest.mark.row("C10", "E9")]


def login_of(world):
    return world.place().rsplit("@", 1)[0]


def putty_options(world):
    user = world.alice
    return ["-batch", "-P", user.port, "-i", user.putty_key(), "-hostkey", user.host_fingerprint, "-l", login_of(world)]


def plink(world, *arguments, given=b""):
    user = world.alice
    return user.run("plink", "-ssh", *putty_options(world), "127.0.0.1", *arguments, given=given)


def test_plink(world):
    done = plink(world, "echo out; echo err >&2; exit 7")
    assert (done.status, done.out) == (7, b"out\n"), done
    assert "err" in done.err
    payload = os.urandom(1 << 20)
    assert plink(world, "cat", given=payload).ok().out == payload


def test_plink_with_terminal(world):
    done = plink(world, "-t", "tty && stty size", given=b"")
    assert b"/dev/pts/" in done.out, done


def test_psftp(world, folder):
    user = world.alice
    (folder / "local").write_bytes(os.urandom(1 << 20))
    (folder / "batch").write_text(f"mkdir {folder}/sub\ncd {folder}/sub\nput {folder}/local one\nmv one two\nget two {folder}/again\n"
                                  f"del two\ncd ..\nrmdir sub\nquit\n")
    done = user.run("psftp", *putty_options(world), "-b", folder / "batch", "127.0.0.1")
    assert done.status == 0, done
    assert (folder / "again").read_bytes() == (folder / "local").read_bytes()
    assert not (folder / "sub").exists()


@pytest.mark.parametrize("mode", ["-scp", "-sftp"])
def test_pscp(world, folder, mode):
    user = world.alice
    (folder / "local").write_bytes(os.urandom(1 << 20))
    common = ["pscp", mode, "-q", *putty_options(world)]
    user.run(*common, folder / "local", f"127.0.0.1:{folder}/there").ok()
    user.run(*common, f"127.0.0.1:{folder}/there", folder / "again").ok()
    assert (folder / "again").read_bytes() == (folder / "local").read_bytes()


def test_dbclient(world):
    user = world.alice
    common = ["dbclient", "-y", "-y", "-i", user.dropbear_key(), "-p", user.port, "-l", login_of(world), "127.0.0.1"]
    done = user.run(*common, "echo out; echo err >&2; exit 7")
    assert (done.status, done.out) == (7, b"out\n"), done
    assert "err" in done.err
    payload = os.urandom(1 << 20)
    assert user.run(*common, "cat", given=payload).ok().out == payload


@pytest.fixture
def paramiko_client(world):
    import paramiko
    client = paramiko.SSHClient()
    kind, blob = world.alice.host_key.split()
    client.get_host_keys().add(f"[127.0.0.1]:{world.alice.port}", kind, paramiko.Ed25519Key(data=base64.b64decode(blob)))
    client.connect("127.0.0.1", port=world.alice.port, username=login_of(world), key_filename=str(world.alice.key), allow_agent=False,
                   look_for_keys=False, timeout=20)
    yield client
    client.close()


def test_paramiko(world, folder, paramiko_client):
    stdin, stdout, stderr = paramiko_client.exec_command("cat; echo err >&2; exit 7")
    payload = os.urandom(1 << 20)
    stdin.write(payload)
    stdin.channel.shutdown_write()
    assert stdout.read() == payload
    assert stderr.read() == b"err\n"
    assert stdout.channel.recv_exit_status() == 7
    sftp = paramiko_client.open_sftp()
    sftp.putfo(io.BytesIO(payload), f"{folder}/file")
    sftp.rename(f"{folder}/file", f"{folder}/renamed")
    with sftp.open(f"{folder}/renamed") as file:
        file.prefetch()
        assert file.read() == payload
    shell = paramiko_client.invoke_shell("xterm", 90, 25)
    shell.sendall(b"stty size; exit\n")
    got = b""
    while data := shell.recv(4096):
        got += data
    assert b"25 90" in got


def test_paramiko_tries_another_key(world, folder):
    """It asks for the service anew before each key."""
    paramiko = pytest.importorskip("paramiko")
    transport = paramiko.Transport(("127.0.0.1", world.alice.port))
    try:
        transport.start_client(timeout=20)
        for _ in range(2):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(login_of(world), paramiko.RSAKey.generate(2048))
        assert transport.auth_publickey(login_of(world), paramiko.Ed25519Key(filename=str(world.alice.key))) == []
    finally:
        transport.close()


def test_paramiko_rekeys(world, paramiko_client):
    transport = paramiko_client.get_transport()
    payload = os.urandom(300000)
    for _ in range(3):
        stdin, stdout, _ = paramiko_client.exec_command("cat")
        stdin.write(payload[:150000])
        transport.renegotiate_keys()
        stdin.write(payload[150000:])
        stdin.channel.shutdown_write()
        assert stdout.read() == payload


def asyncssh_run(world, use, **options):
    import asyncssh

    async def main():
        hosts = f"[127.0.0.1]:{world.alice.port} {world.alice.host_key}\n"
        async with asyncssh.connect("127.0.0.1", port=world.alice.port, username=login_of(world), client_keys=[str(world.alice.key)],
                                    known_hosts=asyncssh.import_known_hosts(hosts), agent_path=None, config=None, **options) as connection:
            await use(asyncssh, connection)
    asyncio.run(asyncio.wait_for(main(), 60))


def test_asyncssh(world, folder):
    async def use(asyncssh, connection):
        done = await connection.run("cat; echo err >&2; exit 7", input="in\n")
        assert (done.stdout, done.stderr, done.exit_status) == ("in\n", "err\n", 7)
        done = await connection.run("kill -TERM $$")
        assert done.exit_signal[0] == "TERM"
        async with connection.start_sftp_client() as sftp:
            async with sftp.open(f"{folder}/file", "wb") as file:
                await file.write(b"x" * 100000)
            await sftp.symlink("target-of-the-link", f"{folder}/link")
        assert (folder / "file").read_bytes() == b"x" * 100000
        assert os.readlink(folder / "link") == "target-of-the-link"
    asyncssh_run(world, use)


@pytest.mark.parametrize("kex", ["curve25519-sha256", "ecdh-sha2-nistp256"])
@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr",
                                    "aes256-ctr"])
def test_algorithms_with_tiny_rekey_limits(world, kex, cipher):
    payload = os.urandom(400000)
    options = ["-o", f"KexAlgorithms={kex}", "-o", f"Ciphers={cipher}", "-o", "RekeyLimit=64K"]
    done = world.alice.ssh(*options, world.place(), "cat", given=payload)
    assert done.ok().out == payload


@pytest.mark.parametrize("mac", ["hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"])
def test_macs_with_tiny_rekey_limits(world, mac):
    payload = os.urandom(400000)
    options = ["-o", f"MACs={mac}", "-o", "Ciphers=aes128-ctr", "-o", "RekeyLimit=64K"]
    done = world.alice.ssh(*options, world.place(), "cat", given=payload)
    assert done.ok().out == payload


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
@pytest.mark.row("A6")
def test_other_kinds_of_user_keys(world, folder, kind):
    if world.direct:
        return
    public = make_key(folder / "key", kind)
    access = world.access()
    next(user for user in access["user"] if user["name"] == "alice")["keys"].append(public)
    world.gateway.apply(access, "--prune")
    try:
        algorithms = ["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-256"] if kind == "rsa" else []
        for more in (algorithms, []):
            done = world.alice.ssh("-o", "IdentityFile=none", "-i", folder / "key", *more, world.place(), "echo in").ok()
            assert done.out == b"in\n"
    finally:
        world.apply()
