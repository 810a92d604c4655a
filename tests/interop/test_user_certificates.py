"""Users who sign in with a certificate of an outside authority: made by ssh-keygen, shown by the stock client."""
import json
import re
import time

import pytest
from clients import Clients
from gateway import Gateway
from processes import run, wait_until
from targets import LOGIN, make_key
from world import World

pytestmark = pytest.mark.row("E1")


@pytest.fixture(scope="module")
def corp():
    """A world whose gateway trusts the authority `ca`; alice's registered key is another one than the clients here use."""
    world = World()
    make_key(world.folder / "ca")
    make_key(world.folder / "foreign")
    try:
        world.start()
        world.gateway.configure(ssh={"user_ca": [(world.folder / "ca.pub").read_text().strip()], "revoked_keys": ["revoked.krl"]})
        revoke(world, "")
        yield world
    finally:
        world.stop()


def revoke(world, spec):
    """A new revocation list: lines as ssh-keygen -k takes them (none: nothing is revoked). The gateway reads it at the reload."""
    (world.folder / "spec").write_text(spec)
    run(["ssh-keygen", "-q", "-k", "-f", world.gateway.data_dir / "revoked.krl", "-s", world.folder / "ca.pub",
         world.folder / "spec"]).ok()
    world.gateway.reload()


def certified(world, folder, *options, ca="ca", kind="ed25519", principals="alice", key_id="alice's laptop"):
    """A client whose unregistered key carries a certificate."""
    key = folder / f"id_{kind}"
    make_key(key, kind, comment="certified")
    names = ["-n", principals] if principals else []
    run(["ssh-keygen", "-q", "-s", world.folder / ca, "-I", key_id, *names, *options, f"{key}.pub"]).ok()
    return Clients(folder / "client", "certified", world.gateway.port, world.gateway.host_key, key=key)


def refused(world, client, user_text, place=None):
    before = len(world.gateway.audit())
    done = client.ssh(place or f"{LOGIN}@web@gw", "true")
    assert done.status == 255, done
    assert re.search(user_text, done.err), f"the user reads nothing of {user_text!r}:\n{done.err}"

    def recorded():
        return [record for record in world.gateway.audit()[before:]
                if record["kind"] == "auth.refused" and re.search(user_text, record["reason"])]
    wait_until(recorded, f"an audit record about {user_text!r}", 5)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_good_certificate(corp, folder, kind):
    client = certified(corp, folder, "-z", "77", "-V", "-5m:+10m", kind=kind)
    done = client.ssh(f"{LOGIN}@web@gw", "echo in; exit 7")
    assert (done.status, done.out) == (7, b"in\n"), done
    record = [one for one in corp.gateway.audit() if one["kind"] == "auth.certificate"][-1]
    authority = run(["ssh-keygen", "-lf", corp.folder / "ca.pub"]).ok().text.split()[1]
    for word in ("alice's laptop", "serial 77", authority):
        assert word in json.dumps(record), record
    assert client.ssh(f"alice@{LOGIN}@web@gw", "exit 7").status == 7
    assert client.ssh("alice@gw").status != 255  # the menu


def test_principal_is_the_mail_address(corp, folder):
    assert certified(corp, folder, principals="nobody,alice@example.com").ssh(f"{LOGIN}@web@gw", "exit 7").status == 7


def test_certificate_naming_two_users_wants_to_know_which(corp, folder):
    client = certified(corp, folder, principals="alice,meta")
    refused(corp, client, "say which one")
    assert client.ssh(f"meta@{LOGIN}@web@gw", "exit 7").status == 7
    refused(corp, client, "not registered|permission", place=f"guest@{LOGIN}@web@gw")


@pytest.mark.parametrize("options, text", [
    (["-V", "20200101:20200102"], "expired"),
    (["-V", "+1h:+2h"], "not valid yet"),
    (["-O", "critical:foo@example.com=bar"], "unknown critical option"),
    (["-O", "source-address=192.0.2.0/24"], r"may not be used from 127\.0\.0\.1"),
], ids=["expired", "not-yet", "critical", "source-address"])
def test_refusals(corp, folder, options, text):
    refused(corp, certified(corp, folder, *options), text)


def test_wrong_and_empty_principals(corp, folder):
    refused(corp, certified(corp, folder, principals="mallory"), "names no user of this gateway, but mallory")
    refused(corp, certified(corp, folder, principals=""), "names no principal")
    refused(corp, certified(corp, folder, principals="root"), "names no user")


@pytest.mark.row("D8")
def test_source_address(corp, folder):
    assert certified(corp, folder, "-O", "source-address=192.0.2.0/24,127.0.0.0/8").ssh(f"{LOGIN}@web@gw", "exit 7").status == 7


def test_foreign_authority(corp, folder):
    refused(corp, certified(corp, folder, ca="foreign"), "an authority that this gateway does not know")


def test_revoked_until_the_list_says_otherwise(corp, folder):
    client = certified(corp, folder, "-z", "78")
    place = f"{LOGIN}@web@gw"
    try:
        for spec in ("serial: 70-80\n", "id: alice's laptop\n", f"key: {client.public_key}\n"):
            assert client.ssh(place, "exit 7").status == 7
            revoke(corp, spec)
            refused(corp, client, "revoked")
            revoke(corp, "serial: 79\n")
        assert client.ssh(place, "exit 7").status == 7
        # A registered plain key, too.
        assert corp.alice.ssh(place, "exit 7").status == 7
        revoke(corp, f"key: {corp.alice.public_key}\n")
        refused(corp, corp.alice, "revoked")
        # A list that cannot be read is not an empty one.
        (corp.gateway.data_dir / "revoked.krl").write_bytes(b"SSHKRL\n\0broken")
        corp.gateway.reload()
        refused(corp, client, "revocation list cannot be read")
        refused(corp, corp.alice, "revocation list cannot be read")
    finally:
        revoke(corp, "")
    assert corp.alice.ssh(place, "exit 7").status == 7


def test_force_command(corp, folder):
    client = certified(corp, folder, "-O", "force-command=echo forced; exit 9")
    done = client.ssh(f"{LOGIN}@web@gw", "echo wanted")
    assert (done.status, done.out) == (9, b"forced\n"), done


def test_what_the_authority_does_not_permit(corp, folder):
    """-O clear: no terminal, no forwards, no agent; the rules of alice would permit all of them."""
    client = certified(corp, folder, "-O", "clear")
    assert client.ssh(f"{LOGIN}@web@gw", "exit 7").status == 7
    assert "PTY allocation request failed" in client.ssh("-tt", f"{LOGIN}@web@gw", "tty").err
    done = client.ssh("-W", f"127.0.0.1:{corp.echo.port}", "alice@gw", given=b"x\n")
    assert done.status != 0 and "may not forward" in done.err, done
    client.start_agent()
    try:
        done = client.ssh("-A", f"{LOGIN}@web@gw", "echo agent=${SSH_AUTH_SOCK:-none}")
        assert b"agent=none" in done.out, done
    finally:
        client.stop_agent()


def test_single_extensions(corp, folder):
    client = certified(corp, folder, "-O", "clear", "-O", "permit-pty", "-O", "permit-port-forwarding")
    done = client.ssh("-tt", f"{LOGIN}@web@gw", "tty")
    assert b"/dev/pts/" in done.out, done
    done = client.ssh("-W", f"127.0.0.1:{corp.echo.port}", "alice@gw", given=b"x\n")
    assert done.out == b"x\n", done


@pytest.mark.row("A6")
def test_authority_in_a_users_own_keys(own_world, folder):
    """cert-authority of authorized_keys: its options and the certificate's must both permit."""
    world = own_world
    make_key(world.folder / "ca")
    client = certified(world, folder, principals="deploy")
    place = f"{LOGIN}@web@gw"
    refused(world, client, "an authority that this gateway does not know")

    def line(options):
        access = world.access()
        access["user"][0]["keys"].append(f"cert-authority{options} " + (world.folder / "ca.pub").read_text().strip())
        world.gateway.apply(access, "--prune")
    line("")
    refused(world, client, "does not name the principal alice")
    line(',principals="ops,deploy"')
    assert client.ssh(place, "exit 7").status == 7
    line(',principals="deploy",no-pty,command="echo line"')
    assert client.ssh(place, "true").out == b"line\n"
    assert "PTY allocation request failed" in client.ssh("-tt", place, "true").err
    line(',principals="deploy",from="192.0.2.0/24"')
    refused(world, client, r"may not be used from 127\.0\.0\.1")
    # The authority's key itself signs nobody in.
    authority = Clients(folder / "authority", "authority", world.gateway.port, world.gateway.host_key, key=world.folder / "ca")
    refused(world, authority, "may sign certificates, not sign in")


def test_expires_while_connected(corp, folder):
    """A certificate is judged when the connection signs in: sessions after its end need a new connection."""
    client = certified(corp, folder, "-V", "-5m:" + time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() + 6)))
    place = f"{LOGIN}@web@gw"
    with client.start(place, "echo live; cat") as session:
        assert session.stdout.readline() == b"live\n"
        wait_until(lambda: client.ssh(place, "true").status == 255, "the certificate's end", 20)
        session.stdin.write(b"still here\n")
        session.stdin.close()
        assert session.stdout.readline() == b"still here\n"
        assert session.wait(20) == 0
    refused(corp, client, "expired")


def test_the_banner_names_each_key_that_was_refused(corp, folder):
    keys = []
    for name in ("one", "two"):
        make_key(folder / name)
        keys.append(run(["ssh-keygen", "-lf", folder / f"{name}.pub"]).ok().text.split()[1])
    client = Clients(folder / "client", "two keys", corp.gateway.port, corp.gateway.host_key, key=folder / "one",
                     options=[f"IdentityFile {folder}/two"])
    done = client.ssh(f"{LOGIN}@web@gw", "true")
    assert done.status == 255
    assert [fingerprint for fingerprint in re.findall(r"accept ED25519 (SHA256:\S+):", done.err)] == keys, done.err
    assert done.err.count("administrator") == 1


def test_a_key_that_never_matters_is_told_once(corp, folder):
    """The stock client offers the plain key before its certificate."""
    client = certified(corp, folder)
    said = [client.ssh(f"{LOGIN}@web@gw", "true").ok().err.count("did not accept") for _ in range(2)]
    assert said in ([1, 0], [0, 0]), said


def test_check_refuses_an_authority_that_is_none(make_gateway):
    gateway: Gateway = make_gateway()
    gateway.configure(ssh={"user_ca": ["ssh-ed25519 AAAA"]})
    done = gateway.command("check", "--config", gateway.config_path)
    assert done.status == 1 and "ssh.user_ca" in done.err + done.text, done
