"""For dedupe-files.sh. make FOLDER SMALL LARGE: a tree of files, three in ten of which repeat
another. groups PROGRAM: what a program wrote, from stdin, as one sorted list of paths a line."""

import json
import os
import random
import sys


def fill(root, name, count, sizes, different):
    pool = []
    for i in range(count):
        folder = f"{root}/{name}{i % 100:02d}/{i // 100 % 20:02d}"
        os.makedirs(folder, exist_ok=True)
        if pool and random.random() < 0.3:
            data = random.choice(pool)
        else:
            data = random.randbytes(random.choice(sizes))
            if len(pool) < different:
                pool.append(data)
        with open(f"{folder}/f{i:06d}", "wb") as file:
            file.write(data)


def groups(program):
    if program == "fclones":
        return [group["files"] for group in json.load(sys.stdin)["groups"]]
    if program == "jdupes":
        return [group.splitlines() for group in sys.stdin.read().strip().split("\n\n")]
    found = {}
    for line in sys.stdin:
        record = json.loads(line)
        if "group" in record["dup"]:
            found.setdefault(record["dup"]["group"], []).append(record["path"])
    return found.values()


if sys.argv[1] == "make":
    random.seed(7)
    root, small, large = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    fill(root, "small", small, [500, 1000, 2000, 4096, 8000, 12000], 5000)
    fill(root, "large", large, [200_000, 500_000, 1_000_000], 40)
else:
    for paths in groups(sys.argv[2]):
        print(json.dumps(sorted(paths)))
