"""Mails on START and FINISH (row A4), through relays that others wrote."""
import email.utils
import os
import random
import re
import time

import pytest
from buckets import certified
from processes import free_port, run, wait_until
from relays import USER, Postfix, Relay, password_file
from world import World

TO = "security@example.com"


class Mailing:
    """A world whose gateway sends mails to a relay with STARTTLS and AUTH."""

    def __init__(self, folder, **mail):
        context, authority = certified(folder, run, "localhost")
        self.relay = Relay(free_port(), context)
        self.world = World(config={"mail": {
            "smtp": f"smtp://localhost:{self.relay.port}", "user": USER, "password_file": str(password_file(folder)),
            "ca_file": str(authority), "to": [TO], **mail}})

    @property
    def gateway(self):
        return self.world.gateway

    def login(self, user="alice", what="true"):
        getattr(self.world, user).ssh(self.world.place(), what).ok()

    def stop(self):
        self.world.stop()
        self.relay.stop()


@pytest.fixture
def mailing(folder):
    made = []

    def make(relay=True, **mail):
        made.append(Mailing(folder, **mail))
        if relay:
            made[0].relay.start()
        made[0].world.start()
        return made[0]
    yield make
    for one in made:
        one.stop()


def once(arrived):
    """Each mail came once."""
    ids = [mail.id for mail in arrived]
    assert len(set(ids)) == len(ids), ids
    return arrived


@pytest.mark.row("A4")
def test_start_and_finish(mailing):
    at = mailing()
    began = time.time()
    with at.world.alice.start(at.world.place(), "cat") as client:
        start = at.relay.wait_for(1)[0]
        took = time.time() - began
        client.stdin.write(b"x" * 1000)
        client.stdin.close()
        client.wait(30)
    finish = at.relay.wait_for(2)[1]
    session = wait_until(at.gateway.sessions, "the session in the listing")[0]
    assert took < 5 or at.gateway.program.parent.name != "release", f"START took {took:.1f} s"
    for mail, word in ((start, "started"), (finish, "finished")):
        assert mail.tls and mail.user == USER
        assert (mail.sender, mail.recipients) == (USER, [TO])
        assert mail.subject == f"alice: session {word}"
        for line in ("User     : alice\n", "From     : 127.0.0.1\n", f"To       : {session['target']}\n",
                     f"Audit key: {session['audit_key']}\n", f"Session  : {session['id']}\n"):
            assert line in mail.text, mail.text
        when = email.utils.parsedate_to_datetime(mail.message["Date"])
        assert abs(when.timestamp() - time.time()) < 60
        assert mail.message["Auto-Submitted"] == "auto-generated"
    assert re.search(r"^Duration : \d+ s$", finish.text, re.M), finish.text
    assert re.search(r"^Bytes    : 1000 from the user, 1000 to the user$", finish.text, re.M), finish.text
    assert re.search(r"^Date     : \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)$", start.text, re.M), start.text
    assert once(at.relay.arrived)
    wait_until(lambda: not list((at.gateway.data_dir / "mail").glob("*.mail")), "an empty queue")


@pytest.mark.row("A4")
def test_in_japanese(mailing):
    at = mailing(language="ja")
    at.login()
    start, finish = at.relay.wait_for(2)
    assert start.subject == "alice でセッション開始"
    assert finish.subject == "alice でセッション終了"
    assert start.text.startswith("リモートセッションが開始されました。\n日時    : 20")
    assert "\nユーザ  : alice\n接続元IP: 127.0.0.1\n接続先  : " in start.text
    assert start.text.rstrip().endswith("から自動送信されています。")
    assert "リモートセッションが終了しました。" in finish.text
    assert start.raw.isascii(), "neither 8BITMIME nor SMTPUTF8 is asked of a relay"


@pytest.mark.row("A4")
@pytest.mark.slow
def test_a_relay_that_lets_mails_down(mailing):
    """Each mode happens to a recipient of that name at START and at FINISH; then the relay is well."""
    modes = [mode for mode in Relay.MODES if mode != "answer-lost"]
    at = mailing(to=[f"{mode}@example.com" for mode in modes])
    at.relay.times = 1
    at.login()
    at.relay.wait_for(2 * len(modes), 60)
    for mode in modes:
        assert at.relay.times_of(mode) >= 1, mode
        subjects = sorted(mail.subject for mail in at.relay.arrived if mail.recipients == [f"{mode}@example.com"])
        assert subjects == ["alice: session finished", "alice: session started"], mode
    once(at.relay.arrived)
    wait_until(lambda: not list((at.gateway.data_dir / "mail").glob("*")), "an empty folder")


@pytest.mark.row("A4")
@pytest.mark.slow
def test_an_answer_that_was_lost(mailing):
    """The relay has the mail, and dies before it says so: nobody can know. It comes again under the same Message-ID."""
    at = mailing(to=["answer-lost@example.com"], events=["start"])
    at.relay.times = 1
    at.login()
    first, second = at.relay.wait_for(2)
    assert first.id == second.id and first.text == second.text


@pytest.mark.row("A4")
def test_down_and_killed(mailing):
    """The relay is down and the gateway is killed: nothing is lost, and the session that was cut gets its FINISH."""
    at = mailing(relay=False)
    at.login("meta")
    waiting = at.gateway.data_dir / "mail"
    with at.world.alice.start(at.world.place(), "echo in; cat") as client:
        assert client.stdout.readline() == b"in\n"
        wait_until(lambda: len(list(waiting.glob("*.mail"))) == 3, "three mails in the queue")
        at.gateway.daemon.wait_for("mail.not_sent")
        at.gateway.kill()
        client.kill()
    assert len(list(waiting.glob("*.mail"))) == 3
    at.gateway.start()
    at.relay.mode = "535"
    at.relay.start()
    wait_until(lambda: at.relay.times_of("535"), "a sign-in that is refused")
    at.relay.mode = "take"
    once(at.relay.wait_for(4, 20))
    assert sorted(mail.subject for mail in at.relay.arrived) == [
        "alice: session finished", "alice: session started", "meta: session finished", "meta: session started"]
    cut = at.relay.about("alice: session finished")[0]
    assert "Result   : cut" in cut.text, cut.text
    told = [(record["outcome"], record["subject"]) for record in at.gateway.audit() if record["kind"] == "mail.relay"]
    assert told[0] == ("failed", f"smtp://localhost:{at.relay.port}") and told[-1][0] == "ok", told
    assert "with blanks" not in at.gateway.daemon.log.read_text(), "the password is in the log"


@pytest.mark.row("A4")
@pytest.mark.slow
def test_a_crowd(mailing):
    """Many at once: some mails, and one that lists the rest, within seconds, too."""
    at = mailing(events=["start"])
    clients = [at.world.alice.start(at.world.place(), "echo in; cat") for _ in range(20)]
    try:
        for client in clients:
            assert client.stdout.readline() == b"in\n"
        began = time.time()
        at.relay.wait_for(6)
        took = time.time() - began
    finally:
        for client in clients:
            client.kill()
            client.wait()
    *alone, together = at.relay.arrived
    assert took < 5 or at.gateway.program.parent.name != "release", f"the list took {took:.1f} s"
    assert [mail.subject for mail in alone] == ["alice: session started"] * 5
    assert together.subject == "15 events of sessions: 15 started"
    assert len(re.findall(r"^\d\d/\d\d \d\d:\d\d:\d\d START   alice 127.0.0.1 ", together.text, re.M)) == 15
    ids = {session["id"] for session in at.gateway.sessions()}
    told = set(re.findall(r"\b[0-9a-f]{16}$", together.text, re.M)) | {
        re.search(r"^Session  : (\w+)$", mail.text, re.M)[1] for mail in alone}
    assert told == ids


@pytest.mark.row("A4")
@pytest.mark.slow
def test_through_postfix(folder):
    if os.getuid() != 0:
        pytest.skip("postfix starts as root only")
    _, authority = certified(folder, run, "localhost")
    postfix = Postfix(folder, free_port(), authority, folder / "tls.key")
    world = World(config={"mail": {
        "smtp": f"smtp://localhost:{postfix.port}", "user": USER, "password_file": str(password_file(folder)), "ca_file": str(authority),
        "to": ["a@example.com", "b@example.com"], "language": "ja"}})
    try:
        world.start()
        world.alice.ssh(world.place(), "true").ok()  # nobody is there yet
        world.gateway.daemon.wait_for("mail.not_sent")
        postfix.start()
        arrived = once(postfix.wait_for(4))
        assert sorted((mail.message["Delivered-To"], mail.subject) for mail in arrived) == [
            (to, f"alice でセッション{what}") for to in ("a@example.com", "b@example.com") for what in ("終了", "開始")]
        assert all(mail.message["Return-Path"] == f"<{USER}>" and "ESMTPSA" in mail.message["Received"] for mail in arrived)
        assert "リモートセッションが開始されました。" in next(mail.text for mail in arrived if "開始" in mail.subject)
        assert "sasl_method=PLAIN, sasl_username=" + USER in postfix.said()
        # Once more, now that all is well; and nothing came twice meanwhile.
        world.guest.ssh(world.place(), "true")
        once(postfix.wait_for(8))
    finally:
        world.stop()
        postfix.stop()
    assert len(postfix.arrived) == 8


@pytest.mark.row("A4")
def test_the_dead_are_kept(mailing):
    at = mailing(give_up="1s", events=["finish"])
    at.relay.mode = "550"
    at.login()

    def mails(state):
        return [mail for mail in at.gateway.listing("mail", "ls") if mail["state"] == state]
    dead = wait_until(lambda: mails("dead"), "a mail that was given up", 30)[0]
    assert (dead["to"], dead["subject"]) == (TO, "alice: session finished")
    assert dead["attempts"] >= 1 and "550" in dead["error"] and "not now" in dead["error"]
    shown = at.gateway.command("mail", "show", dead["id"]).ok().text
    assert "User     : alice" in shown and "550" in shown
    assert [record["subject"] for record in at.gateway.audit() if record["kind"] == "mail.dead"] == [dead["id"]]
    at.relay.mode = "take"
    assert dead["id"] in at.gateway.command("mail", "retry", dead["id"]).ok().text
    assert at.relay.wait_for(1)[0].subject == dead["subject"]
    wait_until(lambda: not at.gateway.listing("mail", "ls"), "an empty queue")
    at.relay.mode = "451"
    assert at.gateway.command("mail", "test").status == 0
    waiting = wait_until(lambda: [mail for mail in mails("waiting") if mail["attempts"]], "a mail that was tried")[0]
    at.gateway.command("mail", "rm", waiting["id"]).ok()
    assert at.gateway.command("mail", "rm", waiting["id"]).status == 1
    at.relay.mode = "take"
    at.gateway.command("mail", "test").ok()
    assert "Test mail of " in at.relay.wait_for(2)[1].subject
    for wrong in (("mail", "retry"), ("mail", "retry", "x", "--all")):
        assert at.gateway.command(*wrong).status == 2


@pytest.mark.row("A4")
def test_texts_of_ones_own_and_refusals(mailing, folder):
    texts = folder / "texts"
    texts.mkdir()
    (texts / "refused.txt").write_text("Subject: 拒否 {user}@{host}\n\n{user} may not: {reason}\n")
    at = mailing(events=["refused"], templates=str(texts), tls="required")
    evil = 'x"\\r\\nBcc: all@example.com'
    assert at.world.alice.ssh("-l", f"{evil}@nowhere", "gw", "true").status != 0
    assert at.world.guest.ssh(at.world.place(), "true").status != 0
    wait_until(lambda: at.relay.about("guest"), "the guest's refusal")
    mail = at.relay.about("guest")[0]
    assert mail.subject == f"拒否 guest@{os.uname().nodename}"
    assert re.fullmatch(r"guest may not: .+\n", mail.text), mail.text
    assert not any(mail.message["Bcc"] for mail in at.relay.arrived)


@pytest.mark.row("A4")
def test_no_password_without_tls(folder):
    """A relay that offers no TLS, or a certificate of nobody, gets neither the password nor a mail."""
    plain = Relay(free_port()).start()
    context, _ = certified(folder, run, "localhost")
    (folder / "other").mkdir()
    _, other = certified(folder / "other", run, "localhost")
    strange = Relay(free_port(), context).start()
    try:
        for relay, why in ((plain, "offers no TLS"), (strange, "certificate")):
            world = World(config={"mail": {"smtp": f"smtp://localhost:{relay.port}", "user": USER, "to": [TO], "ca_file": str(other),
                                           "password_file": str(password_file(folder))}})
            try:
                world.start()
                world.gateway.command("mail", "test").ok()
                wait_until(lambda: why in world.gateway.daemon.said(), f"{why!r} in the log")
            finally:
                world.stop()
            assert not relay.arrived and not relay.signed_in
    finally:
        plain.stop()
        strange.stop()


@pytest.mark.row("A4")
@pytest.mark.soak
def test_killed_at_random_moments(mailing):
    """kill -9 while sessions come and go and mails are made, queued and sent: each START and FINISH is told by one mail, which the relay
    may see twice."""
    at = mailing()
    dice = random.Random(5)
    for _ in range(20):
        clients = [at.world.alice.start(at.world.place(), "true") for _ in range(dice.randrange(1, 5))]
        time.sleep(dice.uniform(0.1, 3))
        at.gateway.kill()
        for client in clients:
            client.kill()
            client.communicate()
        at.gateway.start()
    wanted = {(event, session["id"]) for session in at.gateway.sessions() for event in ("started", "finished")}

    def told():
        found = {}
        for mail in at.relay.arrived:
            alone = re.search(r"^Session  : (\w+)$", mail.text, re.M)
            events = [(mail.subject.split()[-1], alone[1])] if alone else [
                ({"START": "started", "FINISH": "finished"}[word], session)
                for word, session in re.findall(r"^\d\d/\d\d \S+ (\w+) .* ([0-9a-f]{16})$", mail.text, re.M)]
            for event in events:
                found.setdefault(event, set()).add(mail.id)
        return found
    assert len(wanted) > 20
    wait_until(lambda: set(told()) >= wanted, "a mail for each START and FINISH", 60)
    assert all(len(ids) == 1 for ids in told().values()), told()
