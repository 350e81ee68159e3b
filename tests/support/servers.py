"""Real API servers from packages, each in a folder of its own and on a port of the kernel's choice: nginx, and httpbin
under gunicorn. Both take over a socket that is already listening, so no port can be lost between choosing and using it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

NGINX_CONFIG = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  limit_req_zone $server_port zone=one:1m rate=1r/m;
  server {{
    listen 127.0.0.1:{port} {listen};
    root {folder}/www;
    gzip on;
    gzip_types application/json;
    gzip_min_length 1;
    location = /limited {{ limit_req zone=one; limit_req_status 429; try_files /weather =404; }}
    location = /broken {{ return 503 '{{"why":"maintenance"}}'; }}
    location = /page {{ default_type text/html; return 200 '<html>hello</html>'; }}
    location = /problem {{
      default_type application/problem+json;
      return 422 '{{"type":"about:blank","title":"Unprocessable","status":422}}';
    }}
    location = /moved {{ return 302 /weather; }}
    location = /protocol {{ return 200 '"$server_protocol"'; }}
    location = /oneshot {{ keepalive_timeout 0; try_files /weather =404; }}
    {more}
  }}
}}
"""


class Server:
    """A server process with a listening socket that we made. Subclasses say how it is started."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="linegate-server-"))
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            self.port = listener.getsockname()[1]
            self.address = ("127.0.0.1", self.port)
            self.url = f"http://127.0.0.1:{self.port}"
            listener.set_inheritable(True)
            self.process = self.start(listener.fileno())

    def spawn(self, command, fd, **env):
        log = open(self.folder / "output.log", "wb")
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[fd], env={**os.environ, **env}
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Server):
    """Static JSON under www/, and a location for each thing that the tests ask of a web server."""

    def __init__(self, files, listen="", more=""):
        """`listen` is what follows the address of the listen directive; `more` are lines of the server block."""
        self._files = files
        self._options = {"listen": listen, "more": more}
        super().__init__()

    def start(self, fd):
        www = self.folder / "www"
        www.mkdir()
        self.folder.chmod(0o755)
        for name, content in self._files.items():
            (www / name).write_bytes(content)
        file = self.folder / "nginx.conf"
        file.write_text(NGINX_CONFIG.format(folder=self.folder, port=self.port, **self._options))
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        # nginx takes the sockets that this variable numbers for its own, as in an upgrade of its binary.
        return self.spawn([nginx, "-c", str(file), "-p", str(self.folder)], fd, NGINX=f"{fd};")


class Httpbin(Server):
    """httpbin, which says what it was asked: /anything, /status/418, /delay/1, /gzip, /stream/3 …"""

    def start(self, fd):
        return self.spawn(
            [sys.executable, "-m", "gunicorn", "--workers=1", "--threads=8", f"--bind=fd://{fd}", "httpbin:app"], fd
        )
