#!/usr/bin/env python3
"""Pictures that repeat others, for dedupe-pictures.sh.

make OUT COUNT [PICTURES]   COUNT files in OUT, six of each scene; OUT.truth has the scenes
score TRUTH RESULT          of pairs: precision and recall, recall by what was done
groups RESULT               czkawka_cli's JSON from stdin as dedupe writes groups

Scenes: parts of the pictures in the folder PICTURES that do not overlap and have some detail, and
whole small ones; the rest is drawn. Of each scene: itself, encoded anew, resized, turned, stored on
its side with an EXIF orientation that turns it back, and in another format.

Needs Pillow.
"""

import json
import math
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps, ImageStat

KINDS = ["itself", "encoded", "resized", "turned", "on its side", "other format"]


def normal(picture):
    """Brightness at 16 × 16 pixels, with mean 0 and length 1."""
    values = list(picture.convert("L").resize((16, 16)).tobytes())
    mean = sum(values) / len(values)
    length = math.sqrt(sum((v - mean) ** 2 for v in values)) or 1
    return [(v - mean) / length for v in values]


def parts(folder):
    seen = []
    for path in sorted(Path(folder).rglob("*")):
        try:
            with Image.open(path) as opened:
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except Exception:
            continue
        width, height = picture.size
        if min(width, height) < 64:
            continue
        columns, rows = max(1, width // 180), max(1, height // 180)
        for at in range(columns * rows):
            x, y = at % columns * width // columns, at // columns * height // rows
            part = picture.crop((x, y, x + width // columns, y + height // rows))
            if ImageStat.Stat(part.convert("L").filter(ImageFilter.GaussianBlur(4))).stddev[0] <= 18:
                continue
            # Test suites have the same picture many times: of those that agree, one is taken.
            turns = [normal(part.rotate(angle, expand=True)) for angle in (0, 90, 180, 270)]
            agree = lambda one: any(sum(a * b for a, b in zip(one, turn)) > 0.95 for turn in turns)
            if not any(agree(one) for one in seen):
                seen.append(turns[0])
                yield part


def drawn(rng):
    width, height = rng.choice([(640, 480), (800, 600), (480, 640), (720, 720)])
    colour = lambda: tuple(rng.randrange(256) for _ in range(3))
    picture = Image.linear_gradient("L").rotate(rng.randrange(4) * 90).resize((width, height))
    picture = ImageOps.colorize(picture, colour(), colour())
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randint(6, 25)):
        x, y = rng.randrange(width), rng.randrange(height)
        w, h = rng.randint(20, width // 3), rng.randint(20, height // 3)
        kind = rng.randrange(4)
        if kind == 0:
            draw.ellipse((x, y, x + w, y + h), fill=colour())
        elif kind == 1:
            draw.rectangle((x, y, x + w, y + h), fill=colour())
        elif kind == 2:
            draw.polygon([(x + rng.randint(-w, w), y + rng.randint(-h, h)) for _ in range(3)], fill=colour())
        else:
            draw.line((x, y, x + rng.randint(-w, w), y + rng.randint(-h, h)), fill=colour(), width=rng.randint(2, 14))
    noise = Image.effect_noise((width, height), rng.uniform(5, 25)).convert("RGB")
    return Image.blend(picture, noise, 0.08).filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))


def repeat(picture, kind, path, rng):
    if kind == "itself":
        picture.save(path.with_suffix(".png"), compress_level=1)
        return path.with_suffix(".png")
    if kind == "other format":
        picture.save(path.with_suffix(".webp"), quality=rng.randint(60, 90))
        return path.with_suffix(".webp")
    path, options = path.with_suffix(".jpg"), {"quality": rng.randint(50, 92)}
    if kind == "encoded":
        options["quality"] = rng.randint(30, 85)
    elif kind == "resized":
        scale = rng.choice([0.4, 0.5, 0.75, 1.5])
        picture = picture.resize([math.ceil(side * scale) for side in picture.size], Image.LANCZOS)
    elif kind == "turned":
        picture = picture.rotate(rng.choice([90, 180, 270]), expand=True)
    else:
        exif = Image.Exif()
        exif[0x0112] = 6
        picture, options["exif"] = picture.rotate(90, expand=True), exif
    picture.save(path, **options)
    return path


def make(out, count, pictures):
    rng = random.Random(11)
    out = Path(out)
    out.mkdir(parents=True)
    scenes = list(parts(pictures)) if pictures else []
    real, wanted = len(scenes), count // len(KINDS)
    rng.shuffle(scenes)
    with open(f"{out}.truth", "w") as truth:
        for number in range(wanted):
            scene = scenes[number] if number < len(scenes) else drawn(rng)
            files = {}
            for at, kind in enumerate(KINDS):
                # Names in no order: nobody shall find by them what belongs together.
                path = out / f"{rng.randrange(1 << 40):010x}-{number}{at}"
                files[kind] = str(repeat(scene, kind, path, rng))
            truth.write(json.dumps(files) + "\n")
    print(f"{wanted} scenes, {min(real, wanted)} of them from pictures, {wanted * len(KINDS)} files")


def pairs(groups):
    return {frozenset((a, b)) for group in groups for a in group for b in group if a < b}


def score(truth, result):
    scenes = [json.loads(line) for line in open(truth)]
    wanted = pairs(list(scene.values()) for scene in scenes)
    groups = {}
    for line in open(result):
        record = json.loads(line)
        if record.get("dup", {}).get("group") is not None:
            groups.setdefault(record["dup"]["group"], []).append(record["path"])
    found = pairs(groups.values())
    hits = len(wanted & found)
    by_kind = []
    for kind in KINDS[1:]:
        with_it = pairs([scene["itself"], scene[kind]] for scene in scenes)
        by_kind.append(f"{kind} {len(with_it & found) / len(with_it):.4f}")
    precision = hits / max(1, len(found))
    print(f"precision {precision:.4f}, recall {hits / len(wanted):.4f} of {len(wanted)} pairs ({', '.join(by_kind)})")


def groups():
    found = json.load(sys.stdin)
    found = found if isinstance(found, list) else list(found.values())
    for number, group in enumerate(found):
        for entry in group:
            print(json.dumps({"path": entry["path"], "dup": {"group": number}}))


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
elif sys.argv[1] == "score":
    score(*sys.argv[2:4])
else:
    groups()
