"""ssh -J gateway login@target: the gateway answers the inner handshake in the target's name, and the session there is like any other."""
import asyncio
import re
import subprocess

import asyncssh
import evidence
import pytest
from processes import run, wait_until
from targets import LOGIN, make_key
from world import World


@pytest.fixture(scope="module")
def jumps():
    world = World().start()
    try:
        yield world
    finally:
        world.stop()


def lines(world, user):
    """~/.ssh/config and known_hosts of this user, as the gateway's administrator hands them out."""
    about = ["--user", user.name, "--host", "127.0.0.1", "--port", world.gateway.port]
    config, known = user.folder / "jump_config", user.folder / "jump_known_hosts"
    known.write_bytes(world.gateway.command("ssh-config", "--known-hosts", *about).ok().out)
    config.write_text(f"IdentityFile {user.key}\nIdentitiesOnly yes\nBatchMode yes\nStrictHostKeyChecking yes\n"
                      f"UserKnownHostsFile {known}\nGlobalKnownHostsFile /dev/null\n"
                      + world.gateway.command("ssh-config", *about).ok().text)
    return config


def ssh(user, config, *arguments, **more):
    return run(["ssh", "-F", config, *arguments], env=user.environment(), **more)


def sessions(world, user):
    """The newest first, all of them over and recorded."""
    evidence.finished_recordings(world, user)
    return [entry for entry in world.gateway.sessions() if entry["user"] == user.name]


@pytest.mark.row("F1")
def test_nothing_but_the_lines_of_ssh_config(jumps):
    """Host keys are checked strictly and nobody is asked; the command is recorded under the target's name."""
    config = lines(jumps, jumps.alice)
    done = ssh(jumps.alice, config, "-J", "gw", f"{LOGIN}@web", "echo jumped; echo aside >&2; exit 7")
    assert (done.status, done.text) == (7, "jumped\n"), done
    assert "aside\n" in done.err, done
    assert ssh(jumps.alice, config, "web", "echo short").ok().text == "short\n"
    inner = [entry for entry in sessions(jumps, jumps.alice) if entry["target"].endswith("@web")]
    assert len(inner) == 2, inner
    outs = {jumps.gateway.play(entry["audit_key"], "--stream", "stdout") for entry in inner}
    assert outs == {b"jumped\n", b"short\n"}, outs


@pytest.mark.row("F1")
def test_the_outer_connection_says_where_it_went(jumps):
    config = lines(jumps, jumps.alice)
    ssh(jumps.alice, config, "-J", "gw", f"{LOGIN}@web", "true").ok()
    outer = next(entry for entry in sessions(jumps, jumps.alice) if not entry["target"])
    channels = jumps.gateway.channels(outer["audit_key"])
    assert [channel["destination"] for channel in channels] == ["web:22"], channels
    records = [record for record in jumps.gateway.audit() if record["kind"] == "channel.open" and record["subject"] == "web:22"]
    assert records and "jump to target web" in records[-1]["reason"], records
    assert any(record["kind"] == "hostcertificate.signed" and record["subject"] == "web" for record in jumps.gateway.audit())


@pytest.mark.row("F1", "B6")
def test_agent_and_files(jumps, folder):
    config = lines(jumps, jumps.alice)
    jumps.alice.start_agent()
    shown = ssh(jumps.alice, config, "-A", "-J", "gw", f"{LOGIN}@web", "ssh-add -L").ok().text
    assert jumps.alice.public_key.split()[1] in shown, shown
    payload = folder / "payload"
    payload.write_bytes(bytes(range(256)) * 8192)
    for number, mode in enumerate(("-O", "-s")):
        run(["scp", "-q", mode, "-F", config, "-J", "gw", payload, f"{LOGIN}@web:{folder}/there{number}"],
            env=jumps.alice.environment()).ok()
        run(["scp", "-q", mode, "-F", config, "-J", "gw", f"{LOGIN}@web:{folder}/there{number}", folder / f"back{number}"],
            env=jumps.alice.environment()).ok()
        assert (folder / f"back{number}").read_bytes() == payload.read_bytes()


@pytest.mark.row("F1", "B1")
def test_a_terminal(jumps):
    config = lines(jumps, jumps.alice)
    done = ssh(jumps.alice, config, "-tt", "-J", "gw", f"{LOGIN}@web", given=b"tty; exit 4\n")
    assert done.status == 4 and "/dev/pts/" in done.text and re.search("AUDIT KEY: .*_alice", done.text), done


@pytest.mark.row("F1")
def test_much_data_under_rekeys(jumps, folder):
    """Both connections exchange keys while data flows."""
    config = lines(jumps, jumps.alice)
    payload = folder / "payload"
    payload.write_bytes(bytes(range(251)) * 100_000)
    done = ssh(jumps.alice, config, "-o", "RekeyLimit=1M", "-J", "gw", f"{LOGIN}@web", "cat", given=payload.read_bytes(), timeout=120).ok()
    assert done.out == payload.read_bytes()


@pytest.mark.row("F1")
def test_the_rules_decide_inside(jumps):
    """A login that no rule gives, a command for somebody who may only type, a user without any rule for the target."""
    alice, guest, partner = (lines(jumps, user) for user in (jumps.alice, jumps.guest, jumps.partner))
    done = ssh(jumps.alice, alice, "-J", "gw", "nobody-there@web", "true")
    assert done.status != 0 and "nobody-there" in done.err, done
    done = ssh(jumps.guest, guest, "-J", "gw", f"{LOGIN}@web", "true")
    assert done.status != 0 and "exec" in done.err, done
    done = ssh(jumps.partner, partner, "-J", "gw", f"{LOGIN}@web", "true")
    assert done.status == 255 and "web:22" in done.err, done
    # What is no target is a forward like any other.
    done = ssh(jumps.alice, alice, "-J", "gw", "-p", str(jumps.forbidden.port), f"{LOGIN}@127.0.0.1", "true")
    assert done.status == 255 and jumps.forbidden.knocks == 0, done


@pytest.mark.row("F1")
def test_by_the_address_of_the_target(jumps):
    """Who types the address gets the same: recorded, and no way around it."""
    config = lines(jumps, jumps.alice)
    port = jumps.target("web").port
    before = len(sessions(jumps, jumps.alice))
    done = ssh(jumps.alice, config, "-o", "StrictHostKeyChecking=no", "-J", "gw", "-p", str(port), f"{LOGIN}@127.0.0.1", "echo there")
    assert done.text == "there\n", done
    new = sessions(jumps, jumps.alice)[:len(sessions(jumps, jumps.alice)) - before]
    assert any(entry["target"].endswith("@web") for entry in new), new


@pytest.mark.row("F1")
def test_somebody_else_cannot_answer_for_the_target(jumps, folder):
    """The client trusts the gateway's host CA for the targets' names and nothing else: a plain key in its place is refused."""
    config = lines(jumps, jumps.alice)
    known = jumps.alice.folder / "jump_known_hosts"
    other = " ".join(make_key(folder / "other").split()[:2])
    original = known.read_text()
    known.write_text("".join(f"{' '.join(line.split()[:2])} {other}\n" if line.startswith("@cert-authority") else f"{line}\n"
                             for line in original.splitlines()))
    assert known.read_text() != original
    done = ssh(jumps.alice, config, "-J", "gw", f"{LOGIN}@web", "true")
    assert done.status == 255 and "Host key verification failed" in done.err, done


@pytest.mark.row("F1", "C10")
def test_asyncssh(jumps):
    lines(jumps, jumps.alice)
    known = str(jumps.alice.folder / "jump_known_hosts")

    async def through():
        key = str(jumps.alice.key)
        async with asyncssh.connect("127.0.0.1", jumps.gateway.port, username="alice", client_keys=[key], known_hosts=known,
                                    config=None) as outer:
            async with outer.connect_ssh("web", username=LOGIN, client_keys=[key], known_hosts=known, config=None) as inner:
                done = await inner.run("echo from asyncssh; exit 3")
                return done.exit_status, done.stdout
    assert asyncio.run(asyncio.wait_for(through(), 30)) == (3, "from asyncssh\n")


@pytest.mark.row("F1", "C10")
def test_plink(jumps):
    """PuTTY's jump: the connection inside is made by -proxycmd, with the gateway's own key pinned."""
    key = jumps.alice.putty_key()
    outer = f"plink -batch -i {key} -hostkey {jumps.alice.host_fingerprint} -P {jumps.gateway.port} -nc web:22 alice@127.0.0.1"
    done = run(["plink", "-batch", "-i", key, "-hostkey", jumps.alice.host_fingerprint, "-proxycmd", outer, f"{LOGIN}@web",
                "echo from plink"], env=jumps.alice.environment())
    assert done.text == "from plink\n", done


def test_the_end_of_the_outer_connection_ends_the_inner(jumps, folder):
    """`sessions end` of the session inside tells its user; the outer connection's end takes the inner with it."""
    config = lines(jumps, jumps.alice)
    with subprocess.Popen(["ssh", "-F", str(config), "-tt", "-J", "gw", f"{LOGIN}@web"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=jumps.alice.environment()) as client:
        inner = wait_until(lambda: next((entry for entry in jumps.gateway.listing("sessions", "ls", "--live")
                                         if entry["target"].endswith("@web")), None), "the session inside")
        jumps.gateway.command("sessions", "end", inner["id"], "--reason", "enough").ok()
        out, _ = client.communicate(timeout=30)
    assert b"enough" in out, out
    wait_until(lambda: not jumps.gateway.listing("sessions", "ls", "--live"), "the end of both sessions")
