"""Parts of transcribe.sh: the clips, a long recording, faster-whisper, and the word error rate.

  list CORPUS                the clips' paths, one a line
  words CORPUS               the paths of single words
  long CORPUS OUT SECONDS    one WAV of so many seconds: the clips with pauses between, again and again
  noisy WAV OUT DECIBELS     the same with white noise so much weaker than the sound
  peer MODEL FILE...         what faster-whisper writes (int8, batches, its own detector), JSON lines
  text FORM FILE             {"path", "text"} lines from the output of transcribe or whisper-cli
  wer CORPUS FILE            word error rate in percent, after whisper's normaliser for English

CORPUS is a folder with manifest.jsonl: {"path", "text", "set", "seconds"} a line, 16 kHz mono WAV.
peer and wer need faster-whisper, whisper-normalizer and jiwer, all from PyPI.
"""
import array
import itertools
import json
import math
import os
import random
import re
import sys
import wave

# Single words are no speech as people send it; spoken menus, sentences and commands are.
SETS = ("librivox", "sonnet", "jfk", "ivr-long", "ivr-short", "command")


WORDS = ("ivr-words",)


def clips(corpus, sets=SETS):
    with open(os.path.join(corpus, "manifest.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(os.path.join(corpus, r["path"]), r["text"]) for r in rows if r["set"] in sets]


def long(corpus, out, seconds):
    paths = [path for path, _ in clips(corpus)]
    with wave.open(out, "wb") as to:
        to.setnchannels(1)
        to.setsampwidth(2)
        to.setframerate(16000)
        left = int(seconds) * 16000
        for path in itertools.cycle(paths):
            with wave.open(path) as clip:
                frames = clip.readframes(clip.getnframes()) + bytes(2 * 16000)
            to.writeframes(frames[: 2 * left])
            left -= len(frames) // 2
            if left <= 0:
                return


def noisy(sound, out, decibels):
    with wave.open(sound) as clip, wave.open(out, "wb") as to:
        to.setparams(clip.getparams())
        samples = array.array("h", clip.readframes(clip.getnframes()))
        power = sum(x * x for x in samples) / len(samples)
        level = math.sqrt(power / 10 ** (float(decibels) / 10))
        rng = random.Random(1)
        loud = (round(x + rng.gauss(0, level)) for x in samples)
        to.writeframes(array.array("h", (max(-32768, min(32767, x)) for x in loud)).tobytes())


def peer(model, files):
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=os.cpu_count())
    pipeline = BatchedInferencePipeline(whisper)
    for path in files:
        segments, _ = pipeline.transcribe(path, language="en", batch_size=8)
        text = " ".join(segment.text.strip() for segment in segments)
        print(json.dumps({"path": path, "text": text}))


def text(form, file):
    if form == "records":
        for line in open(file, encoding="utf-8"):
            record = json.loads(line)
            print(json.dumps({"path": record["path"], "text": record["text"]}))
        return
    # whisper-cli -otxt: PATH.txt beside each clip of the list.
    for path in open(file, encoding="utf-8").read().split("\n"):
        if path:
            heard = open(path + ".txt", encoding="utf-8").read()
            print(json.dumps({"path": path, "text": " ".join(heard.split())}))


def wer(corpus, file):
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    heard = {}
    for line in open(file, encoding="utf-8"):
        record = json.loads(line)
        heard[os.path.basename(record["path"])] = re.sub(r"\s+", " ", record["text"])
    rows = [(normal(said), normal(heard[os.path.basename(path)])) for path, said in clips(corpus)]
    assert len(heard) == len(rows), "clips are missing"
    rows = [(said, found) for said, found in rows if said]
    print(f"{100 * jiwer.wer([r[0] for r in rows], [r[1] for r in rows]):.2f}")


command, *rest = sys.argv[1:]
if command in ("list", "words"):
    print("\n".join(path for path, _ in clips(rest[0], SETS if command == "list" else WORDS)))
elif command == "peer":
    peer(rest[0], rest[1:])
else:
    {"long": long, "noisy": noisy, "text": text, "wer": wer}[command](*rest)
