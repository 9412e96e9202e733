"""Asks an OpenAI-compatible server by eight clients at once. Needs nothing but Python."""
import json
import queue
import threading
import time
import urllib.request

CLIENTS = 8


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def wait(server):
    """Until it has loaded its model, a minute at most."""
    for _ in range(600):
        try:
            urllib.request.urlopen(server + "/health", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{server} is not there")


def chat(server, bodies):
    """The answers of /v1/chat/completions to `bodies`, in order, and the seconds they took."""
    work, found = queue.Queue(), [None] * len(bodies)
    for item in enumerate(bodies):
        work.put(item)

    def client():
        while True:
            try:
                n, body = work.get_nowait()
            except queue.Empty:
                return
            found[n] = post(server + "/v1/chat/completions", body)

    started = time.time()
    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return found, time.time() - started
