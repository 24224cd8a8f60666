// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Incremental parser of one HTTP/1.1 response that carries an event stream: head, chunked framing (RFC 9112 §7.1) or
// close-delimited body, then the lines of the WHATWG event stream. Bytes may be split anywhere. It is no general
// parser: only what the measurement needs of an event is kept (kind, sequence, time of publication).

#ifndef HEADWATER_BENCH_RESPONSE_PARSER_H
#define HEADWATER_BENCH_RESPONSE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
    EVENT_MEASURED,  // data is {"seq":…,"ts":…,"pad":"…"}
    EVENT_MALFORMED, // an unnamed event with other data, or with data of another size than expected
    EVENT_GAP,       // `event: gap`: the server says that it lost the position
    EVENT_END,       // `event: end`: the server says that the stream is over
    EVENT_OTHER,     // any other named event
};

struct measured_event {
    enum event_kind kind;
    uint64_t sequence;
    uint64_t published_ns;
};

enum parse_status {
    PARSE_MORE,      // give it the next bytes
    PARSE_COMPLETE,  // the last chunk has been read
    PARSE_BAD_HEAD,  // the head is no head, or longer than RESPONSE_HEAD_MAX
    PARSE_REFUSED,   // a head with a status other than 200
    PARSE_BAD_CHUNK, // the framing is broken
    PARSE_TOO_LONG,  // a line is longer than EVENT_LINE_MAX
};

// Bounds of what one stream may make the client hold.
#define RESPONSE_HEAD_MAX (16 * 1024)
#define EVENT_LINE_MAX (128 * 1024)

struct response_parser {
    struct measured_event pending;
    uint64_t chunk_left;
    char *carry; // the begun line (or head) of earlier bytes; allocated only when a line is split
    uint32_t carry_length;
    uint32_t carry_capacity;
    uint32_t trailer_line;
    int status;
    uint8_t state;
    bool skip_line_feed;
    bool has_data;
    bool past_first_line;
};

typedef void (*event_sink)(void *context, const struct measured_event *event);

// `data_size` is the number of bytes that the data of a measured event must have, 0 for any.
enum parse_status response_parser_feed(struct response_parser *parser, const char *bytes, size_t length,
                                       size_t data_size, event_sink sink, void *context);

// True once the head has been read and the status was 200.
bool response_parser_is_open(const struct response_parser *parser);

void response_parser_free(struct response_parser *parser);

#endif
