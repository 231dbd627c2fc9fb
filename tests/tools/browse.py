#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page from the disk as a headless Chromium shows it, over the DevTools protocol on a pipe (standard library only).

    browse.py PAGE.html [--width 390] [--dark] [--png FILE] [--pdf FILE] [--click SELECTOR]

Prints, as JSON: width (CSS pixels that were laid out), overflow (elements that reach over the right edge and are in
nothing that scrolls, at most ten), cut (headers of each table that is wider than its box), requests (of anything but the
page and data:), errors (of scripts and of the console), and sorted (texts of the first column behind a click on
the first header that SELECTOR finds)."""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --remote-debugging-pipe""".split()

OVERFLOW = """(() => {
    const wide = document.documentElement.clientWidth + 1;
    const scrolls = e => e && (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    return Array.from(document.body.querySelectorAll('*'))
        .filter(e => e.getBoundingClientRect().right > wide && !scrolls(e.parentElement))
        .slice(0, 10).map(e => e.outerHTML.slice(0, 120));
})()"""

CUT = """Array.from(document.querySelectorAll('.scroll')).filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
    .map(e => Array.from(e.querySelectorAll('th')).map(h => h.textContent))"""

CLICK = """(selector => {
    const header = document.querySelector(selector);
    header.click();
    return Array.from(header.closest('table').tBodies[0].rows).map(r => r.cells[header.cellIndex].textContent);
})"""


class Browser:
    """Chromium reads commands from descriptor 3 and writes to 4: JSON texts, each with a zero byte behind it."""

    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.source, from_write = os.pipe()
        os.set_inheritable(to_read, True)
        os.set_inheritable(from_write, True)
        shell = f'exec 3<&{to_read} 4>&{from_write}; exec "$0" "$@"'
        self.process = subprocess.Popen(["/bin/bash", "-c", shell, program, *FLAGS, f"--user-data-dir={profile}"],
                                        pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.rest, self.events, self.count, self.session = b"", [], 0, None

    def message(self):
        while b"\0" not in self.rest:
            data = os.read(self.source, 1 << 16)
            if not data:
                sys.exit("browse.py: chromium ended")
            self.rest += data
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.count += 1
        command = {"id": self.count, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while (answer := self.message()).get("id") != self.count:
            self.events.append(answer)
        if "error" in answer:
            sys.exit(f"browse.py: {method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, method):
        while not any(event["method"] == method for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")


def complaints(events):
    for event in events:
        params = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            yield details.get("exception", {}).get("description", details["text"])
        elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            yield params["entry"]["text"]
        elif event["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
            yield str(params["args"])


def requests(events, url):
    for event in events:
        if event["method"] == "Network.requestWillBeSent":
            asked = event["params"]["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                yield asked


def save(path, data):
    pathlib.Path(path).write_bytes(base64.b64decode(data))


def look(browser, options):
    url = pathlib.Path(options.page).resolve().as_uri()
    browser.attach()
    browser.call("Emulation.setDeviceMetricsOverride", width=options.width, height=844, deviceScaleFactor=1,
                 mobile=options.width < 600)
    if options.dark:
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.call("Page.navigate", url=url)
    browser.wait("Page.loadEventFired")
    found = {"width": browser.evaluate("window.innerWidth"), "overflow": browser.evaluate(OVERFLOW),
             "cut": browser.evaluate(CUT)}
    if options.click:
        found["sorted"] = browser.evaluate(f"{CLICK}({json.dumps(options.click)})")
    if options.png:
        save(options.png, browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                                       clip=full_page(browser, options.width))["data"])
    if options.pdf:
        save(options.pdf, browser.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"])
    found["requests"] = list(requests(browser.events, url))
    found["errors"] = list(complaints(browser.events))
    return found


def full_page(browser, width):
    height = browser.evaluate("document.documentElement.scrollHeight")
    return {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--png")
    parser.add_argument("--pdf")
    parser.add_argument("--click", metavar="SELECTOR")
    options = parser.parse_args()
    program = shutil.which("chromium") or sys.exit("browse.py: there is no chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            json.dump(look(browser, options), sys.stdout, indent=1)
            print()
        finally:
            browser.process.terminate()
            browser.process.wait()


if __name__ == "__main__":
    main()
