"""A real terminal, typed into like a person does: a window of a private tmux server."""
import re
import subprocess
import uuid

from processes import wait_until


class Terminal:
    def __init__(self, folder, command, width=80, height=24, env=None):
        self.folder = folder
        self.name = uuid.uuid4().hex[:8]
        self.bytes_path = folder / f"terminal-{self.name}.bytes"
        self._env = env
        # The command waits for a line, so that nothing is written before pipe-pane has hold of the output.
        # Its exit status goes through a file: tmux does not always hear of its child's end.
        self._status = folder / f"terminal-{self.name}.status"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height),
                   f"read -r start; ({command}); echo $? > {self._status}.new; mv {self._status}.new {self._status}")
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("pipe-pane", "-o", f"cat >> {self.bytes_path}")
        self._tmux("send-keys", "Enter")

    def _tmux(self, *arguments):
        done = subprocess.run(["tmux", "-L", f"sekisho-{self.name}", "-f", "/dev/null", *arguments], capture_output=True, text=True,
                              timeout=20, env=self._env)
        if done.returncode != 0:
            raise AssertionError(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def key(self, name):
        self._tmux("send-keys", name)

    def line(self, text):
        self.type(text)
        self.key("Enter")

    def screen(self):
        return self._tmux("capture-pane", "-p", "-J", "-S", "-200")

    def wait_for(self, pattern, timeout=20):
        try:
            return wait_until(lambda: re.search(pattern, self.screen()), f"{pattern!r} on the screen", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- screen ---\n{self.screen().rstrip()}") from None

    def resize(self, width, height):
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def exit_status(self, timeout=20):
        """Waits for the command's end."""
        wait_until(self._status.exists, "the terminal's command to end", timeout)
        return int(self._status.read_text())

    def output(self):
        """The bytes that were written to the terminal."""
        return self.bytes_path.read_bytes() if self.bytes_path.exists() else b""

    def close(self):
        subprocess.run(["tmux", "-L", f"sekisho-{self.name}", "kill-server"], capture_output=True, timeout=20)
