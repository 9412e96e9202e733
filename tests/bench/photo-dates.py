"""Dates of pictures beside ExifTool's, and the answers to a hand-checked list of hard cases.

photo-dates.py compare READER FOLDER    every date of every file: ours against ExifTool's
photo-dates.py movies FOLDER            writes movies: 60 of its own, 20 that exiftool has dated, and,
                                        where FFMPEG names one, 20 by ffmpeg
photo-dates.py make FOLDER JPEG         writes the hard cases (needs exiftool), prints the answers
photo-dates.py judge ANSWERS FOUND [phockup]  how many of the answers ours (or phockup's log) meets
"""

import datetime
import json
import os
import random
import re
import struct
import subprocess
import sys

# Our source: the group and tag of ExifTool (-G1), with those of fraction and offset.
TAGS = {
    "exif:DateTimeOriginal": ("ExifIFD:DateTimeOriginal", "ExifIFD:SubSecTimeOriginal", "ExifIFD:OffsetTimeOriginal"),
    "exif:DateTimeDigitized": ("ExifIFD:CreateDate", "ExifIFD:SubSecTimeDigitized", "ExifIFD:OffsetTimeDigitized"),
    "exif:DateTime": ("IFD0:ModifyDate", "ExifIFD:SubSecTime", "ExifIFD:OffsetTime"),
    "quicktime:CreateDate": ("QuickTime:CreateDate", None, None),
    "quicktime:CreationDate": ("Keys:CreationDate", None, None),
    "xmp:exif:DateTimeOriginal": ("XMP-exif:DateTimeOriginal", None, None),
    "xmp:photoshop:DateCreated": ("XMP-photoshop:DateCreated", None, None),
    "xmp:xmp:CreateDate": ("XMP-xmp:CreateDate", None, None),
    "xmp:xmp:ModifyDate": ("XMP-xmp:ModifyDate", None, None),
    "gps:DateTime": ("Composite:GPSDateTime", None, None),
    "iptc:DateTimeCreated": ("Composite:DateTimeCreated", None, None),
    "png:tIME": ("PNG:ModifyDate", None, None),
}


def parts(text):
    """Date, time, fraction and offset of a text of ExifTool, or None where it is no date."""
    found = re.match(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d)(?::(\d\d))?(?:\.(\d+))?\s*(Z|[+-]\d\d:\d\d)?", str(text))
    if not found:
        return None
    try:
        datetime.datetime(*(int(n or 0) for n in found.groups()[:6]))
    except ValueError:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    seconds = None
    if offset and offset != "Z":
        sign = -1 if offset[0] == "-" else 1
        seconds = sign * (int(offset[1:3]) * 3600 + int(offset[4:6]) * 60)
    elif offset:
        seconds = 0
    return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}", (fraction or "").rstrip("0"), seconds


def theirs(file, source):
    tag, fraction_tag, offset_tag = TAGS[source]
    if tag not in file:
        return None
    found = parts(file[tag])
    if found is None:
        return None
    time, fraction, offset = found
    extra = str(file.get(fraction_tag, "")).strip() if fraction_tag else ""
    if extra.isdigit():
        fraction = extra.rstrip("0")
    if offset_tag and offset_tag in file:
        offset = parts("2000:01:01 00:00:00" + str(file[offset_tag]))[2]
    return time, fraction, offset


def compare(reader, folder):
    ours = {}
    for line in subprocess.run([reader, folder], capture_output=True, check=True).stdout.splitlines():
        record = json.loads(line)
        ours[os.path.relpath(record["path"], folder)] = record
    command = ["exiftool", "-r", "-G1", "-json", "-api", "struct=0", folder]
    files = json.loads(subprocess.run(command, capture_output=True).stdout)
    equal = different = missing = more = 0
    for file in files:
        name = os.path.relpath(file["SourceFile"], folder)
        stamps = {}
        for stamp in ours.get(name, {}).get("stamps", []):
            time, _, fraction = stamp["time"].partition(".")
            clock = 0 if stamp["clock"] == "utc" and stamp["source"] == "gps:DateTime" else stamp["clock"]
            clock = None if clock == "utc" else clock
            stamps.setdefault(stamp["source"], []).append((time, fraction.rstrip("0"), clock))
        for source in TAGS:
            wanted = theirs(file, source)
            got = stamps.get(source)
            if wanted is None and got is not None:
                more += 1
                print(f"only ours: {name} {source} {got}", file=sys.stderr)
            elif wanted is not None and got is None:
                missing += 1
                print(f"missing: {name} {source} {wanted}", file=sys.stderr)
            elif wanted is not None and wanted not in got:
                different += 1
                print(f"different: {name} {source} ours {got} exiftool {wanted}", file=sys.stderr)
            elif wanted is not None:
                equal += 1
    total = equal + different + missing
    print(json.dumps({"files": len(files), "dates": total, "equal": equal, "different": different,
                      "missing": missing, "only_ours": more}))


def atom(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


def movie(utc, creation=None, identifier=None, seconds=3, brand=b"qt  ", wide=False, first=False):
    """A movie without pictures. utc: seconds since 1970. wide: times of 64 bits. first: what it says
    comes before the pictures."""
    since = utc + 2082844800
    if wide:
        header = bytearray(b"\1" + bytes(111))
        struct.pack_into(">QQIQ", header, 4, since, since, 600, seconds * 600)
    else:
        header = bytearray(100)
        struct.pack_into(">IIII", header, 4, since, since, 600, seconds * 600)
    texts = [(b"com.apple.quicktime.creationdate", creation),
             (b"com.apple.quicktime.content.identifier", identifier)]
    texts = [(key, text.encode()) for key, text in texts if text]
    body = atom(b"mvhd", bytes(header))
    if texts:
        keys = struct.pack(">II", 0, len(texts)) + b"".join(atom(b"mdta", key) for key, _ in texts)
        items = b"".join(
            atom(struct.pack(">I", i + 1), atom(b"data", struct.pack(">II", 1, 0) + text))
            for i, (_, text) in enumerate(texts))
        handler = atom(b"hdlr", b"\0" * 8 + b"mdta" + b"\0" * 13)
        body += atom(b"meta", handler + atom(b"keys", keys) + atom(b"ilst", items))
    parts = [atom(b"mdat", b"\0" * 64), atom(b"moov", body)]
    return atom(b"ftyp", brand + bytes(4) + brand) + b"".join(reversed(parts) if first else parts)


def movies(folder):
    rng = random.Random(9)
    os.makedirs(folder)
    offsets = ["Z", "+00:00", "+0200", "+02:00", "-08:00", "-0330", "+05:45", "+1300", "-1200", ""]
    for n in range(80):
        utc = rng.choice([0, 1, 1563744605, 2**31 - 1, 2**31 + 5]) if n % 9 == 0 else rng.randrange(10**8, 2 * 10**9)
        local = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=utc + rng.randrange(-43200, 43200))
        text = local.strftime("%Y-%m-%dT%H:%M:%S") + rng.choice(["", ".5", ".123"]) + offsets[n % len(offsets)]
        brand = rng.choice([b"qt  ", b"mp42", b"isom", b"M4V ", b"3gp5"])
        content = movie(utc, text if n % 3 else None, "A-1" if n % 2 else None, 3, brand, n % 4 == 1, n % 5 == 2)
        path = os.path.join(folder, f"{n}.{'mov' if brand == b'qt  ' else 'mp4'}")
        with open(path, "wb") as file:
            file.write(content)
        if n >= 60:
            stamp = local.strftime("%Y:%m:%d %H:%M:%S")
            tags = [f"-QuickTime:CreateDate={stamp}", f"-Keys:CreationDate={stamp}{rng.choice(['+02:00', '-07:00'])}"]
            subprocess.run(["exiftool", "-q", "-overwrite_original", *tags[: 1 + n % 2], path], check=True)
    if not os.environ.get("FFMPEG"):
        return
    for n in range(20):
        stamp = datetime.datetime(1990, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**9))
        command = [os.environ["FFMPEG"], "-v", "error", "-f", "lavfi", "-i", "testsrc=d=0.2:s=64x48",
                   "-metadata", f"creation_time={stamp.isoformat()}Z"]
        if n % 2:
            command += ["-movflags", "use_metadata_tags" + ("+faststart" if n % 4 == 1 else ""),
                        "-metadata", f"com.apple.quicktime.creationdate={stamp.isoformat()}+0200"]
        subprocess.run([*command, os.path.join(folder, f"f{n}.{['mov', 'mp4', 'm4v'][n % 3]}")], check=True)


def cases():
    """Name, tags for exiftool (or bytes, or text), and the right answer: as much of the local date
    as can be known. Checked by hand."""
    o, c, m = "-EXIF:DateTimeOriginal=", "-EXIF:CreateDate=", "-EXIF:ModifyDate="
    off, sub = "-EXIF:OffsetTimeOriginal=", "-EXIF:SubSecTimeOriginal="
    taken = "2019:07:21 23:30:05"
    utc = 1563744605  # 2019-07-21 21:30:05 UTC
    json_of = lambda name, t: json.dumps({"title": name, "photoTakenTime": {"timestamp": str(t)}})
    gps = ["-GPSDateStamp=2019:07:21", "-GPSTimeStamp=21:30:05"]
    xmp = ("<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
           "<rdf:Description rdf:about='' xmlns:exif='http://ns.adobe.com/exif/1.0/' "
           "exif:DateTimeOriginal='2018-02-03T04:05:06+01:00'/></rdf:RDF></x:xmpmeta>")
    return [
        # zones
        ("zone/offset.jpg", [o + taken, off + "+02:00"], "2019-07-21T23:30:05+02:00"),
        ("zone/gps.jpg", [o + taken, *gps], "2019-07-21T23:30:05+02:00"),
        ("zone/nepal.jpg", [o + "2019:07:22 03:15:05", *gps], "2019-07-22T03:15:05+05:45"),
        ("zone/new-year.jpg", [o + "2019:12:31 23:59:59", off + "-08:00"], "2019-12-31T23:59:59-08:00"),
        ("zone/subsec.jpg", [o + taken, sub + "732", off + "+02:00"], "2019-07-21T23:30:05.732+02:00"),
        ("zone/stale-gps.jpg", [o + taken, "-GPSDateStamp=2019:07:21", "-GPSTimeStamp=20:52:11"], "2019-07-21T23:30:05"),
        ("zone/gps-rollover.jpg", [o + taken, "-GPSDateStamp=1999:12:05", "-GPSTimeStamp=21:30:05"], "2019-07-21T23:30:05"),
        ("zone/movie.mov", movie(utc, "2019-07-21T23:30:05+0200"), "2019-07-21T23:30:05+02:00"),
        ("zone/movie-over-midnight.mov", movie(utc + 3600, "2019-07-22T00:30:05+0200"), "2019-07-22T00:30:05+02:00"),
        ("zone/VID_20190722_003005.mp4", movie(utc + 3600), "2019-07-22T00:30:05+02:00"),
        ("zone/PXL_20190721_213005123.jpg", [o + taken, off + "+02:00", sub + "123"], "2019-07-21T23:30:05.123+02:00"),
        # Live Photos
        ("live/IMG_1.HEIC.jpg", [o + taken, off + "+02:00"], "2019-07-21T23:30:05+02:00"),
        ("live/IMG_2.JPG", [o + taken, off + "+02:00"], "2019-07-21T23:30:05+02:00"),
        ("live/IMG_2.MOV", movie(utc), "2019-07-21T23:30:05+02:00"),
        ("live/IMG_3.JPG", [o + "2019:07:21 00:10:00", off + "+02:00"], "2019-07-21T00:10:00+02:00"),
        ("live/IMG_3.MOV", movie(1563660600), "2019-07-21T00:10:00+02:00"),
        # messengers
        ("chat/IMG-20190721-WA0003.jpg", [], "2019-07-21"),
        ("chat/VID-20190721-WA0004.mp4", movie(utc), "2019-07-21T21:30:05+00:00"),
        ("chat/WhatsApp Image 2019-07-21 at 23.30.05.jpeg", [], "2019-07-21T23:30:05"),
        ("chat/WhatsApp Image 2019-07-21 at 11.30.05 PM.jpeg", [], "2019-07-21T23:30:05"),
        ("chat/IMG-20190730-WA0001.jpg", [o + taken], "2019-07-21T23:30:05"),
        ("chat/signal-2019-07-21-233005.jpg", [], "2019-07-21T23:30:05"),
        ("chat/photo_2019-07-21_23-30-05.jpg", [], "2019-07-21T23:30:05"),
        ("chat/FB_IMG_1563744605123.jpg", [], "2019-07-21T21:30:05.123+00:00"),
        # screens
        ("screen/Screenshot_20190721-233005.jpg", [], "2019-07-21T23:30:05"),
        ("screen/Screenshot_2019-07-21-23-30-05-123_com.app.jpg", [], "2019-07-21T23:30:05.123"),
        ("screen/Screen Shot 2019-07-21 at 11.30.05 PM.jpg", [], "2019-07-21T23:30:05"),
        ("screen/Screenshot from 2019-07-21 23-30-05.jpg", [], "2019-07-21T23:30:05"),
        ("screen/Screenshot 2019-07-21 233005.jpg", [], "2019-07-21T23:30:05"),
        ("screen/RPReplay_Final1563744605.mp4", movie(utc), "2019-07-21T21:30:05+00:00"),
        # Takeout
        ("takeout/a.jpg", [], "2019-07-21T21:30:05+00:00"),
        ("takeout/a.jpg.json", json_of("a.jpg", utc), None),
        ("takeout/b.jpg", [o + taken], "2019-07-21T23:30:05"),
        ("takeout/b.jpg.supplemental-metadata.json", json_of("b.jpg", utc), None),
        ("takeout/c(1).jpg", [], "2019-07-21T21:30:05+00:00"),
        ("takeout/c.jpg(1).json", json_of("c.jpg", utc), None),
        ("takeout/d-edited.jpg", [], "2019-07-21T21:30:05+00:00"),
        ("takeout/d.jpg", [], "2019-07-21T21:30:05+00:00"),
        ("takeout/d.jpg.suppl.json", json_of("d.jpg", utc), None),
        ("takeout/a_very_long_name_that_google_cuts_at_fortysix_characters.jpg", [], "2019-07-21T21:30:05+00:00"),
        ("takeout/a_very_long_name_that_google_cuts_at_fortysix_.json", json_of("x", utc), None),
        # wrong and missing clocks
        ("clock/zeros.jpg", [], "none"),
        ("clock/epoch.jpg", [o + "1970:01:01 00:00:00"], "none"),
        ("clock/future.jpg", [o + "2099:01:01 12:00:00", c + taken], "2019-07-21T23:30:05"),
        ("clock/2019/07/reset.jpg", [o + "2005:01:01 00:00:00"], "2019-07"),
        ("clock/20190721_233005.jpg", [o + "2005:01:01 00:00:00"], "2019-07-21T23:30:05"),
        ("clock/movie-1904.mov", movie(-2082844800), "none"),
        ("clock/IMG_20190721_233005.mp4", movie(-2082844800), "2019-07-21T23:30:05"),
        ("clock/modified.jpg", [m + "2020:01:01 10:00:00", o + taken], "2019-07-21T23:30:05"),
        ("clock/digitized.jpg", [m + "2020:01:01 10:00:00", c + taken], "2019-07-21T23:30:05"),
        ("clock/IMG_20190721_233005_edit.jpg", [m + "2020:01:01 10:00:00"], "2019-07-21T23:30:05"),
        ("clock/sidecar.jpg", [o + taken], "2018-02-03T04:05:06+01:00"),
        ("clock/sidecar.jpg.xmp", xmp, None),
        ("clock/lightroom.jpg", [o + taken], "2018-02-03T04:05:06+01:00"),
        ("clock/lightroom.xmp", xmp, None),
        # folders and scanners
        ("2019-07-21 Rome/scan.jpg", [], "2019-07-21"),
        ("2019/07/21/a.jpg", [], "2019-07-21"),
        ("Photos from 2019/a.jpg", [], "2019"),
        ("scans/img20190721_23300512.jpg", [], "2019-07-21T23:30:05.12"),
        ("scans/Adobe Scan 21-Jul-2019.jpg", [], "2019-07-21"),
        ("scans/DSC02019.jpg", [], "none"),
        ("scans/IMG_20191332.jpg", [], "none"),
        ("scans/12345678.jpg", [], "none"),
    ]


def make(folder, picture):
    answers = {}
    command = ["exiftool", "-all=", "-o", "-", picture]
    pixels = subprocess.run(command, capture_output=True, check=True).stdout
    for name, content, answer in cases():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = "w" if isinstance(content, str) else "wb"
        with open(path, mode) as file:
            file.write(pixels if isinstance(content, list) else content)
        if isinstance(content, list) and content:
            subprocess.run(["exiftool", "-q", "-overwrite_original", *content, path], check=True)
        if answer is not None:
            answers[name] = answer
    print(json.dumps(answers, indent=1))


def of_phockup(lines):
    """phockup's own log: `FOLDER/a.jpg => OUT/2019/07/21/20190721-233005.jpg`."""
    for line in lines:
        found = re.search(r"\] - (.*) => .*?/(unknown/|\d{4}/\d\d/\d\d/(\d{8})-(\d{6}))", line)
        if found:
            day, time = found[3], found[4]
            taken = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}" if day else "none"
            yield found[1], taken


def of_ours(lines):
    for record in map(json.loads, lines):
        yield record["path"], (record["taken"] or {}).get("taken", "none")


def elodie(python, checkout, cases, answers, out):
    """elodie has no dry run, and ends at the first file without a date: one run for each file. It
    names the copy for the date: `OUT/2019-07-Jul/Unknown Location/2019-07-21_23-30-05-a.jpg`."""
    with open(answers) as file:
        names = json.load(file)
    for n, name in enumerate(names):
        to = os.path.join(out, str(n))
        os.makedirs(to)
        command = [python, "elodie.py", "import", "--allow-duplicates", "--destination", to, "--file"]
        environment = {**os.environ, "HOME": out}
        subprocess.run([*command, os.path.abspath(os.path.join(cases, name))], cwd=checkout, env=environment,
                       capture_output=True)
        copies = [copy for _, _, files in os.walk(to) for copy in files]
        found = re.match(r"(\d{4}-\d\d-\d\d)_(\d\d)-(\d\d)-(\d\d)-", copies[0]) if copies else None
        taken = f"{found[1]}T{found[2]}:{found[3]}:{found[4]}" if found else "none"
        print(json.dumps({"path": os.path.join(cases, name), "taken": {"taken": taken}}))


def read(found, program):
    with open(found) as file:
        return dict(of_phockup(file) if program == "phockup" else of_ours(file))


def short(text):
    return (text if len(text) > 10 or text == "none" else f"{text}T00:00:00")[:19]


def said(got, name):
    return next((taken for path, taken in got.items() if path.endswith("/" + name)), "no record")


def judge(answers, found, program="ours"):
    """phockup and elodie know no offsets and no parts of a second: their answers need only be right
    as far as a second, and midnight will do for a day."""
    with open(answers) as file:
        wanted = json.load(file)
    got = read(found, program)
    if program != "ours":
        wanted = {name: short(answer) for name, answer in wanted.items()}
    right = sum(said(got, name) == answer for name, answer in wanted.items())
    print(json.dumps({"cases": len(wanted), "right": right, "share": round(right / len(wanted), 3)}))


def table(answers, *found):
    """What each program says of each case: FILE=PROGRAM, ours first; bold where it is wrong."""
    with open(answers) as file:
        wanted = json.load(file)
    programs = [pair.rsplit("=", 1) for pair in found]
    print("| case | right |" + "".join(f" {program} |" for _, program in programs))
    print("|---|---|" + "---|" * len(programs))
    got = {program: read(path, program) for path, program in programs}
    for name, answer in wanted.items():
        cells = []
        for _, program in programs:
            text = said(got[program], name)
            right = text == (answer if program == "ours" else short(answer))
            cells.append(text if right else f"**{text}**")
        print(f"| {name} | {answer} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    {"compare": compare, "make": make, "movies": movies, "judge": judge, "elodie": elodie, "table": table}[sys.argv[1]](*sys.argv[2:])
