"""For tests/bench/sortphotos.sh (make needs Pillow).

sortphotos.py make PICTURES WORK COPIES PART LARGE   WORK/many, WORK/part, WORK/large
sortphotos.py rate REPORT ROW FILES                  files a second, from a row of the report
sortphotos.py same OURS EXIFTOOL                     whether both read the same files and dates
"""

import json
import os
import re
import shutil
import sys

KINDS = (".jpg", ".jpeg", ".heic", ".heif", ".png", ".tif", ".tiff", ".webp", ".mov", ".mp4", ".dng")


def make(source, work, copies, part, large):
    from PIL import Image

    found = []
    for base, _, names in sorted(os.walk(source)):
        found += [os.path.join(base, n) for n in sorted(names) if n.lower().endswith(KINDS)]
    for n in range(copies):
        path = found[n % len(found)]
        for kind in ["many"] + ["part"] * (n < part):
            folder = os.path.join(work, kind, str(n // 500))
            os.makedirs(folder, exist_ok=True)
            shutil.copyfile(path, os.path.join(folder, f"{n:06}-{os.path.basename(path)}"))
    os.makedirs(os.path.join(work, "large"))
    bases = []
    for path in found:
        try:
            with Image.open(path) as image:
                image.load()
                if min(image.size) >= 400 and image.format == "JPEG":
                    bases.append(image.convert("RGB").resize((4000, 3000), Image.LANCZOS))
        except Exception:  # what others made of pictures breaks decoders in many ways
            continue
        if len(bases) == 12:
            break
    for made in range(large):
        picture = bases[made % len(bases)]
        shift = made // len(bases)
        turned = Image.eval(picture, lambda v, s=shift: min(255, v + s))
        turned.save(os.path.join(work, "large", f"IMG_{made:05}.jpg"), quality=93, subsampling=2)


def rate(report, row, files):
    with open(report) as file:
        cells = [line.split("|") for line in file if line.startswith(f"| {row} |")][-1]
    wall, cpu, peak = float(cells[2]), float(cells[4]), int(cells[5])
    print(f"- {row}: {files / max(wall, 0.01):.0f} files/s, {1000 * cpu / files:.2f} ms of processor time each, "
          f"peak {peak / 1024:.0f} MiB")


def same(ours, exiftool):
    """Dates taken as exiftool has them must be ours, or among what ours says contradicts it."""
    with open(exiftool) as file:
        theirs = {entry["SourceFile"]: entry for entry in json.load(file)}
    mine, equal, asked, other = {}, 0, 0, []
    with open(ours) as file:
        for record in map(json.loads, file):
            mine[record["path"]] = record
    for path, entry in theirs.items():
        date = str(entry.get("DateTimeOriginal", ""))
        if "photo" not in mine.get(path, {}) or not re.match(r"(19[5-9]|20[0-2])\d:\d\d:\d\d \d\d:\d\d:[0-5]\d", date):
            continue
        wanted = date[:10].replace(":", "-") + "T" + date[11:19]
        photo = mine[path]["photo"]
        said = [photo.get("taken", "")] + [conflict["date"] for conflict in photo.get("conflicts", [])]
        asked += 1
        if any(text.startswith(wanted) for text in said):
            equal += 1
        else:
            other.append(f"{path}: {wanted}, ours {said}")
    both = len(set(mine) & set(theirs))
    print(f"{both} files were read by both, {len(set(theirs) - set(mine))} by exiftool alone; of {asked} dates taken "
          f"that exiftool gives, ours has {equal}")
    for line in other[:10]:
        print(line, file=sys.stderr)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "make":
        make(rest[0], rest[1], *map(int, rest[2:]))
    elif command == "rate":
        rate(rest[0], rest[1], int(rest[2]))
    else:
        same(*rest)
