# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What the operations tests share: where files are, how PromQL and kustomizations are read, and a real Prometheus."""
