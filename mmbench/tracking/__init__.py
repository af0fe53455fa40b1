"""What training logs, and to what: ``log.jsonl``, TensorBoard, others. Imports no torch; no key follows it."""
