"""Ways around a rule that narrows sftp, for test_hostile.py; what such a rule is for is in test_sftp_limits.py."""
import raw_sftp as raw
from house import ending, request, s, start, u32
from raw_sftp import RawSftp


def file_request(house, user, kind, content, denied):
    talk = RawSftp(house.fresh(user))
    try:
        assert talk.status(kind, content)[0] in denied
        assert talk.realpath(".")  # and the session goes on
    finally:
        talk.channel.transport.close()


MAKES = {"opens for writing": (raw.OPEN, lambda path: s(path) + u32(0x1a) + u32(0)),
         "opens for appending": (raw.OPEN, lambda path: s(path) + u32(0x0c) + u32(0)),
         "opens for reading and creating": (raw.OPEN, lambda path: s(path) + u32(0x09) + u32(0)),
         "makes a folder": (raw.MKDIR, lambda path: s(path) + u32(0)),
         "makes a link": (raw.SYMLINK, lambda path: s("/etc") + s(path)),
         "makes a link, arguments swapped": (raw.SYMLINK, lambda path: s(path) + s("/etc")),
         "renames": (raw.RENAME, lambda path: s("/etc/hostname") + s(path)),
         "renames as POSIX does": (raw.EXTENDED, lambda path: s("posix-rename@openssh.com") + s("/etc/hostname") + s(path)),
         "makes a hard link": (raw.EXTENDED, lambda path: s("hardlink@openssh.com") + s("/etc/hostname") + s(path)),
         "asks for what nobody knows": (raw.EXTENDED, lambda path: s("make-file@example.com") + s(path))}
ELSEWHERE = {"by its name": "{marks}/made", "by dots": "{kept}/../marks/made", "by dots and slashes": "{kept}/.//..//marks//made",
             "through a link": "{kept}/out/made", "through a link and dots": "{kept}/out/../marks/made",
             "relative to the home": "../../../../../../../../..{marks}/made", "through /proc": "/proc/self/root{marks}/made"}
NARROWED = {"scp's own protocol, to a reader's file": ("reader", "exec", "scp -t {mark}"),
            "scp's own protocol, both ways at once": ("reader", "exec", "scp -f -t {mark}"),
            "scp's own protocol, where paths are named": ("keeper", "exec", "scp -t {mark}"),
            "scp's own protocol, to read where paths are named": ("keeper", "exec", "scp -f /etc/passwd"),
            "an sftp server of the reader's own": ("reader", "exec", "/usr/lib/openssh/sftp-server"),
            "an sftp server that writes into a log": ("reader", "subsystem", "sftp -l DEBUG"),
            "a shell for the keeper": ("keeper", "exec", "touch {mark}")}


def register(way):
    for what, (kind, content) in MAKES.items():
        @way(f"a reader of files {what}", r"access\.refused.*reader.*(sftp only read|not known)")
        def _(house, kind=kind, content=content):
            file_request(house, "reader", kind, content(str(house.mark())), (raw.DENIED, raw.UNSUPPORTED))

    for what, path in ELSEWHERE.items():
        @way(f"a file elsewhere, {what}", r"access\.refused.*keeper.*lets sftp reach only")
        def _(house, path=path):
            path = path.format(marks=house.marks, kept=house.folder / "kept")
            file_request(house, "keeper", raw.OPEN, s(path) + u32(0x1a) + u32(0), (raw.DENIED,))

        @way(f"a folder elsewhere, {what}", r"access\.refused.*keeper.*lets sftp reach only")
        def _(house, path=path):
            path = path.format(marks=house.marks, kept=house.folder / "kept")
            file_request(house, "keeper", raw.MKDIR, s(path) + u32(0), (raw.DENIED,))

    for what, (user, kind, command) in NARROWED.items():
        @way(what, r"access\.refused.*" + user)
        def _(house, user=user, kind=kind, command=command):
            start(house, user, kind, s(command.format(mark=house.mark())))

    @way("a terminal that edits what the watch has read", r"access\.refused.*reader.*no terminal")
    def _(house):
        transport = house.fresh("reader")
        try:
            channel = transport.open_session(timeout=20)
            channel.get_pty()
            request(channel, "subsystem", s("sftp"))
            assert ending(channel)[0] == 1
        finally:
            transport.close()

    @way("a request before the version is agreed", r"access\.refused.*reader.*which version")
    def _(house):
        talk = RawSftp(house.fresh("reader"), greet=False)
        try:
            talk.send(raw.packet(raw.MKDIR, u32(1) + s(str(house.mark())) + u32(0)))
            assert ending(talk.channel)[0] == 255
        finally:
            talk.channel.transport.close()
