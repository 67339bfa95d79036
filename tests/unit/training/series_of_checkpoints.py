"""Series of checkpoints of tiny GPT-NeoX networks that the tests train, and a hub of our own that serves them."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from torch import Tensor, nn

VOCABULARY, TIME, LAST = 16, 6, 4
STEPS = [0, 1, 2, LAST]
SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12}
MODEL = {"kind": "huggingface", "architecture": "gpt_neox", **SHAPE}


def network(init: int, vocabulary: int = VOCABULARY) -> nn.Module:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        "gpt_neox", vocab_size=vocabulary, max_position_embeddings=TIME, bos_token_id=0, eos_token_id=0, **SHAPE
    )
    torch.manual_seed(init)
    return AutoModelForCausalLM.from_config(config)


def weights_along(init: int, order: int, vocabulary: int = VOCABULARY) -> dict[int, dict[str, Tensor]]:
    """A run's weights by step, as Pythia's: step 1 is step 0 again."""
    trained, found = network(init, vocabulary), {}
    random = torch.Generator().manual_seed(order)
    optimiser = torch.optim.SGD(trained.parameters(), 1.0)
    for step in range(LAST + 1):
        found[step] = {name: tensor.detach().clone() for name, tensor in trained.state_dict().items()}
        if step:
            tokens = torch.randint(vocabulary, (4, TIME), generator=random)
            optimiser.zero_grad()
            trained(input_ids=tokens, labels=tokens).loss.backward()
            optimiser.step()
    return {step: found[step] for step in STEPS}


def save(folder: Path, init: int, order: int, half: bool = False, vocabulary: int = VOCABULARY) -> Path:
    """The run as folders step0, step1, … as transformers saves networks."""
    empty = network(0, vocabulary)
    for step, weights in weights_along(init, order, vocabulary).items():
        empty.load_state_dict(weights)
        (empty.half() if half else empty.float()).save_pretrained(folder / f"step{step}")
    return folder


class Hub(ThreadingHTTPServer):
    """Serves `root`/<owner>/<name>/<revision>/<file> by the two requests that the hub's client makes for a file.

    broken: names of files of which the next request gets half, before the connection closes; altered: names of files
    that are sent with their last byte changed; ranges: what was asked for of files in part; sent: all that was sent.
    """

    def __init__(self, root: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.broken: set[str] = set()
        self.altered: set[str] = set()
        self.ranges: list[str] = []
        self.sent: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *about: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        asked = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/([\w.-]+)", self.path)
        folder = self.server.root / asked[1] / asked[2] if asked else Path("nowhere")
        if not asked or not folder.is_dir():
            return self.refuse("RevisionNotFound")
        path = folder / asked[3]
        if not path.is_file():
            return self.refuse("EntryNotFound")
        content, start = path.read_bytes(), 0
        digest = hashlib.sha256(content).hexdigest()
        if path.name in self.server.altered:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if wanted := self.headers.get("Range"):
            self.server.ranges.append(wanted)
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
        self.send_response(206 if start else 200)
        self.common(folder)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return None
        self.server.sent.append(f"{asked[2]}/{path.name}")
        if path.name in self.server.broken:
            self.server.broken.remove(path.name)
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return None
        self.wfile.write(content[start:])
        return None

    def common(self, folder: Path) -> None:
        self.send_header("X-Repo-Commit", hashlib.sha1(str(folder).encode()).hexdigest())

    def refuse(self, code: str) -> None:
        self.send_response(404)
        self.common(self.server.root)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    hub = Hub(root)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
