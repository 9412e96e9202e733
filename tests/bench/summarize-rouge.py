"""Called by summarize-rouge.sh: CORPUS SENTENCES PROGRAM."""

import importlib.metadata
import json
import re
import subprocess
import sys

from rouge_score import rouge_scorer
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.utils import get_stop_words

corpus, count, program = sys.argv[1], int(sys.argv[2]), sys.argv[3]
papers = [json.loads(line) for line in open(corpus, encoding="utf-8")]
sections = [[s for part in p["sentences"].values() for s in part] for p in papers]
texts = [" ".join(sentences) for sentences in sections]
references = [" ".join(p["summary"].values()) for p in papers]


class Words:
    """What sumy asks of a tokenizer; its own would fetch NLTK's data."""

    def to_words(self, sentence):
        return tuple(re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", sentence))


def ours(*flags):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    command = [program, "-q", "--extractive", "--sentences", str(count), "--jobs", "2", *flags]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line)["summary"] for line in done.stdout.splitlines()]


def sumy():
    lexrank = LexRankSummarizer(Stemmer("english"))
    lexrank.stop_words = get_stop_words("english")
    words, found = Words(), []
    for sentences in sections:
        paragraph = Paragraph([Sentence(sentence, words) for sentence in sentences])
        chosen = lexrank(ObjectDocumentModel([paragraph]), count)
        found.append(" ".join(str(sentence) for sentence in chosen))
    return found


scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()[-1]
lead = [" ".join(sentences[:count]) for sentences in sections]
rows = {
    f"headwater {version}, MiniLM": ours(),
    f"headwater {version}, words alone": ours("--embedder", "none"),
    f"sumy {importlib.metadata.version('sumy')} LexRank": sumy(),
    f"the first {count} sentences": lead,
}
print(f"# Extractive summaries of {len(papers)} papers, {count} sentences each\n")
print(f"rouge-score {importlib.metadata.version('rouge-score')}, F1 with stemming.\n")
print("| program | ROUGE-1 | ROUGE-2 | ROUGE-L | words |\n|---|---|---|---|---|")
for name, summaries in rows.items():
    assert len(summaries) == len(references), name
    scores = [scorer.score(r, s) for r, s in zip(references, summaries)]
    means = [sum(s[k].fmeasure for s in scores) / len(scores) for k in ("rouge1", "rouge2", "rougeL")]
    words = sum(len(s.split()) for s in summaries) / len(summaries)
    print(f"| {name} | {means[0]:.4f} | {means[1]:.4f} | {means[2]:.4f} | {words:.0f} |")
