#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drops a photograph on the server's page in headless Chromium, and looks for the bars.

    page.py SERVER NETWORK PHOTOGRAPH LABEL [PICTURE]

LABEL is the class that has to come first; PICTURE is where a picture of the page goes. Skipped,
with a line that says so, where there is no Chromium. It is driven over a pipe by the DevTools
protocol.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from check import Server, expect


class Chromium:
    """A browser without a window, and messages to it: JSON with a zero byte behind each."""

    def __init__(self, program, profile):
        (commands, self.commands), (self.events, events) = os.pipe(), os.pipe()

        def descriptors():
            # The browser reads 3 and writes 4; the pipes' own numbers may be these.
            high = os.dup(commands), os.dup(events)
            for _ in range(2):
                high = tuple(os.dup(fd) if fd in (3, 4) else fd for fd in high)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={profile}",
             "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(events)
        self.number, self.unread, self.session = 0, b"", None

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.unread:
                part = os.read(self.events, 1 << 16)
                expect("the browser ended", part)
                self.unread += part
            text, self.unread = self.unread.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.number:
                expect(f"{method}: {answer}", "result" in answer)
                return answer["result"]

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression,
                         returnByValue=True)["result"].get("value")

    def wait(self, expression):
        for _ in range(300):
            if value := self.value(expression):
                return value
            time.sleep(0.1)
        raise AssertionError(f"{expression} did not come true")


def check_page(browser, port, photograph, label, picture):
    target = browser.call("Target.createTarget", url=f"http://127.0.0.1:{port}/")["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    browser.session = attached["sessionId"]
    browser.wait("document.readyState == 'complete' && !!document.getElementById('drop')")
    x, y = browser.value(
        "(r => [r.x + r.width / 2, r.y + r.height / 2])"
        "(document.getElementById('drop').getBoundingClientRect())")

    def drop(file):
        for kind in ["dragEnter", "dragOver", "drop"]:
            browser.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data={
                "items": [], "files": [str(file)], "dragOperationsMask": 1})

    drop(pathlib.Path(photograph).resolve())
    rows = browser.wait(
        "(rows => rows.length ? rows.map(r => [r.children[0].textContent,"
        " r.querySelector('.bar').getBoundingClientRect().width,"
        " r.children[2].textContent]) : null)([...document.querySelectorAll('.row')])")
    widths = [width for _, width, _ in rows]
    expect(f"{rows}", rows[0][0] == label and rows[0][2].endswith("%"))
    expect(f"{rows}", widths == sorted(widths, reverse=True) and widths[0] > 100)
    expect("no photograph", browser.wait("document.querySelector('#drop img').naturalWidth"))
    if picture:
        data = browser.call("Page.captureScreenshot")["data"]
        pathlib.Path(picture).write_bytes(base64.b64decode(data))
    # What is not an image is said not to be one, and the bars are gone.
    drop(pathlib.Path(__file__).resolve())
    message = browser.wait("document.getElementById('error').textContent")
    expect(message, "not an image" in message)
    expect("bars", browser.value("document.querySelectorAll('.row').length") == 0)
    return rows


def main():
    binary, network, photograph, label, *picture = sys.argv[1:]
    program = shutil.which("chromium") or shutil.which("chromium-browser") or \
        shutil.which("google-chrome")
    if not program:
        print("skipped the page: chromium is not installed (make setup-browser)")
        return
    with Server(binary, network) as server, tempfile.TemporaryDirectory() as profile:
        browser = Chromium(program, profile)
        try:
            rows = check_page(browser, server.port, photograph, label, *(picture or [None]))
        finally:
            browser.process.kill()
            browser.process.wait()
    print(f"the page passed: {rows}")


if __name__ == "__main__":
    main()
