#!/usr/bin/env python3
"""Makes deploy/kubernetes/prometheusrule.yaml of deploy/monitoring/rules.yaml: the same rules, as the
Prometheus operator takes them. Does nothing where the rules are not there."""

import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
RULES = os.path.join(ROOT, "deploy", "monitoring", "rules.yaml")
MADE = os.path.join(ROOT, "deploy", "kubernetes", "prometheusrule.yaml")
HEAD = """\
# Made of deploy/monitoring/rules.yaml by `make docs`; change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ringback
  labels:
    app.kubernetes.io/name: ringback
spec:
"""


def made():
    """The manifest's text: the rules' file, moved to the right. None: there are no rules."""
    if not os.path.exists(RULES):
        return None
    with open(RULES) as file:
        return HEAD + "".join("  " + line if line.strip() else line for line in file)


if __name__ == "__main__":
    text = made()
    if text is not None:
        with open(MADE, "w") as file:
            file.write(text)
