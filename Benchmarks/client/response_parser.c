// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#define _GNU_SOURCE
#include "response_parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum state {
    STATE_HEAD, // zero, so that a zeroed parser is a new one
    STATE_SIZE_FIRST,
    STATE_SIZE,
    STATE_SIZE_EXTENSION,
    STATE_CHUNK,
    STATE_CHUNK_CR,
    STATE_CHUNK_LF,
    STATE_TRAILER,
    STATE_UNTIL_CLOSE,
    STATE_DONE,
};

struct feed {
    struct response_parser *parser;
    size_t data_size;
    event_sink sink;
    void *context;
};

static bool carry_append(struct response_parser *parser, const char *bytes, size_t length, size_t maximum) {
    size_t needed = parser->carry_length + length;
    if (needed > maximum) {
        return false;
    }
    if (needed > parser->carry_capacity) {
        size_t capacity = needed < 256 ? 256 : needed * 2;
        char *grown = realloc(parser->carry, capacity);
        if (grown == NULL) {
            return false;
        }
        parser->carry = grown;
        parser->carry_capacity = (uint32_t)capacity;
    }
    memcpy(parser->carry + parser->carry_length, bytes, length);
    parser->carry_length = (uint32_t)needed;
    return true;
}

static bool take_literal(const char **cursor, const char *end, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(end - *cursor) < length || memcmp(*cursor, literal, length) != 0) {
        return false;
    }
    *cursor += length;
    return true;
}

static bool take_number(const char **cursor, const char *end, uint64_t *number) {
    const char *start = *cursor;
    uint64_t value = 0;
    while (*cursor < end && **cursor >= '0' && **cursor <= '9') {
        value = value * 10 + (uint64_t)(**cursor - '0');
        (*cursor)++;
    }
    *number = value;
    return *cursor > start && *cursor - start <= 19;
}

// The data is compared byte for byte with the one shape every server of a run sends, rather than read as JSON: a
// mangled event must not pass as a good one.
static enum event_kind read_data(const char *value, size_t length, size_t data_size, struct measured_event *event) {
    const char *cursor = value;
    const char *end = value + length;
    bool good = (data_size == 0 || length == data_size) && take_literal(&cursor, end, "{\"seq\":") &&
                take_number(&cursor, end, &event->sequence) && take_literal(&cursor, end, ",\"ts\":") &&
                take_number(&cursor, end, &event->published_ns) && take_literal(&cursor, end, ",\"pad\":\"") &&
                end - cursor >= 2 && end[-2] == '"' && end[-1] == '}';
    return good ? EVENT_MEASURED : EVENT_MALFORMED;
}

static bool is_value(const char *value, size_t length, const char *expected) {
    return length == strlen(expected) && memcmp(value, expected, length) == 0;
}

static void read_line(const struct feed *feed, const char *line, size_t length) {
    struct response_parser *parser = feed->parser;
    if (!parser->past_first_line) {
        parser->past_first_line = true;
        if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
            line += 3;
            length -= 3;
        }
    }
    if (length == 0) {
        if (parser->has_data) {
            feed->sink(feed->context, &parser->pending);
        }
        parser->has_data = false;
        parser->pending = (struct measured_event){.kind = EVENT_MEASURED};
        return;
    }
    const char *colon = memchr(line, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - line);
    const char *value = colon == NULL ? line + length : colon + 1;
    size_t value_length = (size_t)(line + length - value);
    if (value_length > 0 && *value == ' ') {
        value++;
        value_length--;
    }
    struct measured_event *pending = &parser->pending;
    if (is_value(line, name_length, "data")) {
        // A second data line makes the data a different one from what was published.
        enum event_kind kind =
            parser->has_data ? EVENT_MALFORMED : read_data(value, value_length, feed->data_size, pending);
        parser->has_data = true;
        if (pending->kind == EVENT_MEASURED || pending->kind == EVENT_MALFORMED) {
            pending->kind = kind;
        }
    } else if (is_value(line, name_length, "event")) {
        pending->kind = is_value(value, value_length, "gap")   ? EVENT_GAP
                        : is_value(value, value_length, "end") ? EVENT_END
                                                               : EVENT_OTHER;
    }
}

static bool read_body(const struct feed *feed, const char *bytes, size_t length) {
    struct response_parser *parser = feed->parser;
    const char *end = bytes + length;
    while (bytes < end) {
        if (parser->skip_line_feed) {
            parser->skip_line_feed = false;
            if (*bytes == '\n') {
                bytes++;
                continue;
            }
        }
        const char *line_feed = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *line_end = line_feed == NULL ? end : line_feed;
        const char *carriage_return = memchr(bytes, '\r', (size_t)(line_end - bytes));
        if (carriage_return != NULL) {
            line_end = carriage_return;
            parser->skip_line_feed = true;
        } else if (line_feed == NULL) {
            return carry_append(parser, bytes, (size_t)(end - bytes), EVENT_LINE_MAX);
        }
        if (parser->carry_length == 0) {
            read_line(feed, bytes, (size_t)(line_end - bytes));
        } else {
            if (!carry_append(parser, bytes, (size_t)(line_end - bytes), EVENT_LINE_MAX)) {
                return false;
            }
            read_line(feed, parser->carry, parser->carry_length);
            parser->carry_length = 0;
        }
        bytes = line_end + 1;
    }
    return true;
}

// Case-insensitive search for a field with this value, or with this value last in its list.
static bool head_is_chunked(const char *head, size_t length) {
    const char *line = head;
    const char *end = head + length;
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end == NULL ? end : line_end;
        static const char field[] = "transfer-encoding:";
        size_t line_length = (size_t)(line_end - line);
        if (line_length > 0 && line[line_length - 1] == '\r') {
            line_length--;
        }
        if (line_length >= sizeof field - 1 + 7 && strncasecmp(line, field, sizeof field - 1) == 0 &&
            strncasecmp(line + line_length - 7, "chunked", 7) == 0) {
            return true;
        }
        line = line_end + 1;
    }
    return false;
}

// Returns how many of the bytes belong to the head; the parser leaves STATE_HEAD when the head is complete.
static enum parse_status read_head(struct response_parser *parser, const char *bytes, size_t length, size_t *used) {
    size_t before = parser->carry_length;
    size_t taken = length < RESPONSE_HEAD_MAX - before ? length : RESPONSE_HEAD_MAX - before;
    if (!carry_append(parser, bytes, taken, RESPONSE_HEAD_MAX)) {
        return PARSE_BAD_HEAD;
    }
    size_t from = before < 3 ? 0 : before - 3;
    const char *end = memmem(parser->carry + from, parser->carry_length - from, "\r\n\r\n", 4);
    if (end == NULL) {
        *used = taken;
        return taken == 0 ? PARSE_BAD_HEAD : PARSE_MORE;
    }
    size_t head_length = (size_t)(end - parser->carry) + 4;
    *used = head_length - before;
    if (head_length < 16 || memcmp(parser->carry, "HTTP/1.", 7) != 0) {
        return PARSE_BAD_HEAD;
    }
    parser->status = atoi((char[]){parser->carry[9], parser->carry[10], parser->carry[11], 0});
    if (parser->status != 200) {
        return PARSE_REFUSED;
    }
    parser->state = head_is_chunked(parser->carry, head_length) ? STATE_SIZE_FIRST : STATE_UNTIL_CLOSE;
    parser->carry_length = 0;
    return PARSE_MORE;
}

static int hexadecimal(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// One byte of the chunked framing, everything but chunk data.
static enum parse_status read_framing(struct response_parser *parser, char byte) {
    int digit = hexadecimal(byte);
    switch (parser->state) {
    case STATE_SIZE_FIRST:
        parser->chunk_left = (uint64_t)digit;
        parser->state = STATE_SIZE;
        return digit < 0 ? PARSE_BAD_CHUNK : PARSE_MORE;
    case STATE_SIZE:
        if (digit >= 0) {
            parser->chunk_left = parser->chunk_left * 16 + (uint64_t)digit;
            return parser->chunk_left > UINT32_MAX ? PARSE_BAD_CHUNK : PARSE_MORE;
        }
        if (byte != '\r' && byte != ';' && byte != ' ' && byte != '\t') {
            return PARSE_BAD_CHUNK;
        }
        parser->state = STATE_SIZE_EXTENSION;
        return PARSE_MORE;
    case STATE_SIZE_EXTENSION:
        if (byte == '\n') {
            parser->state = parser->chunk_left == 0 ? STATE_TRAILER : STATE_CHUNK;
            parser->trailer_line = 0;
        }
        return PARSE_MORE;
    case STATE_CHUNK_CR:
        parser->state = STATE_CHUNK_LF;
        return byte == '\r' ? PARSE_MORE : PARSE_BAD_CHUNK;
    case STATE_CHUNK_LF:
        parser->state = STATE_SIZE_FIRST;
        return byte == '\n' ? PARSE_MORE : PARSE_BAD_CHUNK;
    default: // STATE_TRAILER: an empty line ends the message
        if (byte == '\n') {
            if (parser->trailer_line == 0) {
                parser->state = STATE_DONE;
                return PARSE_COMPLETE;
            }
            parser->trailer_line = 0;
        } else if (byte != '\r') {
            parser->trailer_line++;
        }
        return PARSE_MORE;
    }
}

enum parse_status response_parser_feed(struct response_parser *parser, const char *bytes, size_t length,
                                       size_t data_size, event_sink sink, void *context) {
    struct feed feed = {.parser = parser, .data_size = data_size, .sink = sink, .context = context};
    const char *end = bytes + length;
    while (bytes < end) {
        size_t left = (size_t)(end - bytes);
        enum parse_status status = PARSE_MORE;
        if (parser->state == STATE_CHUNK) {
            size_t taken = left < parser->chunk_left ? left : (size_t)parser->chunk_left;
            status = read_body(&feed, bytes, taken) ? PARSE_MORE : PARSE_TOO_LONG;
            bytes += taken;
            parser->chunk_left -= taken;
            if (parser->chunk_left == 0) {
                parser->state = STATE_CHUNK_CR;
            }
        } else if (parser->state == STATE_UNTIL_CLOSE) {
            return read_body(&feed, bytes, left) ? PARSE_MORE : PARSE_TOO_LONG;
        } else if (parser->state == STATE_HEAD) {
            size_t used = 0;
            status = read_head(parser, bytes, left, &used);
            bytes += used;
        } else if (parser->state == STATE_DONE) {
            return PARSE_BAD_CHUNK; // bytes after the end of the only response we asked for
        } else {
            status = read_framing(parser, *bytes++);
        }
        if (status != PARSE_MORE && !(status == PARSE_COMPLETE && bytes < end)) {
            return status;
        }
    }
    return PARSE_MORE;
}

bool response_parser_is_open(const struct response_parser *parser) {
    return parser->state != STATE_HEAD;
}

void response_parser_free(struct response_parser *parser) {
    free(parser->carry);
    *parser = (struct response_parser){0};
}
