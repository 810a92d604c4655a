"""Peers × roles × algorithms × features. The short form, part of every test run, gives each peer one transfer with rekeys in each role;
`./dev matrix` runs everything and makes docs/INTEROP.md of what came out."""
import re

import pytest
from gateway import ROOT
from matrix import MatrixWorld, client_run, target_run, write_rows
from matrix_clients import all_clients
from matrix_servers import SERVERS

RESULTS = ROOT / "build/matrix"
CLIENTS = {client.name: client for client in all_clients()}
pytestmark = pytest.mark.row("C10", "E9")

# What fails by the peer's own doing: peer, role, rows, what the run must show, and the reason that the table gives. A row that fails in
# another way fails the test.
PEERS_FAULTS = [
    ("libssh2", "client", "host key ecdsa-sha2-nistp.*-cert.*", "Unable to exchange encryption keys",
     "libssh2 lists these and cannot use them, not even with OpenSSH's sshd"),
    ("libssh2", "client", "user key rsa", "Username/PublicKey combination invalid", "libssh2 signs with SHA-1 only"),
    ("Paramiko", "client|target", "kex .*|feature rekey.*", "Key-exchange timed out",
     "Paramiko stops when a rekey that it starts meets data under way; with OpenSSH's sshd as well"),
    ("node ssh2", "target", "kex diffie-hellman-group-exchange-sha256", "ended the connection before the sign-in",
     "its server offers the group exchange and has no groups"),
]


# What is ours and not mended yet: the table says "failed", the test expects it.
KNOWN_BUGS = []


def expect(bad, told):
    """Fails for rows that nobody expects to fail."""
    for peer, sign, reason in KNOWN_BUGS:
        if bad and all(row.peer == peer and re.search(sign, row.result) for row in bad):
            pytest.xfail(reason)
    assert not bad, told


def judge(rows):
    """Turns failures that are known as the peer's into that; returns the others."""
    bad = []
    for row in rows:
        if not row.failed:
            continue
        for peer, role, names, sign, reason in PEERS_FAULTS:
            if row.peer == peer and re.fullmatch(role, row.role) and re.fullmatch(names, f"{row.kind} {row.name}") and \
                    re.search(sign, row.result):
                row.result = f"peer's fault: {reason}"
                break
        else:
            bad.append(row)
    return bad


@pytest.fixture(scope="module")
def matrix_world():
    world = MatrixWorld()
    try:
        yield world.start()
    finally:
        world.stop()


def begin(world, role, name):
    if role == "client":
        missing = CLIENTS[name].missing()
        run = None if missing else client_run(world, CLIENTS[name])
    else:
        run = target_run(world, name)
        missing = run if isinstance(run, str) else None
    return run, missing


def cases():
    return [("client", name) for name in CLIENTS] + [("target", name) for name in SERVERS]


@pytest.mark.parametrize(("role", "name"), cases())
def test_transfer_with_rekeys(matrix_world, role, name):
    run, missing = begin(matrix_world, role, name)
    if missing:
        pytest.skip(f"{name}: {missing}")
    run.plain()
    bad = judge(run.rows)
    expect(bad, bad and bad[0].result)


@pytest.mark.row("F4")
@pytest.mark.parametrize("role", ["client", "target"])
def test_post_quantum_exchange(matrix_world, role):
    """On either hop, with rekeys, as the wire shows it. OpenSSH 9.2 knows this one; the matrix has the others."""
    run, missing = begin(matrix_world, role, "OpenSSH 9.2")
    assert not missing, missing
    run.algorithm("kex", "sntrup761x25519-sha512@openssh.com")
    assert run.rows[-1].result == "ok", run.rows[-1].result


@pytest.mark.matrix
@pytest.mark.parametrize(("role", "name"), cases())
def test_everything(matrix_world, role, name):
    run, missing = begin(matrix_world, role, name)
    path = RESULTS / f"{role}-{name.lower().replace(' ', '-')}.json"
    if missing:
        write_rows(path, [], missing=f"{name} as {role}: {missing}")
        pytest.skip(f"{name}: {missing}")
    run.algorithms()
    run.features()
    bad = judge(run.rows)
    write_rows(path, run.rows)
    expect(bad, "\n".join(f"{row.kind} {row.name}: {row.result}" for row in bad))
