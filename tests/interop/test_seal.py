"""Recordings that are sealed to auditors' keys: what a stock client does is read by each auditor, and by nobody who has all that the
gateway has (row E6)."""
import os
import stat

import pytest
from evidence import newest
from open_sealed import open_recording
from processes import wait_until
from world import World

MARKER = "marker-that-must-not-rest-anywhere"


def keygen(gateway, folder, name):
    path = folder / name
    gateway.command("keygen", str(path)).ok()
    return path


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A world whose recordings are sealed to two auditors; `keys` are the files of their private keys."""
    folder = tmp_path_factory.mktemp("auditors")
    world = World()
    world.keys = []
    from gateway import Gateway
    maker = Gateway(folder / "maker")
    for name in ("first", "second", "stranger"):
        world.keys.append(keygen(maker, folder, name))
    world.config = {"recording": {"seal_to": [path.with_suffix(".pub").read_text() for path in world.keys[:2]]}}
    try:
        yield world.start()
    finally:
        world.stop()


def path_of(world, key):
    return next((world.gateway.folder / "data" / "recordings").rglob(f"{key}.skr"))


def shown(world, key, *arguments):
    return world.gateway.command("recordings", "play", "--no-wait", *arguments, key)


@pytest.mark.row("E6")
def test_keygen_makes_the_pair_that_the_format_names(sealed, folder):
    private = sealed.keys[0]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    for path in (private, private.with_suffix(".pub")):
        assert len(path.read_bytes()) == 44 and not path.read_bytes().endswith(b"\n")
    before = private.read_bytes()
    again = sealed.gateway.command("keygen", str(private))
    assert again.status == 1 and "is there already" in again.err, again
    assert private.read_bytes() == before
    half = folder / "half"
    half.with_suffix(".pub").write_text("mine")
    assert sealed.gateway.command("keygen", str(half)).status == 1
    assert not half.exists() and half.with_suffix(".pub").read_text() == "mine"


@pytest.mark.row("E6", "B7")
def test_each_auditor_reads_what_nobody_else_can(sealed):
    world = sealed
    secret = f"{MARKER}-{os.getpid()}"
    half = len(secret) // 2  # the command line of a process can be seen: the whole word stands in none
    command = f"a={secret[:half]}; echo ${{a}}{secret[half:]}"
    assert world.alice.ssh("-tt", world.place(), command).ok().out.strip() == secret.encode()
    world.alice.ssh(world.place(), f"{command}; cat", given=secret.encode()).ok()
    key = newest(world, world.alice)["audit_key"]

    closed = shown(world, key)
    assert closed.status == 1 and "sealed; --key FILE" in closed.err, closed
    assert secret not in closed.text + closed.err
    for path in world.keys[:2]:
        assert shown(world, key, "--key", str(path)).ok().out == (secret + "\n" + secret).encode()
    stranger = shown(world, key, "--key", str(world.keys[2]))
    assert stranger.status == 1 and "not sealed to this key" in stranger.err, stranger
    public = shown(world, key, "--key", str(world.keys[0].with_suffix(".pub")))
    assert public.status == 1 and "not sealed to this key" in public.err, public

    for form, prefix in (("script", "s"), ("asciicast-v2", "a.cast")):
        output = world.keys[0].parent / f"{key}-{prefix}"
        world.gateway.command("recordings", "export", key, "--format", form, "-o", str(output), "--key", str(world.keys[1])).ok()
    shown_channels = world.gateway.command("recordings", "show", "--json", "--key", str(world.keys[0]), key).ok().out
    assert command.encode()[:20] in shown_channels
    assert world.gateway.command("recordings", "show", key).status == 1
    assert key in world.gateway.command("recordings", "ls").ok().out.decode(), "what is listed is not sealed"


@pytest.mark.row("E6")
def test_no_recorded_byte_rests_with_the_gateway(sealed):
    world = sealed
    words = [f"{MARKER}-typed", f"{MARKER}-shown", f"{MARKER}-error"]
    world.alice.ssh(world.place(), "cat; rev; rev >&2", given="\n".join(words).encode()).ok()
    world.alice.ssh(world.place(), "read a; echo $a; echo $a >&2", given=f"{words[0]}\n".encode()).ok()
    wait_until(lambda: all(s.get("finished") for s in world.gateway.sessions()), "all sessions over")
    looked_at = 0
    for path in world.gateway.folder.rglob("*"):  # data folder with store and keys, log, monthly log, configuration
        if not path.is_file():
            continue
        looked_at += 1
        content = path.read_bytes()
        for word in words:
            assert word.encode() not in content and word[::-1].encode() not in content, path
    assert looked_at > 10


@pytest.mark.row("E6")
def test_an_opener_in_another_language_reads_the_same(sealed):
    world = sealed
    # Pauses end blocks: those around the output are small, so they are not compressed.
    world.alice.ssh(world.place(), f"sleep 0.7; echo {MARKER}-out; sleep 0.7").ok()
    key = newest(world, world.alice)["audit_key"]
    data = path_of(world, key).read_bytes()
    for path in world.keys[:2]:
        facts, blocks = open_recording(data, path.read_text())
        assert facts["audit_key"] == key and facts["user"] == "alice"
        raw = b"".join(packed for codec, packed in blocks if codec == 0)
        assert f"{MARKER}-out\n".encode() in raw
    with pytest.raises(StopIteration):
        open_recording(data, world.keys[2].read_text())


@pytest.mark.row("E6")
def test_a_change_is_found_without_the_key(sealed, folder):
    world = sealed
    world.alice.ssh(world.place(), "seq 20000").ok()
    key = newest(world, world.alice)["audit_key"]
    whole = world.gateway.command("recordings", "verify", key)
    assert whole.status == 0 and b"sealed and not looked into" in whole.out, whole
    with_key = world.gateway.command("recordings", "verify", "--key", str(world.keys[0]), key)
    assert with_key.status == 0 and b"not looked into" not in with_key.out, with_key
    changed = bytearray(path_of(world, key).read_bytes())
    changed[len(changed) // 2] ^= 1
    (folder / "changed.skr").write_bytes(changed)
    found = world.gateway.command("recordings", "verify", str(folder / "changed.skr"))
    assert found.status == 1 and "is damaged" in found.err, found


@pytest.mark.row("E6")
def test_a_killed_gateway_leaves_a_sealed_recording_that_opens(sealed):
    world = sealed
    client = world.alice.start("-tt", world.place(), f"echo {MARKER}-before; sleep 60")
    try:
        assert MARKER.encode() in client.stdout.readline()
        key = next(entry["audit_key"] for entry in world.gateway.recordings() if entry["state"] == "live")
        wait_until(lambda: MARKER.encode() in shown(world, key, "--key", str(world.keys[0])).out, "the output in the recording")
        world.gateway.kill()
    finally:
        client.kill()
        client.wait()
    world.gateway.start()
    cut = shown(world, key, "--key", str(world.keys[1]))
    assert MARKER.encode() in cut.out and "cut" in cut.err, cut
    verified = world.gateway.command("recordings", "verify", key)
    assert b"not complete" in verified.out and b"damaged" not in verified.out and not verified.err, verified
    assert world.alice.ssh(world.place(), "echo on").ok().out == b"on\n"


@pytest.mark.parametrize("wrong, text", [("AAAA", "base64 of 32 bytes"), ("A" * 43 + "=", "sealed to this public key"),
                                         ("", "base64 of 32 bytes")])
def test_a_key_that_will_not_do_is_said_at_the_start(make_gateway, wrong, text):
    gateway = make_gateway()
    gateway.configure(recording={"seal_to": [wrong]})
    checked = gateway.command("check")
    assert checked.status != 0 and text in checked.out.decode() + checked.err, checked
