"""A headless Chromium that is asked over a pipe (the Chrome DevTools Protocol), so that no package is needed."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60  # seconds until a browser that says nothing is given up


def found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """A page in the browser: `evaluate` a script in it, `press` keys, and what it has complained of."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self.browser, self.session = browser, session
        self.complaints = browser.complaints

    def ask(self, method: str, **params: Any) -> dict:
        return self.browser.ask(method, self.session, **params)

    def evaluate(self, script: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def press(self, key: str, text: str = "") -> None:
        code = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Enter": 13, " ": 32, "Tab": 9}.get(key, 0)
        said = {"text": text} if text else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **said)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)


class Browser:
    """The two ends of the pipe. Messages are JSON with a zero byte after each; an answer carries its question's id."""

    def __init__(self, write: int, read: int) -> None:
        self.write, self.read, self.last, self.rest = write, read, 0, b""
        self.complaints: list[str] = []

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict:
        self.last += 1
        message = {"id": self.last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.last:
            self._hear(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def until(self, event: str) -> None:
        while (message := self._next()).get("method") != event:
            self._hear(message)

    def _next(self) -> dict:
        while b"\0" not in self.rest:
            more = os.read(self.read, 1 << 20)
            assert more, "the browser ended"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _hear(self, message: dict) -> None:
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        if message.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str(params["args"]))
        if message.get("method") == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("file:", "data:")):
                self.complaints.append(f"asked for {address}")


@contextmanager
def opened(page: Path, profile: Path, *, script: bool = True) -> Iterator[Tab]:
    """The page in a browser of its own, which ends with the context. profile: an empty folder."""
    program = found()
    assert program is not None
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()

    def ends() -> None:
        """The browser reads descriptor 3 and writes 4; neither end may be lost when the other is put in its place."""
        source, sink = os.dup2(theirs_in, 93), os.dup2(theirs_out, 94)
        os.dup2(source, 3)
        os.dup2(sink, 4)

    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = subprocess.Popen(
        ["timeout", str(PATIENCE * 3), program, *options, f"--user-data-dir={profile}", "--remote-debugging-pipe"],
        close_fds=False,
        preexec_fn=ends,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        browser = Browser(ours_out, ours_in)
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(browser, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.ask(f"{domain}.enable")
        tab.ask("Emulation.setScriptExecutionDisabled", value=not script)
        tab.resize(1280, 900)
        tab.ask("Page.navigate", url=page.as_uri())
        browser.until("Page.loadEventFired")
        yield tab
    finally:
        process.terminate()
        process.wait()
        os.close(ours_in)
        os.close(ours_out)
