"""A headless Chromium, spoken to through a pipe (its DevTools protocol): what a page prints, fetches and shows."""
import base64
import json
import os
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """with Browser(folder) as browser: ..., folder being where it may keep its own files."""

    def __init__(self, folder):
        self.folder = folder
        self.asked = 0
        self.left = b""
        self.events = []

    def __enter__(self):
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def descriptors():
            """The protocol's are 3 and 4."""
            high = os.dup(from_browser), os.dup(to_browser)
            os.dup2(high[1], 3)
            os.dup2(high[0], 4)

        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--window-size=1300,1000", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)

    def _next(self):
        while b"\0" not in self.left:
            came = os.read(self.into, 1 << 20)
            if not came:
                raise EOFError("the browser ended")
            self.left += came
        message, self.left = self.left.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        """One command; its result. What comes meanwhile is kept in `events`."""
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self.asked:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def go(self, url, dark=False):
        """Begins to open an address."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(domain + ".enable", self.session)
        self.ask("Emulation.setEmulatedMedia", self.session,
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", self.session, url=url)

    def wait(self, condition):
        """Until an expression is true."""
        for _ in range(600):
            if self.value(condition):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{condition} was never true: {self.complaints()}")

    def open(self, path, dark=False):
        """Opens a file, and waits until its script has run."""
        self.go("file://" + path, dark)
        self.wait("document.body && document.body.dataset.ready === '1'")

    def value(self, expression):
        answer = self.ask("Runtime.evaluate", self.session, expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            text = {"text": name} if kind == "keyDown" and len(name) == 1 else {}
            self.ask("Input.dispatchKeyEvent", self.session, type=kind, key=name, code=name, **text)

    def picture(self, path):
        size = self.ask("Page.getLayoutMetrics", self.session)["cssContentSize"]
        shot = self.ask("Page.captureScreenshot", self.session, captureBeyondViewport=True,
                        clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def complaints(self):
        """Errors of scripts and of the console."""
        return [e for e in self.events if e["method"] == "Runtime.exceptionThrown"
                or (e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] == "error")
                or (e["method"] == "Runtime.consoleAPICalled" and e["params"]["type"] in ("error", "warning"))]

    def fetched(self):
        """Addresses that were asked for, but the page itself and what lies in it."""
        asked = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [a["request"]["url"] for a in asked
                if a.get("type") != "Document" and not a["request"]["url"].startswith("data:")]
