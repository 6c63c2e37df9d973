"""The Grafana dashboards, from a short source: `python -m scripts.dashboards` writes them, `--check` compares."""
