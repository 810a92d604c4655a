"""Where the other implementations are. What Debian 12 has comes from its packages; the rest stands below build/peers, where
`./dev peers` puts it, or where the environment says."""
import os
import shutil
import subprocess
from pathlib import Path

from gateway import ROOT

FETCHED = ROOT / "build/peers"
PYTHON = "/usr/bin/python3"
DRIVERS = Path(__file__).resolve().parent / "drivers"


def openssh_folder(version):
    """The root of an OpenSSH: / for the system's, a scratch folder for the one of the backports. None: not there."""
    if version == "9.2":
        return Path("/")
    folder = Path(os.environ.get("SEKISHO_OPENSSH10", FETCHED / "openssh-10"))
    return folder if (folder / "usr/bin/ssh").exists() else None


def node_ssh2():
    """The folder of node's ssh2."""
    folder = Path(os.environ.get("SEKISHO_NODE_SSH2", FETCHED / "node/node_modules/ssh2"))
    return folder if folder.exists() and shutil.which("node") else None


def newer_ssh_audit():
    path = Path(os.environ.get("SEKISHO_SSH_AUDIT", FETCHED / "ssh-audit/ssh-audit.py"))
    return path if path.exists() else None


LIBSSH_DEV = FETCHED / "libssh-dev"


def libssh_server():
    """libssh's own server example, built from Debian's libssh-dev, which stands below build/peers. What it lacks is an option for
    the algorithms: the library's configuration file is read before it listens."""
    made = FETCHED / "libssh-server"
    source = LIBSSH_DEV / "usr/share/doc/libssh-dev/examples/ssh_server.c"
    if made.exists():
        return made
    if not source.exists():
        return None
    folder = FETCHED / "libssh-server.build"
    folder.mkdir(exist_ok=True)
    (folder / "config.h").write_text("#define HAVE_ARGP_H 1\n#define HAVE_PTY_H 1\n#define HAVE_UTMP_H 1\n#define WITH_FORK 1\n")
    (folder / "listen.h").write_text("""#include <libssh/server.h>
#include <stdlib.h>
static int configured_listen(ssh_bind bind) {
    const char *file = getenv("LIBSSH_SERVER_CONFIG");
    if (file != NULL && ssh_bind_options_parse_config(bind, file) != 0) return -1;
    return ssh_bind_listen(bind);
}
#define ssh_bind_listen configured_listen
""")
    includes = ["-I", folder, "-I", LIBSSH_DEV / "usr/include", "-include", folder / "listen.h"]
    subprocess.run(["cc", "-w", *includes, source, "-o", f"{made}.new", "-l:libssh.so.4", "-lutil"], check=True)
    os.rename(f"{made}.new", made)
    return made
