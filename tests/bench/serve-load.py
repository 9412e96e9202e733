"""Load on a server: argv is its host:port and what to do."""
import http.client
import json
import socket
import sys
import threading
import time

host, port = sys.argv[1].rsplit(":", 1)
port = int(port)
N = int(sys.argv[3]) if len(sys.argv) > 3 else 64


def once(connection, n):
    body = {"temperature": 0, "max_tokens": 32,
            "messages": [{"role": "user", "content": f"Say in one sentence what the number {n} is good for."}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, (answer.status, text[:200])
    return json.loads(text)["usage"]


def clients(count, total):
    """Requests a second, and tokens of answers a second, of `count` clients that ask one after the other."""
    lock, left, tokens = threading.Lock(), list(range(total)), []

    def client():
        connection = http.client.HTTPConnection(host, port, timeout=600)
        while True:
            with lock:
                if not left:
                    return
                n = left.pop()
            tokens.append(once(connection, n)["completion_tokens"])

    started = time.time()
    threads = [threading.Thread(target=client) for _ in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    took = time.time() - started
    assert len(tokens) == total
    return total / took, sum(tokens) / took


def health(stop, found):
    connection = http.client.HTTPConnection(host, port, timeout=60)
    while not stop.is_set():
        started = time.time()
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        found.append(time.time() - started)
        time.sleep(0.01)


def watched(work):
    """What `work` gives, and the times of /health meanwhile, in ms: median, p99, most."""
    stop, found = threading.Event(), []
    thread = threading.Thread(target=health, args=(stop, found))
    thread.start()
    try:
        result = work()
    finally:
        stop.set()
        thread.join()
    found.sort()
    at = lambda share: 1000 * found[min(len(found) - 1, int(share * len(found)))]
    return result, f"{at(0.5):.1f} ms | {at(0.99):.1f} ms | {at(1):.1f} ms | {len(found)}"


def half_open(count):
    """Connections that say nothing, begin a head, begin a body, or take no answer."""
    beginnings = [b"", b"POST /v1/chat", b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
                  b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n" * 20]
    sockets = []
    for n in range(count):
        one = socket.create_connection((host, port), timeout=60)
        one.sendall(beginnings[n % 4 if count < 1000 else 0])
        sockets.append(one)
    return sockets


what = sys.argv[2]
if what == "rate":
    clients(8, 8)
    rate, tokens = max(clients(8, N) for _ in range(3))
    print(f"{rate:.2f} | {tokens:.0f}")
elif what == "health":
    _, times = watched(lambda: clients(8, N))
    print(f"8 clients | {times}")
    for count, name in [(1000, "1,000 idle connections and 8 clients"), (200, "200 half-open and slow ones and 8 clients")]:
        held = half_open(count)
        (rate, _), times = watched(lambda: clients(8, N))
        print(f"{name} ({rate:.2f} requests/s) | {times}")
        for one in held:
            one.close()
