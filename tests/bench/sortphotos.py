"""Makes a set for the bench of sortphotos: many small files, and some of 12 megapixels (needs Pillow)."""

import os
import shutil
import sys

from PIL import Image

KINDS = (".jpg", ".jpeg", ".heic", ".heif", ".png", ".tif", ".tiff", ".webp", ".mov", ".mp4", ".dng")


def main():
    source, work, copies, large = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    found = []
    for base, _, names in sorted(os.walk(source)):
        found += [os.path.join(base, n) for n in sorted(names) if n.lower().endswith(KINDS)]
    for n in range(copies):
        path = found[n % len(found)]
        folder = os.path.join(work, "many", str(n // 500))
        os.makedirs(folder, exist_ok=True)
        shutil.copyfile(path, os.path.join(folder, f"{n:06}-{os.path.basename(path)}"))
    os.makedirs(os.path.join(work, "large"))
    made = 0
    bases = []
    for path in found:
        try:
            with Image.open(path) as image:
                image.load()
                if min(image.size) >= 400 and image.format == "JPEG":
                    bases.append(image.convert("RGB").resize((4000, 3000), Image.LANCZOS))
        except OSError:
            continue
        if len(bases) == 12:
            break
    while made < large:
        picture = bases[made % len(bases)]
        shift = made // len(bases)
        turned = Image.eval(picture, lambda v, s=shift: min(255, v + s))
        turned.save(os.path.join(work, "large", f"IMG_{made:05}.jpg"), quality=88)
        made += 1


main()
