"""ssh-audit on both of our roles: what it finds wrong with the front hop as a server, and with the gateway as a target's client.

With `ssh.algorithms = "strict"` there is nothing that it calls `fail` or `warn`; otherwise nothing except what stands below with its
reason. Where a newer ssh-audit than Debian's is
at hand (implementations.py says where), it is asked, too: it knows the Terrapin attack and the hybrid exchanges."""
import os
import re
import shutil

import implementations
import pytest
from matrix_servers import HostKeys
from processes import Daemon, free_port, run, wait_until
from wire_tap import Tap

# Names that Debian's ssh-audit 2.5 is older than. A newer one has no complaint about them.
NEWER_THAN_DEBIANS = [
    ("mlkem768x25519-sha256|sntrup761x25519-sha512|kex-strict-[cs]-v00@openssh.com|ext-info-[cs]", "warn", "unknown algorithm"),
    ("sntrup761x25519-sha512@openssh.com", "warn", "using experimental algorithm"),
]
# What the product's policy offers although ssh-audit advises against it: peers that have nothing better must get in. The order is ours to
# choose, and these come after everything that ssh-audit likes.
POLICY = [
    # The newest ssh-audit misreads the size of these certificates' keys.
    ("(sk-)?ecdsa-sha2-nistp.*-cert-v01@openssh.com", "fail", "using small 64-bit hostkey modulus"),
    ("ecdh-sha2-nistp.*", "fail", "using weak elliptic curves|using elliptic curves that are suspected.*"),
    ("(sk-)?ecdsa-sha2-nistp.*", "fail", "using weak elliptic curves|using elliptic curves that are suspected.*"),
    ("(sk-)?ecdsa-sha2-nistp.*", "warn", "using weak random number generator could reveal the key"),
    ("hmac-sha2-(256|512)", "warn", "using encrypt-and-MAC mode"),
    ("curve25519-sha256.*|ecdh-sha2-nistp.*|diffie-hellman-group.*", "warn", "does not provide protection against post-quantum attacks"),
    ("diffie-hellman-group14-sha256", "warn", "2048-bit modulus only provides 112-bits of symmetric strength"),
    ("diffie-hellman-group-exchange-sha256", "warn", ".*2048-bit.*|.*modulus.*"),
]


def complaints(said):
    """[(name, level, text)] of a report."""
    found, name = [], ""
    for line in said.splitlines():
        named = re.match(r"^\((?:kex|key|enc|mac)\) (\S+)", line)
        if named:
            name = named[1]
        told = re.search(r"\[(fail|warn)\] (.*)$", line)
        if told:
            found.append((name, told[1], told[2].strip()))
    return found


def unexpected(said, permitted):
    return [one for one in complaints(said)
            if not any(re.fullmatch(name, one[0]) and level == one[1] and re.fullmatch(text, one[2]) for name, level, text in permitted)]


@pytest.fixture(params=["compatible", "strict"])
def algorithms(request):
    return request.param


@pytest.fixture(params=["Debian's", "newer"])
def audit(request, algorithms):
    """The command, and what it may say."""
    permitted = POLICY if algorithms == "compatible" else []
    if request.param == "newer":
        path = implementations.newer_ssh_audit()
        if not path:
            pytest.skip("no ssh-audit newer than Debian's below build/peers")
        return [implementations.PYTHON, path], permitted
    if not shutil.which("ssh-audit"):
        pytest.skip("ssh-audit is not installed")
    return ["ssh-audit"], permitted + NEWER_THAN_DEBIANS


@pytest.fixture
def every_host_key(make_gateway, folder, algorithms):
    gateway = make_gateway()
    keys = HostKeys(folder / "keys", ["gw"])
    gateway.configure(ssh={"listen": [f"127.0.0.1:{gateway.port}"], "host_keys": [str(path) for path in keys.files],
                           "algorithms": algorithms})
    return gateway.start()


def checked(said, permitted):
    assert "(kex) " in said and "(enc) " in said and "(mac) " in said, f"not a report: {said[-2000:]}"
    bad = unexpected(said, permitted)
    assert not bad, f"{bad}\n{said}"
    assert not re.search(r"vulnerable to the Terrapin", said), said


def test_front_hop(audit, every_host_key, record_property):
    command, permitted = audit
    done = run([*command, "-n", "-4", "-p", every_host_key.port, "127.0.0.1"], timeout=120)
    checked(done.text, permitted)
    assert "kex-strict-s-v00@openssh.com" in done.text
    record_property("figures", f"{command[-1]}: {len(complaints(done.text))} remarks, all of them on the list of the policy")


def listens(port):
    """Whether somebody listens on the port, without connecting to it."""
    with open("/proc/net/tcp") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in list(table)[1:])


def test_client_role(audit, algorithms, own_world, folder):
    command, permitted = audit
    world, port = own_world, free_port()
    world.gateway.configure(ssh={"algorithms": algorithms})
    world.gateway.reload()
    auditor = Daemon([*command, "-n", "-c", "-p", port, "-t", "30"], folder / "audit.log", env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        # It says nothing when it listens, and takes the first connection for the client.
        wait_until(lambda: listens(port), "ssh-audit to listen")
        access = world.access()
        access["target"].append({"name": "audit", "address": f"127.0.0.1:{port}", "logins": ["nobody"], "auth": "certificate",
                                 "host_keys": [world.target("web").host_key]})
        world.gateway.apply(access, "--prune")
        assert world.alice.ssh("nobody@audit@gw", "true").status != 0, "ssh-audit let somebody in"
        auditor.process.wait(60)
        checked(auditor.said(), permitted)
        assert "kex-strict-c-v00@openssh.com" in auditor.said()
    finally:
        auditor.kill()


def test_the_list_is_not_a_blank_cheque():
    """The reading of reports finds what it must not overlook."""
    said = ("(kex) diffie-hellman-group1-sha1 -- [fail] removed\n"
            "                                 `- [warn] using small 1024-bit modulus\n"
            "(enc) aes128-ctr                 -- [info] fine\n")
    assert unexpected(said, POLICY) == [("diffie-hellman-group1-sha1", "fail", "removed"),
                                        ("diffie-hellman-group1-sha1", "warn", "using small 1024-bit modulus")]


def test_openssh_10_prints_no_post_quantum_warning(world):
    """Neither at the front hop nor anywhere else; OpenSSH 10 warns when the exchange is not post-quantum."""
    root = implementations.openssh_folder("10.0")
    if root is None:
        pytest.skip("no OpenSSH 10 below build/peers; ./dev peers fetches it")
    tap = Tap(world.gateway.port)
    try:
        config = folder_config(world, tap.port)
        done = run([root / "usr/bin/ssh", "-F", config, "-o", "LogLevel=INFO", world.place(), "true"], env=world.alice.environment()).ok()
        assert "post-quantum" not in done.err and "quantum" not in done.err, done.err
        client, server = tap.hellos()
        assert client.offers["kex"][0] == server.offers["kex"][0] == "mlkem768x25519-sha256"
    finally:
        tap.close()


def folder_config(world, port):
    path = world.alice.folder / "config-tapped"
    path.write_text(world.alice.config.read_text().replace(f"Port {world.gateway.port}", f"Port {port}"))
    return path
