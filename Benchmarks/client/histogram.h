// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Log-bucket histogram of nanoseconds: 64 buckets per power of two, so a quantile is at most 1.6 % too high and the
// whole range of 64 bits costs 30 KB. Recording is two shifts and an increment: it must not show beside a recv().

#ifndef HEADWATER_BENCH_HISTOGRAM_H
#define HEADWATER_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
    double sum;
};

static inline unsigned histogram_index(uint64_t value) {
    if (value < HISTOGRAM_SUB) {
        return (unsigned)value;
    }
    unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
    unsigned shift = exponent - HISTOGRAM_SUB_BITS;
    return (shift + 1) * HISTOGRAM_SUB + (unsigned)((value >> shift) - HISTOGRAM_SUB);
}

// The highest value that falls into the bucket: quantiles err upwards, never downwards.
static inline uint64_t histogram_upper(unsigned index) {
    if (index < HISTOGRAM_SUB) {
        return index;
    }
    unsigned shift = index / HISTOGRAM_SUB - 1;
    uint64_t mantissa = index % HISTOGRAM_SUB + HISTOGRAM_SUB;
    return (mantissa << shift) + ((1ull << shift) - 1);
}

static inline void histogram_record(struct histogram *histogram, uint64_t value) {
    histogram->counts[histogram_index(value)]++;
    histogram->total++;
    histogram->sum += (double)value;
    if (value > histogram->max) {
        histogram->max = value;
    }
}

static inline uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    if (histogram->total == 0) {
        return 0;
    }
    uint64_t rank = (uint64_t)(quantile * (double)histogram->total + 0.5);
    rank = rank == 0 ? 1 : rank;
    uint64_t seen = 0;
    for (unsigned index = 0; index < HISTOGRAM_BUCKETS; index++) {
        seen += histogram->counts[index];
        if (seen >= rank) {
            uint64_t upper = histogram_upper(index);
            return upper < histogram->max ? upper : histogram->max;
        }
    }
    return histogram->max;
}

#endif
