"""Runs fanout over a loopback sshd, and kills what it depends on. See fanout-faults.sh."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

fanout = os.path.abspath(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
faults = 100
records = 12_000
choose = random.Random(seed)
work = pathlib.Path(tempfile.mkdtemp())


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def start_sshd():
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(work / name))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    (work / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {work}/host\n"
        f"AuthorizedKeysFile {work}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nMaxStartups 200\nMaxSessions 200\n"
    )
    key = " ".join((work / "host.pub").read_text().split()[:2])
    (work / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}\n")
    (work / "config").write_text(
        f"Host *\n HostName 127.0.0.1\n Port {port}\n IdentityFile {work}/user\n"
        f" IdentitiesOnly yes\n UserKnownHostsFile {work}/known_hosts\n"
    )
    return subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", str(work / "sshd_config")], stderr=subprocess.DEVNULL
    )


def children(pid):
    """Ids of the processes that a process started, with their command lines."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid:
                line = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append((int(stat.parent.name), line))
        except (OSError, IndexError):
            pass
    return found


def below(pid):
    """Every process below another one."""
    found = []
    for child, line in children(pid):
        found.append((child, line))
        found.extend(below(child))
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


worker = work / "worker.py"
worker.write_text(
    "import sys, time\nfor line in sys.stdin:\n    time.sleep(0.004)\n"
    "    sys.stdout.write(line)\n    sys.stdout.flush()\n"
)
source = work / "in.jsonl"
source.write_text("".join(f'{{"id":"r{n}", "n" : {n}}}\n' for n in range(records)))


def start_fanout():
    command = [fanout, "-F", str(work / "config"), "-H", "attic,kitchen,cellar,:", "-j", "2"]
    command += ["--no-via", "--resume", str(work / "journal.db"), "--wait", "--", sys.executable]
    out = open(work / "out.jsonl", "wb")
    messages = open(work / "messages", "ab")
    return subprocess.Popen(
        command + [str(worker)], stdin=open(source, "rb"), stdout=out, stderr=messages
    )


sshd = start_sshd()
done = {"worker": 0, "connection": 0, "fanout": 0}
started = time.monotonic()
process = start_fanout()
count = 0
while count < faults:
    time.sleep(choose.uniform(0.05, 0.25))
    kind = choose.choices(["worker", "connection", "fanout"], [10, 8, 1])[0]
    if process.poll() is not None:
        # It was done before all faults were: once more from the start.
        assert process.returncode == 0, process.returncode
        (work / "journal.db").unlink()
        process = start_fanout()
        continue
    if kind == "fanout":
        kill(process.pid)
        process.wait()
        process = start_fanout()
    else:
        everything = below(sshd.pid) + below(process.pid)
        marks = {"worker": "worker.py", "connection": "sshd: "}
        victims = [pid for pid, line in everything if marks[kind] in line]
        if not victims or not kill(choose.choice(victims)):
            continue
    done[kind] += 1
    count += 1
status = process.wait()
seconds = time.monotonic() - started
sshd.kill()
got = (work / "out.jsonl").read_bytes().splitlines()
wanted = source.read_bytes().splitlines()
failed = sum(b'"error"' in line for line in got)
print("# fanout under faults\n")
print(f"{time.strftime('%F')}, {os.cpu_count()} cores, seed {seed}: {records} records of 4 ms,")
print("four hosts (three over a loopback sshd) with two slots each.\n")
print("| what | count |\n|---|---|")
for kind, number in done.items():
    print(f"| {kind} killed | {number} |")
print(f"| records lost | {len(set(wanted) - set(got)) - failed} |")
print(f"| records twice | {len(got) - len(set(got))} |")
print(f"| records with an error | {failed} |")
print(f"| exit status | {status} |")
print(f"| output is that of a local run | {'yes' if got == wanted else 'no'} |")
print(f"| seconds | {seconds:.0f} |")
sys.exit(0 if got == wanted and status == 0 else 1)
