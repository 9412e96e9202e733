#!/usr/bin/env python3
"""Bursts made from real pictures, and how they are found.

bursts.py make PICTURES OUT [SEED]   writes OUT/*.jpg, OUT/list (path, time, camera) and OUT/truth
bursts.py score TRUTH RESULT         pairs grouped (F1), and how often the sharpest was chosen
bursts.py speed PICTURES OUT COUNT   12-megapixel JPEGs

Needs Pillow, and pillow-heif for HEIC.

A burst: three to seven shots of one scene, 0.2 to 1.5 s apart, each shifted by up to 5 % of the
frame, scaled by up to 3 %, exposed 0.7 to 1.4 times; all but one are blurred, by 0.9 to 4 pixels
of 2000. A third of the scenes are single shots. The next scene of the same camera follows after
1.5 to 2.5 s (half of them) or 20 s; two cameras shoot at the same time.
"""

import json
import random
import sys
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

try:
    import pillow_heif

    pillow_heif.register_heif_opener()
except ImportError:
    pass


def pictures(folder, least):
    """JPEG and HEIF files (others are seldom photos) of that size; no two of the same content."""
    seen = set()
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".heic", ".heif"}:
            continue
        try:
            with Image.open(path) as opened:
                if min(opened.size) < least:
                    continue
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except Exception:
            continue
        small = picture.resize((8, 8)).tobytes()
        if small not in seen:
            seen.add(small)
            yield path, picture


def window(picture, rng):
    """A part of a picture that stands for a scene, at most 2000 pixels wide."""
    width, height = picture.size
    share = rng.uniform(0.6, 0.95)
    w, h = int(width * share), int(height * share)
    x, y = rng.randint(0, width - w), rng.randint(0, height - h)
    return x, y, w, h


def shot(picture, frame, rng, sharp):
    x, y, w, h = frame
    scale = rng.uniform(0.97, 1.03)
    ww, hh = int(w * scale), int(h * scale)
    x += int(rng.uniform(-0.05, 0.05) * w)
    y += int(rng.uniform(-0.05, 0.05) * h)
    x = max(0, min(x, picture.size[0] - ww))
    y = max(0, min(y, picture.size[1] - hh))
    to = min(2000, w)
    taken = picture.crop((x, y, x + ww, y + hh)).resize((to, int(to * h / w)), Image.LANCZOS)
    if not sharp:
        taken = taken.filter(ImageFilter.GaussianBlur(rng.uniform(0.9, 4.0) * to / 2000))
    gain = rng.uniform(0.7, 1.4)
    return taken.point(lambda v: min(255, int(v * gain)))


def make(folder, out, seed):
    rng = random.Random(seed)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    scenes = [(picture, window(picture, rng)) for _, picture in pictures(folder, 400) for _ in range(6)]
    rng.shuffle(scenes)
    lines, truth, number = [], [], 0
    clocks = {"one": 1_700_000_000.0, "two": 1_700_000_000.3}
    for picture, frame in scenes:
        camera = rng.choice(["one", "two"])
        clocks[camera] += rng.uniform(1.5, 2.5) if rng.random() < 0.5 else 20.0
        count = 1 if rng.random() < 0.33 else rng.randint(3, 7)
        best = rng.randrange(count)
        names = []
        for n in range(count):
            path = out / f"{number:05}.jpg"
            number += 1
            shot(picture, frame, rng, n == best).save(path, quality=rng.randint(85, 95))
            lines.append((clocks[camera], f"{path}\t{clocks[camera]:.3f}\t{camera}"))
            clocks[camera] += rng.uniform(0.2, 1.5)
            names.append(str(path))
        truth.append({"members": names, "best": names[best]})
    rng.shuffle(lines)
    (out / "list").write_text("".join(line + "\n" for _, line in lines))
    (out / "truth").write_text("".join(json.dumps(scene) + "\n" for scene in truth))
    print(f"{len(scenes)} scenes from {len({id(p) for p, _ in scenes})} pictures, {number} shots")


def pairs(groups):
    return {(a, b) for group in groups for a in group for b in group if a < b}


def score(truth, result):
    scenes = [json.loads(line) for line in open(truth)]
    bursts = [b for b in (json.loads(line) for line in open(result)) if "burst" in b]
    wanted = pairs(scene["members"] for scene in scenes)
    found = pairs(burst["burst"] for burst in bursts)
    right = len(wanted & found)
    f1 = 2 * right / max(1, len(wanted) + len(found))
    best = {burst["best"] for burst in bursts}
    several = [scene for scene in scenes if len(scene["members"]) > 1]
    chosen = sum(scene["best"] in best for scene in several)
    print(
        f"F1 {f1:.4f} (precision {right / max(1, len(found)):.4f}, recall "
        f"{right / max(1, len(wanted)):.4f}) over {len(wanted)} pairs; the sharpest chosen in "
        f"{chosen} of {len(several)} bursts ({100 * chosen / max(1, len(several)):.1f} %)"
    )


def speed(folder, out, count):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    made, number = [], 0
    for _, picture in pictures(folder, 1800):
        # Side by side until there are 12 megapixels: detail stays as fine as it is.
        canvas = Image.new("RGB", (4032, 3024))
        for y in range(0, 3024, picture.size[1]):
            for x in range(0, 4032, picture.size[0]):
                canvas.paste(picture, (x, y))
        made.append(canvas)
    for number in range(count):
        path = out / f"{number:03}.jpg"
        made[number % len(made)].save(path, quality=93, subsampling=2)
        print(path)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "make":
        make(rest[0], rest[1], int(rest[2]) if len(rest) > 2 else 9)
    elif command == "score":
        score(*rest)
    else:
        speed(rest[0], rest[1], int(rest[2]))
