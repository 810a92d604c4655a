"""Servers of the tests' own: each connection is served in a thread of its own."""
import socket
import threading


class Serving:
    """Calls `serve(connection)` of the class for each connection to `listener`, and counts them in `knocks`."""

    def __init__(self, listener):
        self.knocks = 0
        self._listener = listener
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.knocks += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        # Without the shutdown the thread's accept() would keep the port open.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
