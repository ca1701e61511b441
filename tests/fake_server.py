"""A server of OpenAI's protocol that follows a script, keeps a log, and fails as it is told to."""

import hashlib
import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("429", "500", "503", "slow", "truncated", "short", "closed", "none", "many", "null", "html")


def luck(*key):
    """A whole number that depends on the key."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=6).digest())


def write(context, temperature, seed):
    """Lines of the arithmetic task, one or more, each by chance given all before it: steps add up to whole texts."""
    text = "" if context[-1:] in "\n]" else "\n"  # a line is ended before another is begun; a chat ends in "]"
    for _ in range(8):
        chance = luck(context + text, seed if temperature else None)
        if (context + text).count("\n") > 1 and chance % 3 == 0:
            break
        text += f"+{10 + chance % 90}={chance % 7:03d}\n"
    return text


class Fake(ThreadingHTTPServer):
    """faults: share of requests that get each of FAULTS; ignores: of "n", "logprobs", "seed", "stop", "usage", "chat",
    "completions"; refuses: fields it answers 400 to; tells: how it says that it stopped at a stop string, one of
    "stop_reason", "matched_stop", "keeps" (the string is in the text) and None; dies_after: so many requests it is
    killed, unless 0; says: a function of a request that gives what it says to it, None for the usual: a string that it
    writes, a dictionary of fields of the choice, of which "message" of the message, a whole reply, or a status and a
    message of refusal; root: it answers at any path, not at /v1 alone; redirects_to: an address that it sends everybody
    to. `keys`: the keys that it was sent.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        faults=(),
        ignores=(),
        refuses=(),
        tells="stop_reason",
        models=("scripted",),
        temperature=True,
        port=0,
        dies_after=0,
        says=None,
        root=False,
        redirects_to=None,
    ):
        super().__init__(("127.0.0.1", port), Handler)
        self.dies_after, self.says, self.root, self.redirects_to = dies_after, says, root, redirects_to
        self.keys = []
        self.faults, self.ignores, self.refuses, self.tells = dict(faults), {*ignores}, {*refuses}, tells
        self.models, self.heeds_temperature = models, temperature
        self.rng, self.lock, self.over = random.Random(0), threading.Lock(), threading.Event()
        self.failed, self.requests = Counter(), []
        self.in_flight = self.most_in_flight = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the play

    def draw_fault(self):
        with self.lock:
            chance = self.rng.random()
            for fault, share in self.faults.items():
                if chance < share:
                    self.failed[fault] += 1
                    return fault
                chance -= share
        return None


@contextmanager
def serving(**options):
    server = Fake(**options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def is_elsewhere(self):
        """Whether it is not at this path, and has said so."""
        self.server.keys.append(self.headers["authorization"])
        if self.server.redirects_to:
            place = self.server.redirects_to + self.path.removeprefix("/v1")
            self.send("", 307, {"location": place})
        elif not self.server.root and self.path not in ("/v1/models", "/v1/completions", "/v1/chat/completions"):
            self.send("<html>no such page</html>", 404, kind="text/html")
        else:
            return False
        return True

    def do_GET(self):
        if self.is_elsewhere():
            return
        self.send({"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]})

    def do_POST(self):
        server, body = self.server, json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.is_elsewhere():
            return
        with server.lock:
            server.requests.append(body)
            if len(server.requests) == server.dies_after:
                os.kill(os.getpid(), signal.SIGKILL)
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            self.answer(body, server.draw_fault())
        finally:
            with server.lock:
                server.in_flight -= 1

    def answer(self, body, fault):
        server, chat = self.server, self.path.endswith("/chat/completions")
        said = server.says(body) if server.says else None
        if isinstance(said, tuple):
            status, message = said
            return self.send({"error": {"message": message}}, status)
        if isinstance(said, dict) and "choices" in said:
            return self.send(said)
        if refused := server.refuses & {*body}:
            if "max_tokens" in refused:
                message = (
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use another one instead."
                )
                return self.send({"error": {"message": message, "code": "unsupported_parameter"}}, 400)
            return self.send({"error": {"message": f"unexpected fields: {sorted(refused)}"}}, 400)
        if ("chat" if chat else "completions") in server.ignores:
            return self.send({"error": {"message": "no such place"}}, 404)
        if fault in ("429", "500", "503"):
            return self.send({"error": {"message": "try again"}}, int(fault), {"retry-after": "1"})
        if fault == "html":
            return self.send("<html>gateway</html>", kind="text/html")
        if fault == "closed":
            self.close_connection = True
            return None
        if fault == "slow":
            self.close_connection = server.over.wait(5)
            return None
        reply = json.dumps(self.reply(body, chat, fault, said))
        if fault == "truncated":
            return self.send(reply[: len(reply) // 2])
        if fault == "short":
            self.close_connection = True
            return self.send(reply[: len(reply) // 2], length=len(reply))
        return self.send(reply)

    def reply(self, body, chat, fault, said):
        ignores = self.server.ignores
        context = json.dumps(body["messages"]) if chat else body["prompt"]
        count = 1 if "n" in ignores else body.get("n", 1)
        count = {"none": 0, "many": 3}.get(fault, count)
        temperature = body.get("temperature", 1) if self.server.heeds_temperature else 0
        choices, written = [], 0
        for i in range(count):
            seed = self.server.rng.random() if "seed" in ignores else (body.get("seed"), i)
            whole = said if isinstance(said, str) else write(context, temperature, seed)
            text, ended, told = self.cut(whole, body)
            tokens = len(text) + (ended == "stop")
            written += tokens
            content = None if fault == "null" else text
            choice = {"index": i, "finish_reason": ended, **told}
            choice |= {"message": {"role": "assistant", "content": content}} if chat else {"text": content}
            if isinstance(said, dict):
                message = choice.get("message", {}) | said.get("message", {})
                choice |= said | ({"message": message} if chat else {})
            if body.get("logprobs") and "logprobs" not in ignores:
                each = [-0.5] * tokens
                names = [*text, ""][:tokens]
                choice.setdefault(
                    "logprobs",
                    {"content": [{"token": name, "logprob": v} for name, v in zip(names, each, strict=True)]}
                    if chat
                    else {"token_logprobs": each, "tokens": names, "text_offset": [], "top_logprobs": []},
                )
            choices.append(choice)
        usage = {"prompt_tokens": len(context), "completion_tokens": written, "total_tokens": len(context) + written}
        return {"id": "1", "object": "chat.completion" if chat else "text_completion", "created": 1, "model": "m",
                "choices": choices, **({} if "usage" in ignores else {"usage": usage})}  # fmt: skip

    def cut(self, text, body):
        """The text up to what ends it, the reason, and how it is told."""
        tells, stop = self.server.tells, None if "stop" in self.server.ignores else (body.get("stop") or [None])[0]
        limit, ended, said = body.get("max_tokens", body.get("max_completion_tokens", 999)), "stop", None
        if stop and stop in text:
            text, said = text[: text.index(stop)], stop
        if len(text) >= limit:
            return text[:limit], "length", {}
        if said and tells == "keeps":
            text += stop
        return text, ended, {tells: said} if tells in ("stop_reason", "matched_stop") else {}

    def send(self, body, status=200, headers=(), length=None, kind="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length or len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":  # in a process of its own, which can be killed
    server = Fake(port=int(sys.argv[1]), dies_after=int(sys.argv[2]))
    print(server.server_port, flush=True)
    server.serve_forever()
