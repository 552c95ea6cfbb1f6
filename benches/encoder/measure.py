"""What a sentence encoder would add to the probe, over the folds of docs/reports/probe.md.

Frozen MiniLM-L6 (int8), windows of 128 tokens, and a logistic head over each window's mean: the head has seen
neither the family of attacks nor the source of real results that it is measured on, as the model that is built
in. A text's score is that of its highest window. Called by `run`, which brings texts, scores and the model.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

TOKENS, STEP, BYTES = 128, 96, 8_000
TRAFFIC = ["entire_cli", "swe_mini_gemini3", "minsky_cursor"]
ALARMS = [0.001, 0.004, 0.01, 0.05]
POSITIVE = 0.4


def lines(path):
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


class Encoder:
    def __init__(self, model, tokenizer):
        self.session, self.tokenizer = session(model), Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def windows(self, text):
        ids = self.tokenizer.encode(text[:BYTES], add_special_tokens=False).ids
        starts = range(0, max(len(ids) - (TOKENS - STEP), 1), STEP)
        return [[101, *ids[start : start + TOKENS - 2], 102] for start in starts]

    def means(self, batch):
        """The mean of each window, of length one; all windows of a batch have one length."""
        ids = np.array(batch, dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self.session.run(None, feeds)[0].mean(axis=1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def all(self, texts):
        """Windows of all texts, and of which text each is."""
        windows = [(at, window) for at, text in enumerate(texts) for window in self.windows(text)]
        order = sorted(range(len(windows)), key=lambda at: len(windows[at][1]))
        means = np.zeros((len(windows), 384), dtype=np.float32)
        began, at = time.time(), 0
        while at < len(order):
            size = len(windows[order[at]][1])
            part = [it for it in order[at : at + 8] if len(windows[it][1]) == size]
            means[part] = self.means([windows[it][1] for it in part])
            at += len(part)
            if at // 4000 != (at - len(part)) // 4000:
                print(f"{at} of {len(order)} windows, {time.time() - began:.0f} s", file=sys.stderr, flush=True)
        return means, np.array([at for at, _ in windows])


def learn(x, y, weight, smooth=1e-4, rounds=300):
    """Logistic regression, by Nesterov's gradients."""
    x = np.hstack([x, np.ones((len(x), 1), dtype=x.dtype)])
    weight = weight / weight.sum()
    w, ahead, t = np.zeros(x.shape[1]), np.zeros(x.shape[1]), 1.0
    step = 4.0 / 2.0
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-(x @ ahead)))
        gradient = x.T @ (weight * (p - y)) + smooth * ahead
        now = ahead - step * gradient * 2
        later = (1 + (1 + 4 * t * t) ** 0.5) / 2
        ahead, w, t = now + (t - 1) / later * (now - w), now, later
    return w


def head(means, of, texts, used):
    """The head of one fold: at first from whole texts, then from the window of each that says most."""
    chance = np.random.default_rng(8)
    bounds = np.searchsorted(of, [used, [at + 1 for at in used]])
    spans = list(zip(used, *bounds))
    w = None
    for _ in range(3):
        rows, labels, weights, sources = [], [], [], []
        for at, first, end in spans:
            row = texts[at]
            score = None if w is None else means[first:end] @ w[:-1]
            if row["attack"]:
                hidden = row["source"] == "bipia" or row["host"]
                if score is None and hidden and end - first > 1:
                    continue
                chosen = [(first + int(score.argmax()) if score is not None else first, 1.0)]
            else:
                chosen = [(int(chance.integers(first, end)), 1.0) for _ in range(min(3, end - first))]
                if score is not None and end - first > 1:
                    chosen.append((first + int(score.argmax()), 2.0))
            for place, weight in chosen:
                rows.append(place)
                labels.append(row["attack"])
                weights.append(weight)
                sources.append(row["source"])
        x, y, weights = means[rows].astype(np.float64), np.array(labels, dtype=float), np.array(weights)
        sums = {name: sum(w for w, l, s in zip(weights, labels, sources) if l and s == name) for name in set(sources)}
        roots = sum(total**0.5 for total in sums.values())
        harmless = weights[y == 0].sum()
        for at, (is_attack, source) in enumerate(zip(labels, sources)):
            if is_attack:
                weights[at] *= POSITIVE * harmless * sums[source] ** 0.5 / roots / sums[source]
        w = learn(x, y, weights)
    return w


def wilson(hits, of, z=1.959964):
    p = hits / of
    center = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * (p * (1 - p) / of + z * z / (4 * of * of)) ** 0.5 / (1 + z * z / of)
    return f"{100 * p:.1f} ({100 * max(center - half, 0):.1f}–{100 * min(center + half, 1):.1f})"


def threshold(harmless, share):
    ordered = np.sort(harmless)[::-1]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def probability(folds, name):
    """Slope and offset that make a probability of a score, were half of all texts attacks."""
    traffic = [fold for fold in folds if fold["real"] in TRAFFIC]
    x = np.concatenate([fold[name] for fold in traffic])
    y = np.concatenate([fold["attack"] for fold in traffic]).astype(float)
    weight = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    middle, spread = x.mean(), x.std()
    slope, offset = learn(((x - middle) / spread)[:, None], y, weight, smooth=0)
    return lambda score: 1 / (1 + np.exp(-(slope * (score - middle) / spread + offset)))


def main(folder, model, tokenizer):
    folder = Path(folder)
    texts, scores = lines(folder / "texts.jsonl"), lines(folder / "scores.jsonl")
    kept = folder / "means.npz"
    encoder = Encoder(model, tokenizer)
    if kept.exists():
        means, of = (np.load(kept)[name] for name in ("means", "of"))
    else:
        means, of = encoder.all([row["text"] for row in texts])
        np.savez(kept, means=means, of=of)
    folds = {}
    for row in scores:
        folds.setdefault((tuple(row["family"]), row["real"]), []).append(row)
    measured = []
    for (family, real), rows in folds.items():
        out = {*family, real}
        used = [at for at, row in enumerate(texts) if row["source"] not in out and row["host"] not in out]
        w = head(means, of, texts, used)
        tested = [row["text"] for row in rows]
        encoded = np.array([(means[first:end] @ w[:-1]).max() + w[-1] if end > first else -9.0
                            for first, end in zip(*np.searchsorted(of, [tested, [at + 1 for at in tested]]))])
        measured.append({
            "real": real,
            "attack": np.array([texts[at]["attack"] for at in tested]),
            "source": np.array([texts[at]["source"] for at in tested]),
            "surest": np.array([row["surest"] for row in rows]),
            "built in": np.array([row["words"] for row in rows]),
            "encoder": encoded,
        })
        print(f"without {', '.join(family)} and {real}: done", file=sys.stderr, flush=True)
    for name in ("built in", "encoder"):
        said = probability(measured, name)
        for fold in measured:
            fold[name] = said(fold[name])
    logit = lambda p: np.log(np.clip(p, 1e-9, 1 - 1e-9) / np.clip(1 - p, 1e-9, 1))
    mixed = [f"both, {int(100 * part)} % encoder" for part in (0.25, 0.5, 0.75)]
    for fold in measured:
        for name, part in zip(mixed, (0.25, 0.5, 0.75)):
            fold[name] = (1 - part) * logit(fold["built in"]) + part * logit(fold["encoder"])
    for name in mixed:
        said = probability(measured, name)
        for fold in measured:
            fold[name] = said(fold[name])
    report(measured, ["built in", "encoder", *mixed])
    latency(encoder, texts)


def report(measured, names):
    traffic = [fold for fold in measured if fold["real"] in TRAFFIC]
    for with_detectors in (True, False):
        scored = lambda fold, name: np.maximum(fold[name], fold["surest"]) if with_detectors else fold[name]
        print(f"\n## {'With' if with_detectors else 'Without'} detectors\n")
        print("| score | 0.1 % | 0.4 % | 1 % | 5 % | mean of the rows at 1 % |\n|---|---|---|---|---|---|")
        for name in names:
            cells, rows = [], []
            for share in ALARMS:
                found = total = 0
                for fold in traffic:
                    score, attack = scored(fold, name), fold["attack"]
                    hit = score[attack] > threshold(score[~attack], share)
                    found, total = found + hit.sum(), total + attack.sum()
                    if share == 0.01:
                        rows += [hit[fold["source"][attack] == it].mean() for it in sorted(set(fold["source"][attack]))]
                cells.append(wilson(found // 3, total // 3))
            print(f"| {name} | {' | '.join(cells)} | {100 * np.mean(rows):.1f} |")
    print("\n## At 1 % false alarms, with detectors\n")
    print(f"| attacks of | n | false alarms on | {' | '.join(names)} |\n|---|--:|---{'|---' * len(names)}|")
    for fold in measured:
        attack = fold["attack"]
        for source in sorted(set(fold["source"][attack])):
            here = attack & (fold["source"] == source)
            cells = []
            for name in names:
                score = np.maximum(fold[name], fold["surest"])
                cells.append(wilson((score[here] > threshold(score[~attack], 0.01)).sum(), here.sum()))
            print(f"| {source} | {here.sum()} | {fold['real']} | {' | '.join(cells)} |")


def latency(encoder, texts):
    joined = "\n".join(row["text"] for row in texts if row["source"] == "entire_cli")
    taken = []
    for at in range(40):
        began = time.perf_counter()
        for window in encoder.windows(joined[at * 4096 : (at + 1) * 4096]):
            encoder.means([window])
        taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    print(f"\n4 KiB on one thread: {taken[20]:.0f} ms in the middle, {taken[-1]:.0f} ms at most.")


main(*sys.argv[1:])
