"""mail_sink.py: an SMTP server that takes everything and remembers it."""
import email
import email.policy
import socketserver
import threading


class Dialogue(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        try:
            self.say("220 sink")
            recipients = []
            while line := self.rfile.readline(2048):
                word = line[:4].upper()
                if word == b"EHLO":
                    self.wfile.write(b"250-sink\r\n250 8BITMIME\r\n")
                elif word == b"RCPT":
                    recipients.append(
                        line.partition(b"<")[2].partition(b">")[0].decode())
                    self.say("250 ok")
                elif word == b"DATA":
                    self.say("354 go on")
                    content = self.read_message()
                    if content is None:
                        return      # the sender died: nothing was taken
                    self.server.take(recipients, content)
                    recipients = []
                    self.say("250 taken")
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    recipients = []
                    self.say("250 ok")
        except OSError:
            pass

    def read_message(self):
        lines = []
        while line := self.rfile.readline(65536):
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None


class MailSink(socketserver.ThreadingTCPServer):
    """`taken`: (address, parsed message) in the order of arrival."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.taken = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def take(self, recipients, content):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        with self.lock:
            self.taken += [(address, mail) for address in recipients]

    def of(self, address):
        with self.lock:
            return [mail for to, mail in self.taken if to == address]
