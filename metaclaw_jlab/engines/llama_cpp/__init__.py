"""GGUF models on llama.cpp: a front process that speaks for one instance process for each loaded version."""
