"""What README shows must run. Both languages show the same blocks."""
import re
import shlex

import postgresql
import pytest
from gateway import ROOT
from processes import free_port, run
from targets import make_key

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(name="README.md"):
    return BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


def commands(text):
    """The lines of a block, without the explanation beside them."""
    return [] if "┌" in text else [shlex.split(re.split(r" {2,}", line)[0]) for line in text.splitlines() if line.strip()]


def test_both_languages_show_the_same_lines():
    def shown(name):
        return [text if kind else commands(text) for kind, text in blocks(name)]
    assert shown("README.md") == shown("README.ja.md")


def test_make_knows_what_is_shown():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    shown = [words[1] for kind, text in blocks() if kind == "" for words in commands(text) if words[0] == "make"]
    assert shown and set(shown) <= set(targets)


def test_the_configuration_that_is_shown(make_gateway):
    gateway = make_gateway()
    for section in ("[users_from]", "[recording.upload]", "[mail]"):
        shown = next(text for kind, text in blocks() if kind == "toml" and section in text)
        gateway.config_path.write_text(gateway.config_path.read_text() + "\n" + shown)
    gateway.command("check", "--config", gateway.config_path).ok()


def test_access_file_and_operators_commands(make_gateway, folder):
    gateway = make_gateway()
    access = next(text for kind, text in blocks() if kind == "toml")
    for comment, name in (("alice@laptop", "alice"), (None, "host")):
        key = make_key(folder / name, comment=comment or "")
        access = re.sub(r"ssh-ed25519 AAAA… ?" + (comment or "(?=\")"), " ".join(key.split()[:2]) + (" " + comment if comment else ""),
                        access, count=1)
    gateway.apply(access)
    gateway.start()
    operator = next(text for kind, text in blocks() if "sekisho ca show" in text)
    ran = []
    for words in commands(operator):
        assert words[0] == "sekisho"
        if words[1] in ("init", "serve", "apply") or "AUDIT-KEY" in words:  # done above; a recording is played by other tests
            assert gateway.command(*[word for word in words[1:] if word not in ("access.toml", "AUDIT-KEY")], "--help").status == 0
            continue
        if words[1] == "keygen":
            words = [*words[:2], folder / words[2]]
        gateway.command(*words[1:]).ok()
        ran.append(words[1])
    assert {"ca", "explain", "sessions", "recordings"} <= set(ran)


def test_mails_that_wait(make_gateway):
    gateway = make_gateway(mail={"smtp": f"smtp://127.0.0.1:{free_port()}", "tls": "none", "to": ["a@example.com"]}).start()
    for words in next(commands(text) for kind, text in blocks() if "sekisho mail" in text):
        gateway.command(*words[1:]).ok()
    assert len(gateway.listing("mail", "ls")) == 1


@pytest.mark.skipif(postgresql.programs() is None, reason="postgresql-15 is not installed")
def test_postgresql_instead_of_sqlite(make_gateway, folder):
    server = postgresql.PostgreSql()
    try:
        server.start()
        shown = next(commands(text) for kind, text in blocks() if "createdb" in text)
        for program, *words in shown:
            where = ["-h", server.socket_folder, "-p", server.port, "-U", "postgres"]
            # Without a terminal it asks for the password on its stdin.
            run(["setsid", "--wait", postgresql.programs() / program, *where, *words], given=b"its password\n" * 2).ok()
        (folder / "pgpass").write_text(f"localhost:{server.port}:sekisho:sekisho:its password\n")
        (folder / "pgpass").chmod(0o600)
        (url,) = [found for kind, text in blocks() if kind == "toml" for found in re.findall(r'^url = "(postgresql:.*)"', text, re.M)]
        for there, here in (("db.example.com:5432", f"localhost:{server.port}"), ("/etc/sekisho/pgpass", f"{folder}/pgpass"),
                            ("/etc/sekisho/db-ca.pem", f"{server.ca}")):
            assert there in url
            url = url.replace(there, here)
        gateway = make_gateway(store={"url": url}).start()
        gateway.apply({"user": [{"name": "alice"}]})
        assert server.sql("SELECT name FROM users", "sekisho") == "alice"
        who = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'sekisho'"
        assert server.sql(f"{who} AND NOT ssl") == "0" and server.sql(f"{who} AND ssl") != "0"
        # A server that shows another certificate is not spoken to.
        gateway.stop()
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
             "-keyout", folder / "other.key", "-out", folder / "other.pem"]).ok()
        gateway.configure(store={"url": url.replace(str(server.ca), str(folder / "other.pem"))})
        refused = gateway.command("serve")
        assert refused.status == 1 and "certificate verify failed" in refused.err, refused
    finally:
        server.remove()
