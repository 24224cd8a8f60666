# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What the interop tests share: child processes, the origin under test, and a client that speaks raw bytes."""
