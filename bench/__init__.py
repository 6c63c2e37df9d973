"""The figures of a voice turn, measured side by side: see README.md in this folder. `python -m bench` runs them."""
