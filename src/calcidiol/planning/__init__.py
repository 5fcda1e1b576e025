"""The answer: build a plan, seal it in a capsule, replay it."""
