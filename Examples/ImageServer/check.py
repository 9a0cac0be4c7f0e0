#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tries the server over loopback: uploads of every kind, clients that are slow, hang or leave, an
overload, SIGTERM under load, and memory.

    check.py SERVER NETWORK WIDE-NETWORK PHOTOGRAPHS [--minutes N]

PHOTOGRAPHS has a folder for each class. WIDE-NETWORK takes long for one image. With --minutes, a
load lasts that long and memory must stay flat. Nothing but Python's own library is needed; no check
depends on how fast the machine is.
"""

import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

SECONDS = 3  # that a request may take to arrive


class Server:
    """The server in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [arguments[0], *arguments[1:], "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.is_stopping = False
        self.port = int(re.search(r":(\d+)/", line)[1])

    def request(self, method, path, body=None, headers={}, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()

    def predict(self, body, **settings):
        status, answer, headers = self.request("POST", "/predict", body, **settings)
        return status, json.loads(answer), headers

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def raw(self, text):
        """All that comes back for some bytes."""
        with self.connect() as client:
            client.sendall(text)
            return received(client)

    def metrics(self):
        _, text, _ = self.request("GET", "/metrics")
        lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def terminate(self):
        self.is_stopping = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """What it prints in the end; it has to end well."""
        if not self.is_stopping:
            self.terminate()  # a second signal would end it at once
        output = self.process.stdout.read()
        assert self.process.wait(60) == 0, f"the server ended with {self.process.returncode}"
        return output

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        else:
            self.stop()


def received(client):
    """Everything up to the end of a connection."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def expect(what, condition):
    assert condition, what


def step(text):
    print(f"   {text}", flush=True)


def photographs(folder):
    """The files of each class."""
    return {c.name: [f.read_bytes() for f in sorted(c.glob("*.jpg"))]
            for c in sorted(pathlib.Path(folder).iterdir()) if c.is_dir()}


def check_answers(server, classes):
    step("answers")
    expect("healthz", server.request("GET", "/healthz")[:2] == (200, b"ok\n"))
    status, page, headers = server.request("GET", "/")
    expect("page", status == 200 and b"<h1>" in page and "text/html" in headers["Content-Type"])
    right = total = 0
    for name, files in classes.items():
        for file in files:
            status, answer, headers = server.predict(file)
            expect(f"{name}: {status} {answer}", status == 200)
            expect("type", headers["Content-Type"] == "application/json")
            found = answer["predictions"]
            shares = [p["probability"] for p in found]
            expect(f"sum {shares}", abs(sum(shares) - 1) < 1e-6 and shares == sorted(shares)[::-1])
            expect("labels", {p["label"] for p in found} == set(classes))
            right += found[0]["label"] == name
            total += 1
    expect(f"{right} of {total} right", right > 0.8 * total)
    # Chunks, and a connection that is kept.
    file = classes[name][0]
    alone = server.predict(file)[1]
    expect("chunked", server.predict(iter([file[:100], file[100:]]))[1] == alone)
    kept = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(3):
        kept.request("POST", "/predict", file)
        expect("kept", json.loads(kept.getresponse().read()) == alone)
    kept.close()


def png_header(width, height):
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(data))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + data + check


def check_bad_uploads(server, photo, limit):
    step("bad uploads")
    for name, body, expected in [
            ("empty", b"", 400), ("text", b"no image at all", 415), ("one byte", b"\xff", 415),
            ("JPEG's first bytes", photo[:3], 400), ("half a JPEG", photo[:len(photo) // 2], 400),
            ("a JPEG of noise", photo[:20] + random.Random(1).randbytes(5000), 400),
            ("a large PNG's head", png_header(30000, 30000), 400),
            ("a PNG of 2^31 columns", png_header(2**31 - 1, 1), 400),
            ("a PPM without pixels", b"P6 100 100 255\n", 400), ("GIF", b"GIF89a" + bytes(99), 415),
            ("a form", b"--x\r\nContent-Disposition: form-data\r\n\r\n" + photo, 415)]:
        status, answer, _ = server.predict(body)
        expect(f"{name}: {status}, expected {expected}", status == expected)
        expect(f"{name}: {answer}", list(answer) == ["error"] and answer["error"])
    step("bodies that are too large")
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"
    announced = head % (limit + 1, b"Expect: 100-continue\r\n")
    expect("announced", server.raw(announced).startswith(b"HTTP/1.1 413"))
    expect("announced", server.raw(head % (10**30, b"")).startswith(b"HTTP/1.1 4"))
    expect("chunked", server.predict(iter([bytes(limit), b"x"]))[0] == 413)
    expect("all there is", server.predict(bytes(limit))[0] == 415)
    step("wrong requests")
    expect("path", server.request("GET", "/none")[0] == 404)
    expect("path", server.request("GET", "/../etc/passwd")[0] == 404)
    status, _, headers = server.request("GET", "/predict")
    expect("method", status == 405 and headers["Allow"] == "POST")
    expect("method", server.request("POST", "/", b"x")[0] == 405)
    for text in [b"nonsense\r\n\r\n", b"POST /predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n",
                 b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]:
        answer = server.raw(text)
        expect(f"{text[:40]}: {answer[:40]}", not answer or re.match(rb"HTTP/1.1 4\d\d", answer))
    expect_alive(server, photo)


def check_slow_clients(server, photo):
    step("slow and hanging clients")
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(photo)

    def drip(text, closed):
        with server.connect() as client:
            begin = time.monotonic()
            try:
                for byte in text:
                    client.sendall(bytes([byte]))
                    time.sleep(0.1)
            except OSError:
                closed.append(time.monotonic() - begin)

    def hang(text, closed):
        with server.connect() as client:
            begin = time.monotonic()
            client.sendall(text)
            received(client)
            closed.append(time.monotonic() - begin)

    closed, threads = [], []
    for task, text in [(drip, b"GET /healthz HTTP/1.1\r\nA: " + b"a" * 500), (hang, b""),
                       (hang, b"POST /pre"), (hang, head + photo[:100])] * 5:
        threads.append(threading.Thread(target=task, args=(text, closed)))
    # The head at once, the body a byte at a time.
    for _ in range(5):
        threads.append(threading.Thread(target=lambda: drip_body(server, head, photo, closed)))
    for thread in threads:
        thread.start()
    # Others are answered meanwhile.
    for _ in range(10):
        expect_alive(server, photo)
    for thread in threads:
        thread.join()
    expect(f"{len(closed)} of {len(threads)} were closed", len(closed) == len(threads))
    expect(f"first closed after {min(closed)} s", min(closed) > 0.9 * SECONDS)
    step(f"all {len(closed)} closed after {min(closed):.1f} to {max(closed):.1f} s")
    step("clients that leave")
    for _ in range(50):
        with server.connect() as client:
            client.sendall(head + photo[:random.Random(2).randrange(len(photo))])
        with server.connect() as client:
            client.sendall(head + photo)
    expect_alive(server, photo)


def expect_alive(server, photo):
    status, answer, _ = server.predict(photo)
    expect(f"alive: {status} {answer}", status == 200)


def drip_body(server, head, photo, closed):
    with server.connect() as client:
        begin = time.monotonic()
        try:
            client.sendall(head)
            for byte in photo:
                client.sendall(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            closed.append(time.monotonic() - begin)


class Load:
    """Clients that each send one photograph after the other, on a connection of its own each."""

    def __init__(self, server, photos, clients):
        self.statuses, self.lost = {}, []
        self.ends = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(server, photos, number))
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, server, photos, number):
        while not self.ends:
            try:
                client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                client.connect()
            except OSError:
                return  # no longer listening: nothing was accepted
            try:
                client.request("POST", "/predict", photos[number % len(photos)])
                response = client.getresponse()
                response.read()
                with self.lock:
                    self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            except (OSError, http.client.HTTPException) as error:
                with self.lock:
                    self.lost.append(repr(error))
            finally:
                client.close()

    def join(self):
        for thread in self.threads:
            thread.join()

    def end(self):
        self.ends = True
        self.join()


def check_batches(server, photos):
    step("batches")
    before = server.metrics()
    load = Load(server, photos, 24)
    time.sleep(1.5)
    load.end()
    after = server.metrics()
    count, total = (after[f"image_server_batch_size_{x}"] - before[f"image_server_batch_size_{x}"]
                    for x in ["count", "sum"])
    expect(f"{load.statuses} {load.lost}", set(load.statuses) == {200} and not load.lost)
    expect("counted", total == load.statuses[200])
    expect(f"{total / count:.1f} samples to a batch", total / count > 1.5)
    step(f"{total:.0f} requests of 24 clients in {count:.0f} batches")


def check_overload(binary, wide, photos):
    step("overload")
    with Server(binary, wide, "--batch", "1", "--queue", "2", "--answer", "60") as server:
        load = Load(server, photos, 32)
        time.sleep(1.5)
        load.end()
        expect(f"{load.statuses} {load.lost}",
               set(load.statuses) == {200, 503} and not load.lost)
        refused = server.metrics()["image_server_refused_total"]
        expect(f"refused {refused} {load.statuses}", refused == load.statuses[503])
        step(f"answers by status: {load.statuses}")


def check_late(binary, network, photo):
    step("a prediction that does not begin in time")
    with Server(binary, network, "--wait", "60000", "--answer", "1") as server:
        begin = time.monotonic()
        status, answer, headers = server.predict(photo, timeout=50)
        expect(f"{status} {answer}", status == 503 and "in time" in answer["error"])
        expect("Retry-After", headers["Retry-After"] == "1")
        expect("late", 0.9 < time.monotonic() - begin < 50)
        expect("cancelled", server.metrics()["image_server_cancelled_total"] == 1)


def check_connections(binary, network, photos):
    step("more clients than connections")
    with Server(binary, network, "--connections", "3", "--answer", "60") as server:
        load = Load(server, photos, 12)
        time.sleep(1)
        load.end()
        expect(f"{load.statuses} {load.lost}", set(load.statuses) == {200} and not load.lost)


def check_stop(binary, wide, photos):
    step("SIGTERM under load")
    for round in range(3):
        server = Server(binary, wide, "--answer", "60")
        load = Load(server, photos, 24)
        late = server.connect()
        body = photos[0]
        late.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        time.sleep(0.5)
        server.terminate()
        # An upload that had begun is finished, read and answered.
        time.sleep(0.5)
        late.sendall(body)
        answer = received(late)
        expect(f"{answer[:99]}", answer.startswith(b"HTTP/1.1 200") and b"predictions" in answer)
        expect("no keep-alive", b"connection: close" in answer.lower())
        load.join()
        output = server.stop()
        answered = sum(load.statuses.values())
        expect(f"lost: {load.lost}", not load.lost)
        expect(f"{load.statuses}", set(load.statuses) == {200} and answered > 10)
        expect(output, f"stopped after {answered + 1} answers" in output)
        step(f"{answered + 1} answers, none lost")


def check_memory(server, photos, minutes):
    seconds = max(6.0, 60 * minutes)
    step(f"memory, for {seconds:.0f} s")
    load = Load(server, photos + [photos[0][:500], b"no image"], 8)
    sizes = []
    for _ in range(12):
        time.sleep(seconds / 12)
        sizes.append(server.metrics()["process_resident_memory_bytes"] / 2**20)
    load.end()
    expect(f"{load.statuses} {load.lost}", not load.lost)
    # The first third warms up.
    growth = max(sizes[8:]) - max(sizes[:8])
    step(f"{sum(load.statuses.values())} answers; MiB: {' '.join(f'{s:.0f}' for s in sizes)}")
    expect(f"memory grew by {growth:.1f} MiB", growth < 8)


def main():
    arguments = sys.argv[1:]
    minutes = 0
    if "--minutes" in arguments:
        minutes = float(arguments.pop(arguments.index("--minutes") + 1))
    binary, network, wide, folder = [a for a in arguments if a != "--minutes"]
    classes = photographs(folder)
    photos = [file for files in classes.values() for file in files]
    limit = 100_000
    with Server(binary, network, "--arrival", str(SECONDS), "--answer", "60",
                "--body", str(limit), "--wait", "20") as server:
        check_answers(server, classes)
        check_bad_uploads(server, photos[0], limit)
        check_slow_clients(server, photos[0])
        check_batches(server, photos)
        check_memory(server, photos, minutes)
        open_connections = server.metrics()["image_server_connections"]
        expect(f"{open_connections} connections are left", open_connections == 1)
    check_overload(binary, wide, photos)
    check_late(binary, network, photos[0])
    check_connections(binary, network, photos)
    check_stop(binary, wide, photos)
    print("the server passed")


if __name__ == "__main__":
    main()
