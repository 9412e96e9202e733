"""Office documents as text by `extract` and by markitdown: words in common, seconds.

    extract-office.py big FOLDER          makes longer documents, from made-up words
    extract-office.py compare EXTRACT FILE...
"""

import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import time
import warnings

WORD = re.compile(r"\w+")


def words(text):
    return collections.Counter(word.lower() for word in WORD.findall(text))


def share(of, there):
    """The share of the words `of` that `there` has too."""
    all_words = sum(of.values())
    return sum((of & there).values()) / all_words if all_words else 1.0


def odt(path):
    from odf import teletype
    from odf.opendocument import load

    return teletype.extractText(load(path).text)


def mail(path):
    import email
    import email.policy

    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    text = body.get_content() if body else ""
    return re.sub(r"<[^>]*>", " ", text) if body and body.get_content_subtype() == "html" else text


def peers():
    from markitdown import MarkItDown

    converter = MarkItDown()

    def markitdown(path):
        text = converter.convert(path).text_content
        # Its own marks: places of links and pictures, rules of tables.
        return re.sub(r"\]\([^)]*\)|!\[[^\]]*|<!--.*?-->", " ", text)

    by_kind = {kind: ("markitdown", markitdown) for kind in ("docx", "pptx", "xlsx", "html", "epub")}
    return by_kind | {"odt": ("odfpy", odt), "eml": ("email of Python", mail)}


def ours(extract, files):
    start = time.perf_counter()
    run = subprocess.run([extract, "--full", "--no-via", *files], capture_output=True, check=False)
    seconds = time.perf_counter() - start
    texts = {}
    for line in run.stdout.decode().splitlines():
        record = json.loads(line)
        if "parent" not in record:
            texts[record["path"]] = record.get("text")
    return texts, seconds


def compare(extract, files):
    known = peers()
    by_kind = collections.defaultdict(list)
    for file in files:
        by_kind[pathlib.Path(file).suffix.lstrip(".").lower() or "eml"].append(file)
    for kind, group in sorted(by_kind.items()):
        if kind not in known:
            continue
        name, peer = known[kind]
        texts, seconds = ours(extract, group)
        theirs, peer_seconds, unread = {}, 0.0, 0
        for file in group:
            start = time.perf_counter()
            try:
                theirs[file] = peer(file)
            except Exception:
                unread += 1
            peer_seconds += time.perf_counter() - start
        both = [file for file in group if file in theirs and texts.get(file) is not None]
        ours_words = sum((words(texts[file]) for file in both), collections.Counter())
        peer_words = sum((words(theirs[file]) for file in both), collections.Counter())
        common = sum((words(texts[f]) & words(theirs[f]) for f in both), collections.Counter())
        refused = sum(1 for file in group if texts.get(file) is None)
        print(
            f"| {kind} | {len(group)} | {name} | {sum(peer_words.values())}"
            f" | {share(peer_words, common):.4f} | {share(ours_words, common):.4f}"
            f" | {refused} / {unread} | {seconds:.3f} | {peer_seconds:.3f}"
            f" | {peer_seconds / seconds:.0f} × |",
            flush=True,
        )


def big(folder):
    from docx import Document
    from ebooklib import epub
    from odf import text
    from odf.opendocument import OpenDocumentText
    from openpyxl import Workbook

    random.seed(1)
    vocabulary = ["".join(random.choices("aeioulnrst", k=random.randint(2, 9))) for _ in range(5000)]
    paragraphs = [" ".join(random.choices(vocabulary, k=80)) for _ in range(1500)]
    folder = pathlib.Path(folder)
    document, odf, book, workbook = Document(), OpenDocumentText(), epub.EpubBook(), Workbook()
    chapters = []
    for n, paragraph in enumerate(paragraphs):
        if n % 50 == 0:
            document.add_heading(f"Chapter {n}", 1)
            odf.text.addElement(text.H(outlinelevel=1, text=f"Chapter {n}"))
            chapter = epub.EpubHtml(title=f"Chapter {n}", file_name=f"c{n}.xhtml")
            chapter.content = f"<h1>Chapter {n}</h1>"
            book.add_item(chapter)
            chapters.append(chapter)
        document.add_paragraph(paragraph)
        odf.text.addElement(text.P(text=paragraph))
        chapters[-1].content += f"<p>{paragraph}</p>"
        workbook.active.append(paragraph.split()[:20])
    book.spine = chapters
    book.add_item(epub.EpubNcx())
    document.save(folder / "big.docx")
    odf.save(folder / "big.odt")
    workbook.save(folder / "big.xlsx")
    epub.write_epub(folder / "big.epub", book)
    page = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    (folder / "big.html").write_text(f"<!doctype html><html><body>{page}</body></html>")


warnings.simplefilter("ignore")
if sys.argv[1] == "big":
    big(sys.argv[2])
else:
    compare(sys.argv[2], sys.argv[3:])
