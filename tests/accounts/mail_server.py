"""A mail server of few words, over a real socket, with faults by the recipient's name."""

import socketserver
import threading
from contextlib import contextmanager


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 here")
        recipient, server = "", self.server
        for line in iter(self.rfile.readline, b""):
            command = line.decode().strip()
            if command.upper().startswith(("EHLO", "HELO")):
                self._say("250 here")
            elif command.upper().startswith("RCPT"):
                recipient = command
                self._say("550 nobody of this name" if "unknown@" in command else "250 ok")
            elif command.upper() == "DATA":
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n")).decode()
                if "later@" in recipient and not server.asked_twice:
                    server.asked_twice = True
                    self._say("451 come back later")
                    continue
                server.taken.append((recipient, text))
                if "silent@" in recipient:
                    return  # it took the mail, and nobody will ever know
                self._say("250 taken")
            elif command.upper() == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        server.taken, server.asked_twice = [], False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
