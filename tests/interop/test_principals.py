"""What the certificate names, and which accounts of a target are a user's own: the forms of a target's sshd_config that E2 is about."""
import os

import pytest
from processes import Daemon
from targets import NSS_WRAPPER, OpenSshTarget

pytestmark = [pytest.mark.row("E2"), pytest.mark.skipif(os.getuid() != 0, reason="an sshd with several accounts is one of root")]

ACCOUNTS = ("jdoe", "johndoe", "vmuser", "alice")
ALL = """AuthorizedPrincipalsCommand /bin/bash -c "echo '%t %k' | ssh-keygen -L -f - | grep -A1 Principals"
    AuthorizedPrincipalsCommandUser nobody"""


class Mapped(OpenSshTarget):
    """An sshd that knows more accounts than this machine (nss_wrapper), all of them the caller."""

    def start(self):
        accounts = "".join(f"{name}:x:{os.getuid()}:{os.getgid()}::{self.folder}/home:/bin/sh\n" for name in ACCOUNTS)
        with open("/etc/passwd") as real:
            (self.folder / "passwd").write_text(real.read() + accounts)
        environment = {**os.environ, "LD_PRELOAD": NSS_WRAPPER, "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
                       "NSS_WRAPPER_GROUP": "/etc/group"}
        self.daemon = Daemon(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], self.folder / "sshd.log", env=environment)
        self.daemon.wait_for_port(self.port)
        self.knocked = self.connections()
        return self

    def connections(self):
        return self.daemon.said().count("Connection from")


class Place:
    def __init__(self, world, folder):
        self.world, self.folder, self.targets = world, folder, []

    def add(self, options=(), rule_logins=(), email="jdoe@example.com", **fields):
        target = Mapped(self.folder / f"sshd{len(self.targets)}", ca_lines=[self.world.gateway.user_ca], options=options)
        os.chmod(target.folder, 0o755)
        self.targets.append(target.start())
        access = self.world.access()
        for user in access["user"]:
            if user["name"] == "alice":
                user["email"] = email
                if not email:
                    del user["email"]
        access["target"].append({"name": "mapped", "address": f"127.0.0.1:{target.port}", "auth": "certificate",
                                 "host_keys": [target.host_key], **fields})
        if rule_logins:
            everywhere = access["rule"][0]
            access["rule"][:1] = [{**everywhere, "name": "own accounts", "targets": ["mapped"], "logins": list(rule_logins)},
                                  {**everywhere, "targets": ["web"]}]
        self.world.gateway.apply(access, "--prune")
        return target


@pytest.fixture
def place(world, folder):
    os.chmod(folder, 0o755)
    place = Place(world, folder)
    yield place
    world.apply()
    for target in place.targets:
        target.stop()


def test_the_prefix_of_the_address_is_the_account(world, place):
    """The simplest setup: the target has nothing but TrustedUserCAKeys."""
    target = place.add(logins=["{email_prefix}"], principals=["{email_prefix}"])
    world.alice.ssh("mapped@gw", "true").ok()
    assert "Accepted publickey for jdoe " in target.daemon.said()
    world.alice.ssh("jdoe@mapped@gw", "true").ok()
    refused = world.alice.ssh("vmuser@mapped@gw", "true")
    assert refused.status != 0 and "no rule lets alice" in refused.err, refused
    known = target.connections()
    literally = world.alice.ssh(f"{world.alice.name}@gw", "'{email_prefix}@mapped'", "true")
    assert literally.status != 0 and target.connections() == known


@pytest.mark.parametrize("mapping", [
    "Match user johndoe\n    AuthorizedPrincipalsCommand /bin/echo 'jdoe'\n    AuthorizedPrincipalsCommandUser nobody",
    "Match user johndoe\n    AuthorizedPrincipalsFile {folder}/users-list.txt",
    f"Match user johndoe\n    {ALL}",
    ALL,
], ids=["one-to-one", "many-to-one", "all users for one account", "all users for all accounts"])
def test_the_target_maps(world, place, folder, mapping):
    """The four forms in which targets accept the prefix of an address for an account of another name."""
    (folder / "users-list.txt").write_text("someone\njdoe\nrobin\n")
    target = place.add(options=mapping.format(folder=folder).splitlines(), logins=["johndoe"], principals=["{email_prefix}"])
    world.alice.ssh("johndoe@mapped@gw", "true").ok()
    assert "Accepted publickey for johndoe " in target.daemon.said()


@pytest.mark.parametrize("email, works", [("jdoe@example.com", True), ("other@example.com", False)])
def test_the_target_asks_for_the_right_person(world, place, folder, email, works):
    (folder / "users-list.txt").write_text("jdoe\n")
    place.add(options=["Match user vmuser", f"  AuthorizedPrincipalsFile {folder}/users-list.txt"], logins=["vmuser"],
              principals=["{email_prefix}"], email=email)
    done = world.alice.ssh("vmuser@mapped@gw", "true")
    assert (done.status == 0) == works, done
    assert works or "did not accept the gateway's certificate" in done.err and "open to other" in done.err, done


def test_a_rule_for_everybodys_own_account(world, place):
    """One rule for all users: each under the own name, and under no other one that the target has."""
    target = place.add(logins=["{user}", "vmuser"], rule_logins=["{user}"])
    world.alice.ssh("mapped@gw", "true").ok()
    assert "Accepted publickey for alice " in target.daemon.said()
    refused = world.alice.ssh("vmuser@mapped@gw", "true")
    assert refused.status != 0 and "no rule lets alice" in refused.err, refused


def test_without_an_address_the_user_hears_why(world, place):
    target = place.add(logins=["vmuser"], principals=["{email_prefix}"], email="")
    done = world.alice.ssh("vmuser@mapped@gw", "true")
    assert done.status != 0 and "e-mail" in done.err, done
    assert target.connections() == target.knocked, "the target was asked"


def test_an_address_does_not_make_anybody_root(world, place):
    target = place.add(logins=["{email_prefix}"], principals=["{email_prefix}"], email="root@example.com")
    for name in ("mapped@gw", "root@mapped@gw"):
        assert world.alice.ssh(name, "true").status != 0
    assert target.connections() == target.knocked, "the target was asked"
