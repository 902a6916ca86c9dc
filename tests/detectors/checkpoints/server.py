"""A web server on this machine, with the failings of real ones."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace


@contextmanager
def serve(files: dict[str, bytes], ranges: bool = True, dies_after: list[int] | None = None,
          tells_size: bool = True, misplaced: int = 0) -> Iterator[SimpleNamespace]:
    """Serve `files` by name. Each number in `dies_after` ends one answer after so many bytes. An
    answer to a range begins `misplaced` bytes before it.

    Yields the address, and what was asked for: a list of (name, Range header).
    """
    deaths, asked = list(dies_after or []), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
            asked.append((name, wanted))
            if name not in files:
                self.send_error(404)
                return
            content = files[name]
            start = int(re.findall(r"bytes=(\d+)-", wanted)[0]) if ranges and wanted else 0
            start -= misplaced * bool(start)
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if tells_size:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:start + deaths.pop(0)] if deaths else content[start:])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", asked=asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
