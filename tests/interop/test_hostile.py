"""Ways around the rules, tried by stock clients, Paramiko and raw sockets against one gateway: none gets through, and each is in the
audit. A way without a record says why there is none. `house.forbidden` is a service that nobody may reach, `house.mark()` a file that
no command may make; both are looked at after every way."""
import re
import socket
import time
from datetime import datetime, timedelta, timezone

import paramiko
import pytest
import hostile_sftp
from clients import Clients
from house import House, ending, global_request, is_refused, message_of, open_channel, request, s, start, tcp, u32
from processes import PATIENCE, run, wait_until
from targets import LOGIN, make_key

WAYS = {}


def way(name, record=None, why_no_record=None):
    """Registers a way: a function that tries it and fails when it gets through. `record`: what an audit record of it says."""
    assert (record is None) != (why_no_record is None), name

    def register(attempt):
        assert name not in WAYS, name
        WAYS[name] = (attempt, record)
        return attempt
    return register


@pytest.fixture(scope="module")
def house():
    house = House()
    try:
        yield house
    finally:
        house.close()


# --- another spelling of a place ---

SPELLINGS = {
    "the name localhost": "localhost", "upper case": "LOCALHOST", "a trailing dot": "localhost.", "two parts": "127.1",
    "three parts": "127.0.1",
    "one decimal number": "2130706433", "octal": "0177.0.0.1", "octal with zeros": "127.0.0.01", "hexadecimal": "0x7f.1",
    "one hexadecimal number": "0x7F000001", "an address with a dot behind it": "127.0.0.1.", "IPv4 mapped into IPv6": "::ffff:127.0.0.1",
    "IPv4 mapped, in hexadecimal": "::ffff:7f00:1", "IPv4 compatible": "::127.0.0.1", "brackets": "[127.0.0.1]",
    "loopback of IPv6": "::1",
    "the unspecified address": "0.0.0.0", "zero": "0", "the unspecified address of IPv6": "::", "a neighbour on loopback": "127.0.0.2",
    "a blank behind": "127.0.0.1 ", "a blank before": " 127.0.0.1", "a tab": "127.0.0.1\t", "a line end": "127.0.0.1\n",
    "NUL": b"127.0.0.1\0", "NUL and more": b"127.0.0.1\0.example.com", "a zone": "127.0.0.1%lo", "a zone of IPv6": "::1%lo",
    "a prefix": "127.0.0.1/32",
    "a port in the host": "127.0.0.1:22", "a star": "*", "nothing": "", "full-width digits": "１２７.0.0.1",
    "ideographic stops": "127。0。0。1",
    "a very long name": "a" * 254, "longer than any name": "a." * 2000, "not UTF-8": b"127.0.0.1\xff", "a path": "/etc/passwd",
    "a user part": "x@127.0.0.1", "an URL": "http://127.0.0.1", "the name of a target": "web", "a percent sign": "127.0.0%2e1",
}
for spelling, host in SPELLINGS.items():
    @way(f"a forward to {spelling}", r"local-forward|direct-tcpip")
    def _(house, host=host):
        assert is_refused(open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp(host, house.echo.port)))

PORTS = {"0": lambda right: 0, "65536": lambda right: 65536, "the right one and 65536": lambda right: right + 65536,
         "the largest number": lambda right: 0xffffffff, "the next one": lambda right: right + 1}
for what, port in PORTS.items():
    @way(f"a forward to port {what}", r"local-forward|direct-tcpip")
    def _(house, port=port):
        assert is_refused(open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp("127.0.0.1", port(house.echo.port))))

PAYLOADS = {"cut short": lambda right: right[:-3], "with more behind it": lambda right: right + b"\0\0\0\0", "empty": lambda right: b"",
            "with a length beyond its end": lambda right: u32(0x7fffffff) + right[4:]}
for what, payload in PAYLOADS.items():
    @way(f"a forward whose request is {what}", r"direct-tcpip")
    def _(house, payload=payload):
        right = tcp("127.0.0.1", house.echo.port)
        assert is_refused(open_channel(house.transport("partner", "partner"), "direct-tcpip", payload(right)))


# --- names that mean something else than they should ---

OWN_ADDRESSES = {"loopback": "127.0.0.1", "another loopback": "127.8.8.8", "loopback of IPv6": "::1",
    "the unspecified address": "0.0.0.0",
                 "link-local, where clouds keep secrets": "169.254.169.254", "multicast": "224.0.0.1", "broadcast": "255.255.255.255",
                 "link-local of IPv6": "fe80::1", "IPv4 in IPv6": "::ffff:127.0.0.1", "the unspecified address of IPv6": "::"}
for kind, address in OWN_ADDRESSES.items():
    @way(f"a permitted name that turns out to be {kind}", r"rebind\.test.*a rule must name that address")
    def _(house, address=address):
        house.names(rebind=address)
        answer = open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp("rebind.test", house.forbidden.port))
        assert is_refused(answer) and answer.code == 1, answer


@way("a name that means something else at the second look", r"rebind\.test.*a rule must name that address")
def _(house):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    house.names(rebind=own)
    transport = house.transport("partner", "partner")
    answer = open_channel(transport, "direct-tcpip", tcp("rebind.test", house.forbidden.port))
    assert answer.code == 2, f"not tried at all, or open: {answer} ({own})"  # dialled, where nobody listens
    house.names(rebind="127.0.0.1")
    answer = open_channel(transport, "direct-tcpip", tcp("rebind.test", house.forbidden.port))
    assert is_refused(answer) and answer.code == 1, answer


@way("localhost, which a rule names as a name only", r"localhost.*a rule must name that address")
def _(house):
    answer = open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp("localhost", house.forbidden.port))
    assert is_refused(answer) and answer.code == 1, answer


@way("a name that resolves into a permitted network", r"local-forward to inside\.test:5432")
def _(house):
    house.names(inside="10.1.0.5")
    assert is_refused(open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp("inside.test", 5432)))


@way("a name below a permitted one", r"local-forward to")
def _(house):
    house.names(**{"www.rebind": "127.0.0.1"})
    for host in ("www.rebind.test", "rebind.test.example.com", "rebind"):
        assert is_refused(open_channel(house.transport("partner", "partner"), "direct-tcpip", tcp(host, house.forbidden.port)))


# --- sockets and places to listen ---

SOCKETS = {"the gateway's admin socket": lambda house: (f"{house.gateway.folder}/admin.sock", "partner", "partner"),
           "a relative path": lambda house: ("open/app.sock", "jumper", None), "a way up": lambda house: (f"{house.folder}/open/../x",
           "jumper", None),
           "two slashes": lambda house: (f"{house.folder}/open//x", "jumper", None), "NUL": lambda house: (f"{house.folder}/open/x\0y",
           "jumper", None),
           "an abstract socket": lambda house: ("\0x", "jumper", None), "a home": lambda house: ("~/x", "jumper", None),
           "a neighbour": lambda house: (f"{house.folder}/opened", "jumper", None), "docker": lambda house: ("/run/docker.sock",
           "jumper", None),
           "a line end": lambda house: (f"{house.folder}/open/x\n", "jumper", None), "a long path": lambda house: ("/" + "x" * 5000,
           "jumper", None)}
for what, ask in SOCKETS.items():
    @way(f"a socket: {what}", r"socket-forward|direct-streamlocal|with a target only")
    def _(house, ask=ask):
        path, user, place = ask(house)
        transport = house.transport(user, place or f"{LOGIN}@web")
        assert is_refused(open_channel(transport, "direct-streamlocal@openssh.com", s(path) + s("") + u32(0)))

for what, path in {"a relative path": "x.sock", "an abstract socket": "\0x", "a way up": "/run/../x"}.items():
    @way(f"listening on a socket: {what}", r"socket-forward")
    def _(house, path=path):
        assert global_request(house.transport("jumper"), "streamlocal-forward@openssh.com", s(path)) is None

PLACES = {"a privileged port": ("localhost", lambda house: 22), "every address": ("", lambda house: house.listen),
          "every address, as a star": ("*", lambda house: house.listen), "every address, in numbers": ("0.0.0.0",
          lambda house: house.listen),
          "every address of IPv6": ("::", lambda house: house.listen), "another spelling of localhost": ("127.0.0.1",
          lambda house: house.listen),
          "a port of the target's choice": ("localhost", lambda house: 0), "the right port and 65536": ("localhost",
          lambda house: house.listen + 65536),
          "the next port": ("localhost", lambda house: house.listen + 1), "NUL behind localhost": ("localhost\0",
          lambda house: house.listen)}
for what, (host, port) in PLACES.items():
    @way(f"listening on {what}", r"remote-forward|cannot be understood")
    def _(house, host=host, port=port):
        assert global_request(house.transport("jumper"), "tcpip-forward", s(host) + u32(port(house))) is None


@way("listening at the gateway itself", r"no rule lets partner use remote-forward")
def _(house):
    assert global_request(house.transport("partner", "partner"), "tcpip-forward", s("127.0.0.1") + u32(house.listen)) is None


@way("listening at the gateway by a rule about targets", r"no rule lets jumper use remote-forward")
def _(house):
    assert global_request(house.transport("jumper", "jumper"), "tcpip-forward", s("localhost") + u32(house.listen)) is None


# The porter may have the gateway listen on localhost at one port, and on 127.0.0.2 at every one.
OWN_PLACES = {
    "a privileged port": ("127.0.0.2", lambda house: 22), "the last privileged port": ("127.0.0.2", lambda house: 1023),
    "the next port": ("localhost", lambda house: house.listen + 1), "a port of its choice": ("localhost", lambda house: 0),
    "the right port and 65536": ("localhost", lambda house: house.listen + 65536),
    "the largest port": ("127.0.0.2", lambda house: 0xffffffff),
    "the gateway's own port": ("localhost", lambda house: house.gateway.port),
    **{what: (host, lambda house: house.listen) for what, host in {
        "every address": "", "every address, as a star": "*", "every address, in numbers": "0.0.0.0", "every address, as zero": "0",
        "every address of IPv6": "::", "every address of IPv6, in full": "0:0:0:0:0:0:0:0", "every address of both": "::ffff:0.0.0.0",
        "the address of localhost": "127.0.0.1", "loopback of IPv6": "::1", "loopback of IPv6, in brackets": "[::1]",
        "IPv4 in IPv6": "::ffff:127.0.0.2", "IPv4 in IPv6, in hexadecimal": "::ffff:7f00:2", "IPv4 compatible": "::127.0.0.2",
        "a neighbour on loopback": "127.0.0.3", "two parts": "127.2", "one decimal number": "2130706434", "octal": "0177.0.0.2",
        "hexadecimal": "0x7f000002", "a zone": "127.0.0.2%lo", "a zone of IPv6": "fe80::1%lo", "a blank": "127.0.0.2 ",
        "a prefix": "127.0.0.0/8", "NUL behind localhost": "localhost\0", "another name of localhost": "ip6-localhost",
        "a name that somebody else's servers know": "rebind.test", "a target": "web", "multicast": "224.0.0.1",
        "broadcast": "255.255.255.255",
        "not UTF-8": b"127.0.0.2\xff", "a very long name": "a" * 250}.items()},
}
for what, (host, port) in OWN_PLACES.items():
    @way(f"listening at the gateway on {what}", r"(remote-forward|cannot be understood)|forward\.listen.*failed")
    def _(house, host=host, port=port):
        house.names(rebind="127.0.0.2")
        assert global_request(house.transport("porter", "porter"), "tcpip-forward", s(host) + u32(port(house))) is None

OWN_PAYLOADS = {"cut short": lambda right: right[:-1], "with more behind it": lambda right: right + b"\0", "empty": lambda right: b"",
                "with a length beyond its end": lambda right: u32(0x7fffffff) + right[4:]}
for what, payload in OWN_PAYLOADS.items():
    @way(f"listening at the gateway by a request that is {what}", r"tcpip-forward.*cannot be understood")
    def _(house, payload=payload):
        right = s("localhost") + u32(house.listen)
        assert global_request(house.transport("porter", "porter"), "tcpip-forward", payload(right)) is None


@way("a socket of the gateway to listen on", r"porter.*a socket needs a target")
def _(house):
    assert global_request(house.transport("porter", "porter"), "streamlocal-forward@openssh.com", s(f"{house.folder}/x.sock")) is None
    assert not (house.folder / "x.sock").exists()


class Porter:
    """The gateway listens at its permitted place, until the end of the block."""

    def __init__(self, house):
        self.house, self.place = house, s("localhost") + u32(house.listen)

    def __enter__(self):
        self.transport = self.house.fresh("porter", "porter")
        self.transport._tcp_handler = lambda channel, *_: channel.send(b"you are in")
        assert global_request(self.transport, "tcpip-forward", self.place) is not None
        return self

    def hears(self, source):
        """What somebody hears from the port."""
        with socket.create_connection(("127.0.0.1", self.house.listen), 20 * PATIENCE, (source, 0)) as connection:
            try:
                return connection.recv(100)
            except ConnectionResetError:
                return b""

    def __exit__(self, *_):
        global_request(self.transport, "cancel-tcpip-forward", self.place)  # answered once it is closed: the next way wants it
        self.transport.close()


RIDERS = {"this machine, which is not on the list": "127.0.0.1", "a neighbour": "127.0.0.3", "just before the network": "127.0.0.63",
          "just behind it": "127.0.0.128"}
for what, source in RIDERS.items():
    @way(f"a port of the gateway, used from {what}", rf"porter.*connection from {re.escape(source)}:.*from other networks only")
    def _(house, source=source):
        with Porter(house) as porter:
            assert porter.hears(source) == b""


@way("another's port, taken back", r"porter.*no such forward")
def _(house):
    with Porter(house) as porter:
        assert global_request(house.transport("porter", "porter"), "cancel-tcpip-forward", porter.place) is None
        assert porter.hears("127.0.0.2") == b"you are in"


@way("another's port, listened on as well", r"forward\.listen.*failed.*in use")
def _(house):
    with Porter(house) as porter:
        assert global_request(house.transport("porter", "porter"), "tcpip-forward", porter.place) is None
        assert porter.hears("127.0.0.2") == b"you are in"


@way("a channel as if somebody had connected to a port of the gateway", r"access\.refused.*channel forwarded-tcpip")
def _(house):
    with Porter(house) as porter:
        assert is_refused(open_channel(porter.transport, "forwarded-tcpip", s("localhost") + u32(house.listen) + s("127.0.0.2") + u32(1)))


@way("ending a forward that nobody began", r"no such forward")
def _(house):
    assert global_request(house.transport("jumper"), "cancel-tcpip-forward", s("localhost") + u32(house.listen)) is None


@way("a global request that nobody knows", why_no_record="RFC 4254 §4: failure is the answer; it asks for nothing that a rule could give")
def _(house):
    assert global_request(house.transport("typist"), "give-me-everything@example.com", s("now")) is None


# --- starts that a rule leaves out ---

STARTS = {
    "a command, where only a shell is permitted": ("typist", "exec", "touch {mark}"),
    "sftp, where only a shell is permitted": ("typist", "subsystem", "sftp"),
    "scp, where only a shell is permitted": ("typist", "exec", "scp -t {mark}"),
    "a command as the name of a subsystem": ("typist", "subsystem", "touch {mark}"),
    "a shell, where only commands are permitted": ("runner", "shell", None),
    "sftp, where only commands are permitted": ("runner", "subsystem", "sftp"),
    "scp -t, where only commands are permitted": ("runner", "exec", "scp -t {mark}"),
    "scp -f, where only commands are permitted": ("runner", "exec", "scp -f /etc/passwd"),
    "the sftp server as a command": ("files", "exec", "/usr/lib/openssh/sftp-server"),
    "the sftp server by its short name": ("files", "exec", "sftp-server"),
    "internal-sftp as a command": ("files", "exec", "internal-sftp"),
    "sftp as a command": ("files", "exec", "sftp"),
    "a subsystem in upper case": ("files", "subsystem", "SFTP"),
    "a subsystem and a blank": ("files", "subsystem", "sftp "),
    "a subsystem and NUL": ("files", "subsystem", "sftp\0;touch {mark}"),
    "a subsystem with arguments": ("files", "subsystem", "sftp -R /"),
    "scp, where only sftp is permitted": ("files", "exec", "scp -f /etc/passwd"),
    "a second command behind scp": ("copier", "exec", "scp -t /tmp/x; touch {mark}"),
    "a command in place of a word of scp": ("copier", "exec", "scp -t $(touch {mark})"),
    "backquotes in scp": ("copier", "exec", "scp -t `touch {mark}`"),
    "a line end in scp": ("copier", "exec", "scp -t /tmp/x\ntouch {mark}"),
    "a program of scp's own": ("copier", "exec", "scp -S /tmp/x -t /tmp/y"),
    "scp's options of ssh": ("copier", "exec", "scp -oProxyCommand=touch\\ {mark} -f x"),
    "scp as a client of a third machine": ("copier", "exec", "scp /etc/passwd other:"),
    "scp by its path": ("copier", "exec", "/usr/bin/scp -t {mark}"),
    "scp in a shell": ("copier", "exec", "sh -c 'scp -t {mark}'"),
    "scp behind a variable": ("copier", "exec", "LD_PRELOAD=/tmp/x.so scp -t {mark}"),
    "scp writing elsewhere": ("copier", "exec", "scp -f /etc/passwd > {mark}"),
    "SCP in upper case": ("copier", "exec", "SCP -t {mark}"),
    "sftp, where only scp is permitted": ("copier", "subsystem", "sftp"),
    "a shell, where only scp is permitted": ("copier", "shell", None),
    "a command, where only forwards are permitted": ("jumper", "exec", "touch {mark}"),
}
COMMANDS = {
    "a second command": "uptime; touch {mark}", "and": "uptime && touch {mark}", "or": "uptime || touch {mark}",
    "a pipe": "echo x | tee {mark}",
    "the background": "echo x & touch {mark}", "a line end": "uptime\ntouch {mark}",
    "a line end behind permitted words": "echo x\ntouch {mark}",
    "a carriage return": "echo x\rtouch {mark}", "a substitution": "echo $(touch {mark})", "backquotes": "echo `touch {mark}`",
    "a variable": "echo ${{IFS}}", "a redirection": "echo x > {mark}", "reading": "echo x < /etc/passwd", "a here document": "echo <<x",
    "a substituted process": "echo <(touch {mark})", "braces": "echo {{a,b}}", "a comment": "echo x # more", "a pattern": "echo *",
    "one letter": "echo ?",
    "history": "echo !!", "a backslash": "echo \\\ntouch {mark}", "double quotes": "echo \"$(touch {mark})\"", "a subshell": "(uptime)",
    "quotes that end early": "git-upload-pack 'x'; touch {mark}", "an old pipe": "echo x ^ touch {mark}",
    "more behind the last word": "uptime -p",
    "a blank behind": "uptime ", "a blank before": " uptime", "upper case": "UPTIME", "a path": "/usr/bin/uptime",
    "a variable before": "A=1 uptime",
    "nothing": "", "only the beginning": "echo", "another command": "touch {mark}", "NUL": "uptime\0; touch {mark}",
    "an escape": "echo \x1b[2J",
    "a subsystem of that name": None,
}
for what, command in COMMANDS.items():
    STARTS[f"permitted commands and {what}"] = ("git", "exec" if command is not None else "subsystem",
        command if command is not None else "uptime")
for what, (user, kind, argument) in STARTS.items():
    @way(what, r"access\.refused.*" + f"{user}.*{LOGIN}@web (shell|exec|sftp|scp)")
    def _(house, user=user, kind=kind, argument=argument):
        start(house, user, kind, b"" if argument is None else s(argument.format(mark=house.mark())))


BROKEN = {"with more behind the command": lambda mark: s("uptime") + s(f"touch {mark}"), "cut short": lambda mark: s(f"touch {mark}")[:-1],
          "without a command": lambda mark: b"", "a longer command than there is": lambda mark: u32(0x7fffffff) + f"touch {mark}".encode()}
for what, payload in BROKEN.items():
    @way(f"a request {what}", r"access\.refused.*git.*exec.*cannot be understood")
    def _(house, payload=payload):
        start(house, "git", "exec", payload(house.mark()), words="cannot be understood")


@way("another login, named behind the gateway", r"no rule lets runner|root")
def _(house):
    done = house.ssh("runner", "runner@gw", "daemon@web", f"touch {house.mark()}")
    assert done.status == 1, done


@way("another target, named behind the gateway", r"vault")
def _(house):
    done = house.ssh("runner", "runner@gw", f"{LOGIN}@vault", f"touch {house.mark()}")
    assert done.status == 1, done


@way("a second channel after a refused first one", r"no rule lets typist")
def _(house):
    transport = house.fresh("typist")
    try:
        for _ in range(3):
            channel = transport.open_session(timeout=20)
            request(channel, "exec", s(f"touch {house.mark()}"))
            assert ending(channel)[0] == 1
    finally:
        transport.close()


@way("a second start on the channel that was refused", r"no rule lets typist")
def _(house):
    transport = house.fresh("typist")
    channel = transport.open_session(timeout=20)
    request(channel, "exec", s(f"touch {house.mark()}"))
    request(channel, "exec", s(f"touch {house.mark()}"), want_reply=False)
    request(channel, "subsystem", s("sftp"), want_reply=False)
    assert ending(channel)[0] == 1
    transport.close()


LATER = {"a command": ("exec", lambda house: s(f"touch {house.mark()}")), "a subsystem": ("subsystem", lambda house: s("sftp")),
         "a variable": ("env", lambda house: s("LD_PRELOAD") + s("/tmp/x.so")), "the agent": ("auth-agent-req@openssh.com",
         lambda house: b""),
         "a display": ("x11-req", lambda house: b"\0" + s("MIT-MAGIC-COOKIE-1") + s("00") + u32(0)),
         "a terminal": ("pty-req", lambda house: s("xterm") + u32(80) + u32(24) + u32(0) + u32(0) + s(b"\0"))}
for what, (kind, payload) in LATER.items():
    @way(f"{what}, asked for when the shell runs", f"access\\.refused.*{kind}.*started already")
    def _(house, kind=kind, payload=payload):
        channel = house.transport("typist").open_session(timeout=20)
        assert request(channel, "shell")
        assert not request(channel, kind, payload(house))
        channel.sendall(b"echo still $((1+1)) here; exit\n")
        assert "still 2 here" in ending(channel)[1]


# --- what keys and certificates say ---

FORCED = {"another command": ("exec", "touch {mark}"), "a shell": ("shell", None), "sftp": ("subsystem", "sftp"),
    "another subsystem": ("subsystem", "x")}
for what, (kind, argument) in FORCED.items():
    @way(f"a key with a forced command: {what}", r"channel\.open.*forced at web")
    def _(house, kind=kind, argument=argument):
        channel = house.transport("forced").open_session(timeout=20)
        request(channel, "env", s("SSH_ORIGINAL_COMMAND") + s(f"touch {house.mark()}"))
        request(channel, kind, b"" if argument is None else s(argument.format(mark=house.mark())))
        assert ending(channel) == (0, "forced\n")


@way("a restricted key: a terminal", r"restricted.*terminal.*may not have a terminal")
def _(house):
    done = house.ssh("restricted", "-tt", f"{LOGIN}@web@gw", "tty")
    assert "/dev/pts" not in done.text, done


@way("a key without a terminal", r"dumb.*terminal.*may not have a terminal")
def _(house):
    assert "/dev/pts" not in house.ssh("dumb", "-tt", f"{LOGIN}@web@gw", "tty").text


@way("a restricted key: the agent", r"restricted.*agent.*may not forward an agent")
def _(house):
    house.user("restricted").start_agent()
    assert b"agent=none" in house.ssh("restricted", "-A", f"{LOGIN}@web@gw", "echo agent=${SSH_AUTH_SOCK:-none}").out


@way("the agent, where no rule allows it", r"runner.*agent.*no rule lets runner use agent")
def _(house):
    house.user("runner").start_agent()
    assert b"agent=none" in house.ssh("runner", "-A", f"{LOGIN}@web@gw", "echo agent=${SSH_AUTH_SOCK:-none}").out


@way("a display, where no rule allows it", r"runner.*x11.*no rule lets runner use x11")
def _(house):
    channel = house.transport("runner").open_session(timeout=20)
    assert not request(channel, "x11-req", b"\0" + s("MIT-MAGIC-COOKIE-1") + s("00") + u32(0))
    channel.close()


@way("a restricted key: a display", r"restricted.*x11.*may not forward a display")
def _(house):
    channel = house.transport("restricted").open_session(timeout=20)
    assert not request(channel, "x11-req", b"\0" + s("MIT-MAGIC-COOKIE-1") + s("00") + u32(0))
    channel.close()


@way("a restricted key: a forward", r"restricted.*may not forward ports")
def _(house):
    assert house.ssh("restricted", "-W", f"127.0.0.1:{house.echo.port}", "restricted@gw", given=b"x").out == b""


for what, place in {"another port": lambda house: ("127.0.0.1", house.forbidden.port), "another address": lambda house: ("127.0.0.2",
    house.echo.port)}.items():
    @way(f"a key that permits one place: {what}", r"bound.*permitopen")
    def _(house, place=place):
        assert is_refused(open_channel(house.transport("bound", "bound"), "direct-tcpip", tcp(*place(house))))


@way("a key that permits one place: a tunnel", r"bound.*vpn|with a target only")
def _(house):
    assert is_refused(open_channel(house.transport("bound", "bound"), "tun@openssh.com", u32(1) + u32(0x7fffffff)))


def signs_in(client, place):
    return client.ssh(place, "true").status != 255


for user, words in {"elsewhere": "may not be used from 127", "stale": "has expired", "locked": "is locked",
    "expired": "has expired"}.items():
    @way(f"the key of {user}", rf"auth\.refused.*{words}")
    def _(house, user=user):
        assert not signs_in(house.user(user), f"{LOGIN}@web@gw")

CERTIFICATES = {
    "with another's name": (["-n", "mallory"], "ca", "names no user"), "without a name": ([], "ca", "no principal"),
    "for everybody": (["-n", "*"], "ca", "names no user"), "for root": (["-n", "root"], "ca", "names no user"),
    "that has expired": (["-n", "runner", "-V", "20200101:20200102"], "ca", "expired"),
    "of tomorrow": (["-n", "runner", "-V", "+1d:+2d"], "ca", "not valid yet"),
    "from elsewhere": (["-n", "runner", "-O", "source-address=192.0.2.0/24"], "ca", "may not be used from"),
    "with an option that nobody knows": (["-n", "runner", "-O", "critical:x@example.com=y"], "ca", "critical option"),
    "of a foreign authority": (["-n", "runner"], "foreign", "does not know"),
    "of a host": (["-n", "runner", "-h"], "ca", "certificate|not registered"),
    "of a locked user": (["-n", "locked"], "ca", "locked"),
}
for what, (options, authority, words) in CERTIFICATES.items():
    @way(f"a certificate {what}", rf"auth\.refused.*{words}")
    def _(house, options=options, authority=authority, what=what):
        key = house.folder / re.sub(r"\W", "-", "certified " + what)
        make_key(key)
        run(["ssh-keygen", "-q", "-s", house.folder / authority, "-I", "x", *options, f"{key}.pub"]).ok()
        assert not signs_in(Clients(house.folder / "certified", "x", house.gateway.port, house.gateway.host_key, key=key),
            f"{LOGIN}@web@gw")


# --- names in front of the gateway ---

NAMES = {
    "another user's": f"runner@{LOGIN}@web", "another user's, at the gateway": "runner", "three at signs": "@@@",
    "an empty login": "@web",
    "an empty target": f"{LOGIN}@", "four parts": f"typist@{LOGIN}@web@web", "control characters": f"{LOGIN}@web\x1b[2J",
    "a line end": f"{LOGIN}@web\nroot", "upper case": f"{LOGIN}@WEB", "root": "root", "an option": "-oProxyCommand=x@web",
    "a blank": f"{LOGIN} x@web", "a path": "../../etc/passwd@web", "quotes": "'x'@web", "a long one": "x" * 250,
    "a slash": f"{LOGIN}@web/", "not UTF-8": None,
}
for what, name in NAMES.items():
    @way(f"a name in front of the gateway: {what}", r"auth\.refused")
    def _(house, name=name):
        transport = paramiko.Transport(("127.0.0.1", house.gateway.port))
        try:
            transport.start_client(timeout=20 * PATIENCE)
            key = paramiko.Ed25519Key.from_private_key_file(str(house.user("typist").key))
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.auth_publickey(name if name is not None else b"\xff\xfe@web".decode("latin-1"), key)
            assert not transport.is_authenticated()
        finally:
            transport.close()


@way("a name in front of the gateway that no packet should have",
     why_no_record="the engine ends the connection over the limits of its fields")
def _(house):
    transport = stranger(house)
    try:
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.auth_none("x" * 5000)
        assert not transport.is_authenticated()
    finally:
        transport.close()


ELSEWHERE = {
    "another login": "daemon@web", "another login with other signs": "typist%daemon#web",
    "the signs the other way round": "typist#daemon%web",
    "another target": f"{LOGIN}@vault",
    "the target's address": f"{LOGIN}@127.0.0.1", "a trailing dot": f"{LOGIN}@web.", "a target that is none": f"{LOGIN}@nowhere",
    "a name that begins alike": f"{LOGIN}@we",
}
for what, name in ELSEWHERE.items():
    @way(f"a place in front of the gateway: {what}", r"access\.refused.*typist")
    def _(house, name=name):
        start(house, "typist", "shell", b"", place=name, words="no rule lets|no target is called")


@way("a label in place of a target", r"auth\.refused")
def _(house):
    assert not signs_in(house.user("typist"), f"{LOGIN}@env=prod@gw")


# --- other ways to sign in ---

def stranger(house):
    transport = paramiko.Transport(("127.0.0.1", house.gateway.port))
    transport.start_client(timeout=20 * PATIENCE)
    return transport


OTHERS = {"none": lambda transport: transport.auth_none("typist"), "a password": lambda transport: transport.auth_password("typist",
    "typist", fallback=False),
          "answers": lambda transport: transport.auth_interactive("typist", lambda *_: ["typist"])}
for what, attempt in OTHERS.items():
    @way(f"signing in by {what}", r"auth\.refused")
    def _(house, attempt=attempt):
        transport = stranger(house)
        try:
            with pytest.raises(paramiko.SSHException):
                attempt(transport)
            assert not transport.is_authenticated()
        finally:
            transport.close()


@way("a key that is offered and never signed with", r"auth\.refused")
def _(house):
    """And channels opened as if that were enough."""
    transport = stranger(house)
    try:
        key = paramiko.Ed25519Key.from_private_key_file(str(house.user("runner").key))
        transport._send_message(message_of(5, s("ssh-userauth")))
        transport._send_message(message_of(50,
            s(f"{LOGIN}@web") + s("ssh-connection") + s("publickey") + b"\0" + s("ssh-ed25519") + s(key.asbytes())))
        transport._send_message(message_of(90, s("session") + u32(0) + u32(1 << 20) + u32(32768)))
        transport.join(20 * PATIENCE)
        assert not transport.is_active(), "a channel was taken from somebody who is not signed in"
    finally:
        transport.close()


@way("another user, asked for after the sign-in", why_no_record="RFC 4252 §5.3: what asks to sign in again is passed over in silence")
def _(house):
    transport = house.fresh("typist")
    try:
        transport._send_message(message_of(50, s(f"runner@{LOGIN}@web") + s("ssh-connection") + s("none")))
        channel = transport.open_session(timeout=20)
        request(channel, "exec", s(f"touch {house.mark()}"))
        status, said = ending(channel)
        assert status == 1 and "no rule lets typist" in said, said
    except (paramiko.SSHException, EOFError, OSError):
        assert not transport.is_active()  # ended: as good
    finally:
        transport.close()


# --- channels that a client does not open ---

for kind, payload in {"x11": s("127.0.0.1") + u32(6000), "auth-agent@openssh.com": b"", "forwarded-tcpip": tcp("127.0.0.1", 22) ,
    "shell": b"",
                      "session@example.com": b"", "forwarded-streamlocal@openssh.com": s("/run/x") + s("")}.items():
    @way(f"a channel of type {kind}", rf"access\.refused.*channel {re.escape(kind)}")
    def _(house, kind=kind, payload=payload):
        assert is_refused(open_channel(house.transport("runner"), kind, payload))


@way("a tunnel, where no rule allows it", r"access\.refused.*use vpn")
def _(house):
    assert is_refused(open_channel(house.transport("jumper"), "tun@openssh.com", u32(1) + u32(0x7fffffff)))


@way("a tunnel of a third kind", r"access\.refused.*tun@openssh\.com")
def _(house):
    assert is_refused(open_channel(house.transport("jumper"), "tun@openssh.com", u32(3) + u32(0)))


@way("a session after no more sessions were wanted", r"access\.refused.*no more sessions")
def _(house):
    transport = house.fresh("runner")
    try:
        global_request(transport, "no-more-sessions@openssh.com", b"")
        assert is_refused(open_channel(transport, "session", b""))
    finally:
        transport.close()


# --- variables ---

VARIABLES = {"LD_PRELOAD": ("LD_PRELOAD", "/tmp/x.so"), "LD_LIBRARY_PATH": ("LD_LIBRARY_PATH", "/tmp"), "BASH_ENV": ("BASH_ENV",
    "/tmp/x"),
             "ENV": ("ENV", "/tmp/x"), "a function of bash": ("BASH_FUNC_uptime%%", "() { :; }"),
             "SSH_ORIGINAL_COMMAND": ("SSH_ORIGINAL_COMMAND", "x"),
             "a name with =": ("LC_X=LD_PRELOAD", "/tmp/x.so"), "a name with NUL": ("LC_X\0LD_PRELOAD", "x"),
             "a value with NUL": ("LC_X", "a\0b"),
             "no name": ("", "x")}
for what, (name, value) in VARIABLES.items():
    @way(f"a variable: {what}", r"access\.refused.*env .*would change what runs")
    def _(house, name=name, value=value):
        channel = house.transport("runner").open_session(timeout=20)
        assert not request(channel, "env", s(name) + s(value))
        request(channel, "exec", s("env"))
        said = ending(channel)[1]
        assert "LD_PRELOAD" not in said and "BASH_ENV" not in said and "/tmp/x" not in said, said


# --- time ---

@way("the minute in which a rule's hours have ended", r"access\.refused.*late.*lets it only at")
def _(house):
    def window(now):  # ends with the minute that began just now, and begins again in a few
        return f"{now + timedelta(minutes=5):%H:%M}-{now:%H:%M} UTC"
    while datetime.now(timezone.utc).second > 55:
        time.sleep(0.5)  # a minute must not begin between the rule and the attempt
    house.apply(hours=window(datetime.now(timezone.utc)))
    try:
        start(house, "late", "exec", s(f"touch {house.mark()}"), words="lets it only at")
    finally:
        house.apply()


@way("a channel on a connection whose rule is gone", r"access\.refused.*late.*lets it only at")
def _(house):
    transport = house.transport("late")
    channel = transport.open_session(timeout=20)
    request(channel, "exec", s("exit 7"))
    assert ending(channel)[0] == 7
    day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][int(f"{datetime.now(timezone.utc) + timedelta(days=3):%w}")]
    house.apply(hours=f"{day} 00:00-24:00 UTC")
    try:
        start(house, "late", "exec", s(f"touch {house.mark()}"), words="lets it only at")
    finally:
        house.apply()


# --- raw sockets ---

def until_the_end(house, words):
    """Says this to the gateway, and waits for it to hang up."""
    with socket.create_connection(("127.0.0.1", house.gateway.port), timeout=20 * PATIENCE) as connection:
        try:
            connection.sendall(words)
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass


@way("a greeting that never ends", why_no_record="a stranger who has not begun to sign in; the connection ends, and the log is limited")
def _(house):
    until_the_end(house, b"SSH-2.0-" + b"x" * 100_000)


@way("another protocol", why_no_record="as above")
def _(house):
    until_the_end(house, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"\r\n" * 5000)


@way("the first version of the protocol", why_no_record="as above")
def _(house):
    until_the_end(house, b"SSH-1.5-old\r\n")


hostile_sftp.register(way)


@pytest.mark.row("D2", "E4")
@pytest.mark.parametrize("name", WAYS)
def test_no_way_around(house, name):
    attempt, record = WAYS[name]
    house.settle()
    knocks = house.echo.knocks
    attempt(house)
    assert house.forbidden.knocks == 0, "the service that nobody may reach was reached"
    assert house.echo.knocks == knocks, "a service was reached in a way that no rule permits"
    assert not house.mark().exists(), "a command ran that no rule permits"

    def recorded():
        return [one for one in house.audit() if re.search(record,
            f"{one['kind']} {one['user']} {one['subject']} {one['outcome']} {one['reason']}", re.S)]
    if record is not None:
        try:
            wait_until(recorded, f"an audit record like {record!r}", timeout=5)
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(str(one) for one in house.audit()[-6:])) from None


def test_what_rules_permit_still_works(house):
    """The doors are not simply walled up: each user does what the rules say."""
    echoed = house.ssh("partner", "-W", f"127.0.0.1:{house.echo.port}", "partner@gw", given=b"through")
    assert echoed.out == b"through", echoed
    assert house.ssh("runner", f"{LOGIN}@web@gw", "echo in; exit 3").out == b"in\n"
    assert house.ssh("git", f"{LOGIN}@web@gw", "echo 'two  words' and=more").out == b"two  words and=more\n"
    assert house.ssh("git", f"{LOGIN}@web@gw", "uptime").status == 0
    assert b"in" in house.ssh("typist", f"{LOGIN}@web@gw", given=b"echo in\n").out
    explained = house.gateway.command("explain", "git", f"{LOGIN}@web", "--command", "uptime; id")
    assert explained.status == 1 and "permits other commands only: uptime, echo *" in explained.text, explained
    assert house.gateway.command("explain", "git", f"{LOGIN}@web", "--command", "uptime").ok()


def test_how_many_ways(record_property):
    record_property("ways", len(WAYS))
    print(f"{len(WAYS)} ways around the rules were tried")
    assert len(WAYS) >= 60
