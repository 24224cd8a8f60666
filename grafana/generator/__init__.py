# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The dashboards, one module each, and what their panels have in common (panel.py, dashboard.py)."""
