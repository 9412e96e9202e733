"""Kills sortphotos at random moments, and looks whether anything is lost."""

import hashlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time

PICTURES = 300
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")


def state(folder):
    """Names with content, permissions and time of change of all files."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            stat = os.stat(path)
            with open(path, "rb") as file:
                content = hashlib.sha256(file.read()).hexdigest()
            found[os.path.relpath(path, folder)] = (content, stat.st_mode, stat.st_mtime_ns)
    return found


def contents(*folders):
    """Hashes of all whole files."""
    files = (item for folder in folders for item in state(folder).items())
    return {value[0] for name, value in files if ".headwater-" not in name}


def pictures(folder):
    random.seed(9)
    for n in range(PICTURES):
        inside = os.path.join(folder, f"{n % 9}")
        os.makedirs(inside, exist_ok=True)
        stem = f"IMG_{2010 + n % 14}{1 + n % 12:02}{1 + n % 28:02}_{n % 24:02}{n % 60:02}{n % 59:02}"
        with open(os.path.join(inside, f"{stem}_{n}.jpg"), "wb") as file:
            file.write(JPEG + random.randbytes(random.randrange(1000, 400_000)) + b"\xff\xd9")
        if n % 5 == 0:
            with open(os.path.join(inside, f"{stem}_{n}.AAE"), "w") as file:
                file.write(f"edits of {n}")


def main():
    program, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    work = tempfile.mkdtemp()
    others = [tempfile.mkdtemp(dir=work), tempfile.mkdtemp(dir="/dev/shm")]
    try:
        run(program, rounds, work, others)
    finally:
        for folder in [work, *others]:
            shutil.rmtree(folder, ignore_errors=True)


def run(program, rounds, work, others):
    source = os.path.join(work, "in")
    pictures(source)
    before, whole = state(source), contents(source)
    environment = {"HOME": work, "PATH": os.environ["PATH"]}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}

    def sort(target, journal):
        to = target + "/{year}/{month:02}/{taken}"
        return [program, source, "--look", "never", "--to", to, "--apply", "move", "--journal", journal]

    took, sorted_state = [], []
    for n, target in enumerate(others):
        journal = os.path.join(work, f"whole-{n}.jsonl")
        since = time.monotonic()
        subprocess.run(sort(target, journal), check=True, **quiet)
        took.append(time.monotonic() - since)
        sorted_state.append(state(target))
        assert contents(target) == whole and not contents(source)
        subprocess.run([program, "--undo", journal], check=True, **quiet)
        assert state(source) == before and not state(target)

    during = resumed = 0
    random.seed()
    for round in range(rounds):
        which = round % 2
        target, journal = others[which], os.path.join(work, f"{round}.jsonl")
        child = subprocess.Popen(sort(target, journal), **quiet)
        # Most of the time goes into reading: three of four kills wait until it has begun to move.
        if random.random() < 0.75:
            while child.poll() is None and not (os.path.exists(journal) and os.path.getsize(journal) > 20):
                time.sleep(0.0002)
            time.sleep(random.random() ** 2 * took[which])
        else:
            time.sleep(random.random() * took[which])
        child.kill()
        child.wait()
        found = contents(source, target)
        assert found >= whole, f"round {round}: {len(whole - found)} pictures lost"
        assert found <= whole, f"round {round}: {len(found - whole)} pictures half-written"
        moved = len(state(target))
        during += 0 < moved < len(before)
        if os.path.exists(journal) and os.path.getsize(journal) > 20:
            if moved and random.random() < 0.5:
                resumed += 1
                subprocess.run([program, "--resume", journal], check=True, **quiet)
                assert state(target) == sorted_state[which], f"round {round}: not completed"
                assert not state(source), f"round {round}: something stayed"
            subprocess.run([program, "--undo", journal], check=True, **quiet)
        assert state(source) == before, f"round {round}: not restored"
        assert not state(target) and not os.listdir(target), f"round {round}: something is left"
    model = next((l.split(": ")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "")
    print("# sortphotos killed while it moves\n")
    print(f"{time.strftime('%F')}, {model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}.\n")
    print(f"{rounds} kills at random moments of moving {len(before)} files, half of them to another device;")
    print(f"{during} while files were under way. Nothing lost, nothing half-written; {resumed} runs resumed to")
    print("their end; after each --undo the tree was bit for bit as before.")


main()
