# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The benchmark harness: processes (start, end, sample), servers (what is compared), rounds, report."""
