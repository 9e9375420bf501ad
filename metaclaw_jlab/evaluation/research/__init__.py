"""The research pipeline as a benchmark: AutoResearchClaw, run as it is installed, once for each arm and run, with its
model calls led through the proxy of a home of the arm's own.

What it reads of a run's folder (stage_health.json, decision.json, decision_history.json, pipeline_summary.json,
evolution/lessons.jsonl) is as its public source writes it, versions 0.3 to 0.5. It was tried with recorded files and a
stand-in for the program, never with the program itself and a model behind it.
"""
