"""A network camera: pictures over HTTP, one after the other, until somebody pulls the plug."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

BOUNDARY = "frame"


class MjpegServer:
    """Serves `scene(number)`, RGB, at http://127.0.0.1:<port>/."""

    def __init__(self, scene, port=0, fps=25.0):
        self.unplugged = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                number = 0
                with contextlib.suppress(OSError):
                    while not camera.unplugged.is_set():
                        self.wfile.write(part(scene(number)))
                        number += 1
                        time.sleep(1 / fps)
                self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/stream.mjpg"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self):
        if not self.unplugged.is_set():
            self.unplugged.set()
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()


def part(image):
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
