"""The user CA's key is replaced under way: a real sshd fetches what it trusts from GET /ca.pub, and nobody's login fails at any step."""
import os
import re
import signal
import threading

import memory
import pytest
from processes import free_port, run, wait_until
from world import World


@pytest.fixture
def rotating():
    """A world whose gateway listens for targets that fetch the CA's keys."""
    world = World().start()
    world.gateway.stop()
    world.ca_port = free_port()
    world.gateway.configure(ca={"listen": f"127.0.0.1:{world.ca_port}"})
    world.gateway.start()
    try:
        yield world
    finally:
        world.stop()


def fetch(world, *options, path="/ca.pub"):
    return run(["curl", "-s", *options, f"http://127.0.0.1:{world.ca_port}{path}"])


def refresh(world):
    """What a target's timer does: a new file under the name that sshd reads at each login."""
    place = world.target("web").folder / "ca.pub"
    run(["curl", "-sf", "-o", f"{place}.new", f"http://127.0.0.1:{world.ca_port}/ca.pub"]).ok()
    os.rename(f"{place}.new", place)
    return place.read_text().splitlines()


def shown(world):
    return world.gateway.command("ca", "show", "--user").ok().text.splitlines()


def authority_of_a_login(world):
    """The fingerprint of the key that certified a login, as the target's sshd logs it."""
    target = world.target("web")
    before = len(target.daemon.said())
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"
    return re.search(r"Accepted publickey .* CA ED25519 (SHA256:\S+)", target.daemon.said()[before:])[1]


def fingerprint(line):
    return run(["ssh-keygen", "-l", "-f", "-"], given=line.encode()).ok().text.split()[1]


class Logins(threading.Thread):
    """Logs in again and again until it is told to stop; keeps what failed."""

    def __init__(self, world):
        super().__init__()
        self.world, self.done, self.count, self.failures = world, threading.Event(), 0, []

    def run(self):
        while not self.done.is_set():
            done = self.world.meta.ssh(self.world.place(), "true")
            self.count += 1
            if done.status != 0:
                self.failures.append(done)

    def went_on(self):
        """Some more logins began and ended since now."""
        before = self.count
        wait_until(lambda: self.count >= before + 3, "logins that go on")

    def stop(self):
        self.done.set()
        self.join()
        assert not self.failures, self.failures[0]


def kill_keyholder(world):
    spawner = memory.children(world.gateway.daemon.pid)["sekisho-spawner"]
    before = world.gateway.daemon.said().count("keyholder.started")
    os.kill(memory.children(spawner)["sekisho-keys"], signal.SIGKILL)
    wait_until(lambda: world.gateway.daemon.said().count("keyholder.started") > before, "another keyholder")


@pytest.mark.row("E3")
def test_rotation_with_overlap_without_an_outage(rotating):
    world, gateway = rotating, rotating.gateway
    first = refresh(world)
    assert first == shown(world) and len(first) == 1
    assert authority_of_a_login(world) == fingerprint(first[0])

    # 1. Publish: both are there, the first one signs, also for a target that has not fetched yet.
    gateway.command("ca", "rotate").ok()
    assert authority_of_a_login(world) == fingerprint(first[0])
    both = refresh(world)
    assert len(both) == 2 and both[0] == first[0] and shown(world) == both
    logins = Logins(world)
    logins.start()
    try:
        assert authority_of_a_login(world) == fingerprint(first[0])
        done = gateway.command("ca", "rotate")
        assert done.status == 1 and "--activate" in done.err

        # 2. Activate: the second one signs, the first one stays published.
        logins.went_on()
        gateway.command("ca", "rotate", "--activate").ok()
        logins.went_on()
        assert authority_of_a_login(world) == fingerprint(both[1])
        assert refresh(world) == [both[1], both[0]]

        # 3. Retire the first one.
        gateway.command("ca", "rotate", "--finish").ok()
        logins.went_on()
        assert refresh(world) == [both[1]] == shown(world)
        assert authority_of_a_login(world) == fingerprint(both[1])
        logins.went_on()
    finally:
        logins.stop()
    assert sorted(path.name for path in (gateway.data_dir / "keys").glob("ca_*")) == ["ca_ed25519", "ca_ed25519.pub"]
    steps = [record for record in gateway.audit() if record["kind"] == "ca.rotate"]
    assert [(record["subject"], record["outcome"]) for record in steps] == \
        [("publish", "ok"), ("publish", "failed"), ("activate", "ok"), ("retire", "ok")]
    assert all(record["source"] == f"uid {os.getuid()}" for record in steps)
    assert fingerprint(both[1]) in steps[0]["reason"] and fingerprint(both[1]) in steps[2]["reason"]


@pytest.mark.row("E3")
def test_every_step_survives_restarts_and_a_killed_keyholder(rotating):
    world, gateway = rotating, rotating.gateway
    refresh(world)
    for step in ([], ["--activate"], ["--finish"], [], ["--drop"]):
        gateway.command("ca", "rotate", *step).ok()
        lines = refresh(world)
        signs = authority_of_a_login(world)
        assert signs == fingerprint(lines[0])
        kill_keyholder(world)
        assert (refresh(world), authority_of_a_login(world)) == (lines, signs), step
        gateway.stop()
        assert shown(world) == lines, "without a gateway, from the files"
        gateway.start()
        assert (refresh(world), authority_of_a_login(world)) == (lines, signs), step
    assert len(lines) == 1


@pytest.mark.row("E3")
def test_a_target_that_did_not_fetch_refuses_the_new_key(rotating):
    """The overlap is what keeps it working: without it, nothing does. And a dropped key is as if it had never been."""
    world, gateway = rotating, rotating.gateway
    before = refresh(world)
    gateway.command("ca", "rotate").ok()
    gateway.command("ca", "rotate", "--drop").ok()
    assert refresh(world) == before
    gateway.command("ca", "rotate").ok()
    gateway.command("ca", "rotate", "--activate").ok()
    assert world.alice.ssh(world.place(), "true").status != 0
    refresh(world)
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"


@pytest.mark.row("E3")
def test_the_listener_serves_that_and_nothing_else(rotating):
    world = rotating
    head = fetch(world, "-I").ok().text
    assert head.startswith("HTTP/1.1 200") and "text/plain" in head
    assert f"content-length: {len(fetch(world).ok().out)}" in head.lower()
    for options, path, status in ([], "/", "404"), ([], "/v1/access", "404"), ([], "/openapi.json", "404"), ([], "/ca.pub?x=1", "404"), \
            (["-X", "POST", "-d", "x"], "/ca.pub", "405"), (["-X", "DELETE"], "/ca.pub", "405"):
        assert fetch(world, "-o", "/dev/null", "-w", "%{http_code}", *options, path=path).text == status, path
    assert fetch(world, "-H", "X: " + "x" * 8000, "-o", "/dev/null", "-w", "%{http_code}").text == "000", "a header beyond its limit"
    assert fetch(world).ok().text == world.gateway.command("ca", "show", "--user").text
    by_socket = run(["curl", "-s", "--unix-socket", world.gateway.folder / "admin.sock", "http://gateway/ca.pub"]).ok()
    assert by_socket.out == fetch(world).out


def test_rotation_needs_the_gateway_and_an_address_for_targets_needs_to_be_one(make_gateway):
    gateway = make_gateway()
    done = gateway.command("ca", "rotate")
    assert done.status == 1 and "start it first" in done.err
    gateway.configure(ca={"listen": "somewhere"})
    done = gateway.command("check")
    assert done.status == 1 and "an address and a port are wanted" in done.err + done.text
