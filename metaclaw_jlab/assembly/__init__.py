"""The one place that chooses concrete classes: what a kernel, the CLI or a server works with."""

from __future__ import annotations

from metaclaw_jlab.assembly.workspace import (
    Workspace,
    open_workspace,
    policy_name,
    uses_embedded_policy,
)

__all__ = ["Workspace", "open_workspace", "policy_name", "uses_embedded_policy"]
