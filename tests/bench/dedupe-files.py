"""Makes a tree of files for dedupe-files.sh: FOLDER SMALL LARGE. Three in ten repeat another."""

import os
import random
import sys

root, small, large = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(7)


def fill(name, count, sizes, different):
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


fill("small", small, [500, 1000, 2000, 4096, 8000, 12000], 5000)
fill("large", large, [200_000, 500_000, 1_000_000], 40)
