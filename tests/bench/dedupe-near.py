"""For dedupe-near.sh.

make N:          texts as JSON lines, with planted near-duplicates ("family" says which)
rensa FILE:      reads them, groups them with rensa's MinHash LSH, verified; writes id and group
score FILE OUT:  precision, recall and F1 of the pairs in OUT
"""

import json
import random
import sys
from collections import Counter, defaultdict


def make(count):
    random.seed(11)
    # Word frequencies as in a language: Zipf over 20,000 words.
    words = ["".join(random.choices("abcdefghijklmnoprstuvwz", k=random.randint(2, 9))) for _ in range(20000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]
    number = 0
    while number < count:
        text = random.choices(words, weights, k=random.randint(40, 400))
        copies = random.choice([0, 0, 0, 1, 2, 4])
        family = number
        print(json.dumps({"id": str(number), "family": family, "text": " ".join(text)}))
        number += 1
        for _ in range(copies):
            copy = list(text)
            for _ in range(max(1, len(copy) // random.choice([50, 100, 200]))):
                at = random.randrange(len(copy))
                edit = random.random()
                if edit < 0.4:
                    copy[at] = random.choice(words)
                elif edit < 0.7:
                    copy.insert(at, random.choice(words))
                else:
                    del copy[at]
            print(json.dumps({"id": str(number), "family": family, "text": " ".join(copy)}))
            number += 1


def with_rensa(path, threshold=0.8):
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=16)
    sets, groups = {}, {}
    for line in open(path):
        record = json.loads(line)
        number = int(record["id"])
        tokens = record["text"].lower().split()
        shingles = {" ".join(tokens[i : i + 3]) for i in range(max(1, len(tokens) - 2))}
        minhash = RMinHash(num_perm=128, seed=42)
        minhash.update(list(shingles))
        best, similarity = None, 0.0
        for other in lsh.query(minhash):
            theirs = sets[other]
            jaccard = len(shingles & theirs) / len(shingles | theirs)
            if jaccard > similarity:
                best, similarity = other, jaccard
        groups[number] = groups[best] if similarity >= threshold else number
        lsh.insert(number, minhash)
        sets[number] = shingles
        print(json.dumps({"id": record["id"], "dup": {"group": str(groups[number])}}))


def pairs(sizes):
    return sum(n * (n - 1) // 2 for n in sizes)


def jaccard_truth(path, threshold):
    """Families cut at the true similarity: a copy too far from all others is none."""
    families = defaultdict(list)
    for line in open(path):
        record = json.loads(line)
        tokens = record["text"].split()
        shingles = {" ".join(tokens[i : i + 3]) for i in range(max(1, len(tokens) - 2))}
        families[record["family"]].append((record["id"], shingles))
    truth = {}
    for members in families.values():
        for at, (name, shingles) in enumerate(members):
            best, similarity = name, threshold
            for other, theirs in members[:at]:
                jaccard = len(shingles & theirs) / len(shingles | theirs)
                if jaccard >= similarity:
                    best, similarity = truth[other], jaccard
            truth[name] = best
    return truth


def score(path, out):
    truth = jaccard_truth(path, 0.8)
    found = {r["id"]: r["dup"]["group"] for r in map(json.loads, open(out))}
    both = pairs(Counter((truth[i], found[i]) for i in truth).values())
    true, said = pairs(Counter(truth.values()).values()), pairs(Counter(found.values()).values())
    precision, recall = both / max(said, 1), both / max(true, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    print(f"precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f} over {true} pairs")


mode, arguments = sys.argv[1], sys.argv[2:]
if mode == "make":
    make(int(arguments[0]))
elif mode == "rensa":
    with_rensa(*arguments)
else:
    score(*arguments)
