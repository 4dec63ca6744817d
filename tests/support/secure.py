"""Servers that demand something of who connects, for tests: certificates made here, a Kafka whose
listeners want TLS and a login, a Redis with a password and TLS, Redis with replica and sentinels.

    authority = secure.Authority(folder, "town")
    kafka = secure.Kafka(authority)         # .bootstrap is plain, for the test's own clients
    kafka.at("SASLSSL")                     # host:port of a listener
"""

import glob
import os
import socket
import ssl
import subprocess

import servers

PASSWORD = "hush-9\"'\\ /@:%"  # whatever is in it must arrive, and must never be shown
LISTENERS = {"PLAIN": "PLAINTEXT", "SSL": "SSL", "MUTUAL": "SSL", "SASLSSL": "SASL_SSL", "SASLPLAIN": "SASL_PLAINTEXT"}


def openssl(*words, folder):
    made = subprocess.run(["openssl", *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)  # fmt: skip
    if made.returncode != 0:
        raise servers.ServerError("openssl %s: %s" % (" ".join(words), made.stdout))


class Authority:
    """A certificate authority with a folder of its own: ca.pem, and what issue() makes."""

    def __init__(self, parent, name):
        self.folder = os.path.join(parent, name)
        self.name = name
        os.makedirs(self.folder)
        self.ca = self.path("ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority " + name, folder=self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, *alternatives, password=None):
        """(certificate, key): of NAME.pem and NAME.key, for these, as "IP:127.0.0.1"."""
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", name + ".key", "-out",
                name + ".csr", "-subj", "/CN=" + name,
                *(["-passout", "pass:" + password] if password else ["-nodes"]), folder=self.folder)
        with open(self.path(name + ".ext"), "w") as file:
            file.write("subjectAltName=%s\n" % ",".join(alternatives or ["DNS:" + name]))
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", name + ".ext", "-out", name + ".pem", folder=self.folder)
        return self.path(name + ".pem"), self.path(name + ".key")


def joined(path, *parts):
    """A file of the others' contents: Kafka wants key and certificate in one."""
    with open(path, "w") as file:
        for part in parts:
            with open(part) as other:
                file.write(other.read())
    return path


class Kafka(servers.Kafka):
    """One listener of each kind. The certificate is for 127.0.0.1, not for localhost."""

    def __init__(self, authority, user="ringback"):
        super().__init__()
        self.ports = {name: self.port if name == "PLAIN" else servers.free_port() for name in LISTENERS}
        self.user = user
        jaas = "org.apache.kafka.common.security.%sLoginModule required%s;"
        word = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        plain = jaas % ("plain.Plain", ' user_%s="%s"' % (user, word))
        settings = {
            "listeners": self.listeners() + ",CONTROLLER://127.0.0.1:%d" % self.controller_port,
            "advertised.listeners": self.listeners(),
            "listener.security.protocol.map": ",".join("%s:%s" % row for row in LISTENERS.items())
            + ",CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAIN",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": joined(authority.path("broker.both"),
                                            *reversed(authority.issue("broker", "IP:127.0.0.1"))),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": authority.ca,
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        }
        for listener in ("saslssl", "saslplain"):
            # A file of properties takes backslashes as its own.
            settings["listener.name.%s.plain.sasl.jaas.config" % listener] = plain.replace("\\", "\\\\")
            for size in (256, 512):
                settings["listener.name.%s.scram-sha-%d.sasl.jaas.config" % (listener, size)] = jaas % (
                    "scram.Scram", "")
        self.settings.update(settings)

    def listeners(self):
        return ",".join("%s://127.0.0.1:%d" % row for row in self.ports.items())

    def at(self, name):
        return "127.0.0.1:%d" % self.ports[name]

    def add_user(self, name=None, password=PASSWORD):
        """A login by SCRAM; PLAIN's are in the broker's file."""
        from confluent_kafka import admin

        client = admin.AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
        for mechanism in (admin.ScramMechanism.SCRAM_SHA_256, admin.ScramMechanism.SCRAM_SHA_512):
            one = admin.UserScramCredentialUpsertion(name or self.user, admin.ScramCredentialInfo(mechanism, 4096),
                                                     password.encode())  # fmt: skip
            for done in client.alter_user_scram_credentials([one]).values():
                done.result(30)


def newer_librdkafka(folder):
    """A value of LD_LIBRARY_PATH with the librdkafka that the tests' own client brings: it logs in by SCRAM at
    brokers of today, which Debian 12's cannot."""
    import confluent_kafka

    packages = os.path.dirname(os.path.dirname(confluent_kafka.__file__))
    found = glob.glob(os.path.join(packages, "confluent_kafka.libs", "librdkafka-*.so*"))
    if not found:
        raise servers.ServerError("confluent-kafka brings no librdkafka under %s" % packages)
    place = os.path.join(folder, "librdkafka")
    os.makedirs(place)
    os.symlink(found[0], os.path.join(place, "librdkafka.so.1"))
    return place + ":" + os.path.dirname(found[0])


class Redis(servers.Redis):
    """options as servers.Redis's. tls: an Authority: then TLS is all it speaks, with a certificate for 127.0.0.1;
    mutual: and it demands a certificate of that authority."""

    def __init__(self, options=None, tls=None, mutual=False):
        super().__init__(options=options)
        self.authority = tls
        if tls:
            certificate, key = tls.issue("redis", "IP:127.0.0.1")
            self.options.update({
                "port": 0, "tls-port": self.port, "tls-cert-file": certificate, "tls-key-file": key,
                "tls-ca-cert-file": tls.ca, "tls-auth-clients": "yes" if mutual else "no",
            })  # fmt: skip

    def answers(self):
        """Also when it demands what this does not have."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as link:
                if self.authority:
                    context = ssl.create_default_context(cafile=self.authority.ca)
                    with context.wrap_socket(link, server_hostname="127.0.0.1"):
                        return True
                link.sendall(b"PING\r\n")
                return link.recv(100)[:7] in (b"+PONG\r\n", b"-NOAUTH")
        except ssl.SSLError:
            return True
        except OSError:
            return False


class Sentinel(servers.Redis):
    """One of those that watch the master called `town`."""

    name = "sentinel"

    def __init__(self, master, master_password, password, down_after_ms=800):
        super().__init__()
        self.file = os.path.join(self.folder, "sentinel.conf")
        lines = [
            "port %d" % self.port,
            "bind 127.0.0.1",
            "dir " + self.folder,
            "requirepass " + password,
            "sentinel monitor town 127.0.0.1 %d 2" % master.port,
            "sentinel auth-pass town " + master_password,
            "sentinel down-after-milliseconds town %d" % down_after_ms,
            "sentinel failover-timeout town 4000",
        ]
        with open(self.file, "w") as file:
            file.write("\n".join(lines) + "\n")
        self.password = password

    def command(self):
        return ["redis-server", self.file, "--sentinel"]

    def answers(self):
        try:
            return self.client().ping()
        except Exception:
            return False

    def client(self):
        import redis

        return redis.Redis(port=self.port, password=self.password, decode_responses=True, socket_timeout=5)

    def sees(self):
        """(port of the master, replicas, other Sentinels)"""
        told = self.client().execute_command("SENTINEL", "MASTER", "town")
        if not isinstance(told, dict):
            told = dict(zip(told[::2], told[1::2]))
        return int(told["port"]), int(told["num-slaves"]), int(told["num-other-sentinels"])
