// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The parser must give the same events however its input is split: every response below is fed whole, byte by byte
// and in two and three parts at every position. `make -C Benchmarks check` runs it.

#include "response_parser.h"

#include <stdio.h>
#include <string.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

struct expectation {
    const char *name;
    const char *response;
    const char *events; // M<seq>@<ts>, m malformed, G gap, E end, O other
    enum parse_status status;
    size_t data_size;
};

static const struct expectation expectations[] = {
    {"chunked, one event per chunk",
     CHUNKED "10\r\n: connected\n\nid\n\r\n1F;x=y\r\nid: e.1\ndata: {\"seq\":1,\"ts\":10,\r\n"
             "b\r\n\"pad\":\"xx\"}\r\n2\r\n\n\n\r\n0\r\nTrailer: x\r\n\r\n",
     "M1@10 ", PARSE_COMPLETE, 0},
    {"close-delimited, all line ends",
     HEAD "\r\n\xEF\xBB\xBF"
          "data: {\"seq\":7,\"ts\":8,\"pad\":\"\"}\r\rdata:{\"seq\":8,\"ts\":9,\"pad\":\"\"}\r\n\r\n"
          "event: gap\ndata: {}\n\ndata: {}\nevent: end\n\nevent:x\ndata\n\nevent: y\n\n",
     "M7@8 M8@9 G E O ", PARSE_MORE, 0},
    {"other data is malformed",
     HEAD "\r\ndata: {\"seq\":7,\"ts\":8,\"pad\":\"\"\n\ndata: x\n\n"
          "data: {\"seq\":1,\"ts\":2,\"pad\":\"\"}\ndata: x\n\n",
     "m m m ", PARSE_MORE, 0},
    {"another size is malformed", HEAD "\r\ndata: {\"seq\":7,\"ts\":8,\"pad\":\"\"}\n\n", "m ", PARSE_MORE, 27},
    {"refusal", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "", PARSE_REFUSED, 0},
    {"not HTTP", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "", PARSE_BAD_HEAD, 0},
    {"chunk without size", CHUNKED "\r\n", "", PARSE_BAD_CHUNK, 0},
    {"chunk longer than said", CHUNKED "1\r\n\nx\r\n", "", PARSE_BAD_CHUNK, 0},
    {"bytes after the end", CHUNKED "0\r\n\r\nx", "", PARSE_BAD_CHUNK, 0},
};

struct record {
    char text[256];
    size_t length;
};

static void write_down(void *context, const struct measured_event *event) {
    struct record *record = context;
    static const char letters[] = {'M', 'm', 'G', 'E', 'O'};
    char *into = record->text + record->length;
    size_t room = sizeof record->text - record->length;
    int written = event->kind == EVENT_MEASURED
                      ? snprintf(into, room, "M%lu@%lu ", event->sequence, event->published_ns)
                      : snprintf(into, room, "%c ", letters[event->kind]);
    record->length += (size_t)written;
}

// Feeds the response cut at two places; returns whether the outcome is the expected one.
static int feed_in_parts(const struct expectation *expected, size_t first, size_t second, size_t step) {
    struct response_parser parser = {0};
    struct record record = {0};
    enum parse_status status = PARSE_MORE;
    size_t length = strlen(expected->response);
    size_t from = 0;
    while (from < length && (status == PARSE_MORE || status == PARSE_COMPLETE)) {
        size_t to = step > 0 ? from + step : from < first ? first : from < second ? second : length;
        to = to > length ? length : to;
        status = response_parser_feed(&parser, expected->response + from, to - from, expected->data_size, write_down,
                                      &record);
        from = to;
    }
    response_parser_free(&parser);
    if (status == expected->status && strcmp(record.text, expected->events) == 0) {
        return 1;
    }
    fprintf(stderr, "%s, cut at %zu and %zu (step %zu): events \"%s\", status %d, but expected \"%s\", %d\n",
            expected->name, first, second, step, record.text, status, expected->events, expected->status);
    return 0;
}

int main(void) {
    for (size_t index = 0; index < sizeof expectations / sizeof *expectations; index++) {
        const struct expectation *expected = &expectations[index];
        size_t length = strlen(expected->response);
        if (!feed_in_parts(expected, 0, 0, 1)) {
            return 1;
        }
        for (size_t first = 0; first <= length; first++) {
            for (size_t second = first; second <= length; second++) {
                if (!feed_in_parts(expected, first, second, 0)) {
                    return 1;
                }
            }
        }
    }
    printf("response parser: every split of %zu responses gives the same events\n",
           sizeof expectations / sizeof *expectations);
    return 0;
}
