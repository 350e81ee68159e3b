"""Certificates for one test run, made by the openssl program in a folder of the test's: a CA, a server certificate for
localhost and 127.0.0.1, a client certificate, and a second CA that nobody trusts."""

import ssl
import subprocess
from pathlib import Path


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA. Everything is EC P-256: quick to make and quick to use."""

    def __init__(self, folder, name):
        self.folder = Path(folder)
        self.name = name
        self.file = self.folder / f"{name}.pem"
        self.key = self.folder / f"{name}.key"
        openssl("req", "-x509", *NEW_KEY, "-days", 2, "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def issue(self, name, alternatives):
        """A certificate for `name`; returns the paths of the certificate and of its key."""
        request, key, file = (self.folder / f"{self.name}-{name}.{kind}" for kind in ("csr", "key", "crt"))
        extensions = self.folder / f"{self.name}-{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives}\n")
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        sign = ("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", 2)
        openssl(*sign, "-extfile", extensions, "-out", file)
        return file, key


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def server_context(certificate, client_ca=None):
    """For Api(tls=…). With client_ca, clients must show a certificate of that CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context
