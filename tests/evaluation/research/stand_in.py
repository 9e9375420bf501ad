"""Behaves like AutoResearchClaw's command line: reads its configuration, asks the model, and leaves the files that it
leaves. What goes wrong is told by the section `stand_in` of the configuration, which the real one does not know.

python stand_in.py run --config FILE --output FOLDER --auto-approve [--resume]
"""

import argparse
import json
import os
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import yaml

STAGES = [
    "TOPIC_INIT",
    "PROBLEM_DECOMPOSE",
    "SEARCH_STRATEGY",
    "LITERATURE_COLLECT",
    "LITERATURE_SCREEN",
    "KNOWLEDGE_EXTRACT",
    "SYNTHESIS",
    "HYPOTHESIS_GEN",
    "EXPERIMENT_DESIGN",
    "CODE_GENERATION",
    "RESOURCE_PLANNING",
    "EXPERIMENT_RUN",
    "ITERATIVE_REFINE",
    "RESULT_ANALYSIS",
    "RESEARCH_DECISION",
    "PAPER_OUTLINE",
    "PAPER_DRAFT",
    "PEER_REVIEW",
    "PAPER_REVISION",
    "QUALITY_GATE",
    "KNOWLEDGE_ARCHIVE",
    "EXPORT_PUBLISH",
    "CITATION_VERIFY",
]
ASKING = {"TOPIC_INIT", "CODE_GENERATION", "PEER_REVIEW"}
PROMPTS = {"CODE_GENERATION": "Save the table as a csv file"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--auto-approve", action="store_true", required=True)
    parser.add_argument("--resume", action="store_true")
    chosen = parser.parse_args()
    return Pipeline(yaml.safe_load(chosen.config.read_text()), chosen.output).run(resume=chosen.resume)


class Pipeline:
    def __init__(self, config, folder):
        self.config, self.folder = config, folder
        self.wanted = config.get("stand_in", {})
        self.run_id = "rc-20260310-120000-abc123"
        self.results = []

    def run(self, *, resume):
        if self.wanted.get("broken"):
            tell("Preflight check... FAILED - Invalid API key")
            return 1
        self.folder.mkdir(parents=True, exist_ok=True)
        number = self._after_checkpoint() if resume else 1
        while number <= len(STAGES):
            status, decision = self._stage(number)
            if status == "failed":
                break
            number = self._back(decision) if decision in ("refine", "pivot") else number + 1
        self._summary()
        self._lessons()
        failed = sum(status == "failed" for _, status, _ in self.results)
        tell(
            f"Pipeline complete: {len(self.results) - failed}/{len(self.results)} stages done, {failed} failed"
        )
        return 0 if failed == 0 else 1

    def _stage(self, number):
        name, began = STAGES[number - 1], time.monotonic()
        place = self.folder / f"stage-{number:02d}"
        place.mkdir(exist_ok=True)
        tell(f"[{self.run_id}] Stage {number:02d}/{len(STAGES)} {name} — running...")
        reply = self._ask(name) if name in ASKING else ""
        if self.wanted.get("sleeps") == name:
            time.sleep(600)
        error = self._error(name, reply)
        status = "failed" if error else "done"
        decision = "retry" if error else self._decision(name)
        if name == "ITERATIVE_REFINE":
            (place / "refinement_log.json").write_text(
                json.dumps({"iterations": [{"metric": 0.5}, {"metric": 0.4}]})
            )
        stage_id, now = f"{number:02d}-{name.lower()}", stamp()
        (place / "decision.json").write_text(
            json.dumps(
                {"stage_id": stage_id, "status": status, "decision": decision, "error": error, "ts": now}
            )
        )
        health = {
            "stage_id": stage_id,
            "run_id": self.run_id,
            "status": status,
            "error": error,
            "timestamp": now,
        }
        health["duration_sec"] = round(time.monotonic() - began, 6)
        (place / "stage_health.json").write_text(json.dumps(health))
        if status == "done":
            done = {"last_completed_stage": number, "last_completed_name": name, "timestamp": now}
            (self.folder / "checkpoint.json").write_text(json.dumps(done))
        beat = {"pid": os.getpid(), "last_stage": number, "last_stage_name": name, "timestamp": now}
        (self.folder / "heartbeat.json").write_text(json.dumps(beat))
        tell(f"[{self.run_id}] Stage {number:02d}/{len(STAGES)} {name} — {status}")
        self.results.append((name, status, error))
        return status, decision

    def _error(self, name, reply):
        needed = self.wanted.get("needs", {}).get(name)
        if needed and needed["word"] not in reply:
            return needed["error"]
        attempts = self.folder / f".{name}"
        times = int(attempts.read_text()) if attempts.exists() else 0
        attempts.write_text(str(times + 1))
        return "sandbox timeout" if times < self.wanted.get("fails", {}).get(name, 0) else None

    def _decision(self, name):
        back = len(self._history())
        decisions = self.wanted.get("decisions", [])
        return decisions[back] if name == "RESEARCH_DECISION" and back < len(decisions) else "proceed"

    def _back(self, decision):
        history = self._history()
        to = 13 if decision == "refine" else 8
        entry = {"decision": decision, "rollback_target": STAGES[to - 1], "rollback_stage_num": to}
        history.append({**entry, "attempt": len(history) + 1, "timestamp": stamp()})
        (self.folder / "decision_history.json").write_text(json.dumps(history))
        for number in range(to, 16):
            place = self.folder / f"stage-{number:02d}"
            if place.exists():
                place.rename(self.folder / f"stage-{number:02d}_v{len(history)}")
        return to

    def _history(self):
        place = self.folder / "decision_history.json"
        return json.loads(place.read_text()) if place.exists() else []

    def _after_checkpoint(self):
        place = self.folder / "checkpoint.json"
        return json.loads(place.read_text())["last_completed_stage"] + 1 if place.exists() else 1

    def _summary(self):
        done = sum(status == "done" for _, status, _ in self.results)
        summary = {"run_id": self.run_id, "stages_executed": len(self.results), "stages_done": done}
        (self.folder / "pipeline_summary.json").write_text(json.dumps(summary))

    def _lessons(self):
        place = self.folder / "evolution"
        place.mkdir(exist_ok=True)
        with (place / "lessons.jsonl").open("a") as file:
            for name, status, error in self.results:
                if status == "failed":
                    lesson = {
                        "stage_name": name.lower(),
                        "stage_num": STAGES.index(name) + 1,
                        "category": "experiment",
                    }
                    lesson |= {"severity": "error", "description": f"Stage {name.lower()} failed: {error}"}
                    file.write(json.dumps({**lesson, "timestamp": stamp(), "run_id": self.run_id}) + "\n")

    def _ask(self, name):
        llm = self.config["llm"]
        base, key = llm["base_url"], llm.get("api_key") or os.environ.get(llm["api_key_env"], "")
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if self.config.get("metaclaw_bridge", {}).get("enabled"):
            base = self.config["metaclaw_bridge"]["proxy_url"]
            headers |= {
                "X-Session-Id": f"arc-{self.run_id}",
                "X-Turn-Type": "main",
                "X-AutoRC-Stage": name.lower(),
            }
        text = PROMPTS.get(name, f"Carry out {name.lower()} for {self.config['research']['topic']}.")
        body = {
            "model": llm["primary_model"],
            "messages": [{"role": "user", "content": text}],
            "max_tokens": 64,
        }
        request = urllib.request.Request(f"{base}/chat/completions", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())["choices"][0]["message"]["content"]


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def stamp():
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
