// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: fanout --port PORT [options]       over HTTP/1.1, a connection for each stream\n"
    "       fanout-h2 --port PORT [options]    over HTTP/2, by prior knowledge or ALPN\n"
    "Opens streams on a server-sent events origin, checks every event and prints JSON lines: opened,\n"
    "window, window_end, result. Exits 0 if nothing was lost, out of order, twice or malformed, 1 if something was,\n"
    "and 2 if it could not run.\n"
    "  --host 127.0.0.1     IPv4 address; from loopback, fanout uses several source addresses so that ports suffice\n"
    "  --path /events       target of the GET\n"
    "  --tls                speak TLS; the certificate is not verified\n"
    "  --streams 100        how many streams, the slow ones included\n"
    "  --connections 1      fanout-h2: over how many connections they are spread\n"
    "  --slow 0             how many of them, from the first, never read; fanout-h2: never open their window again\n"
    "  --window 0           fanout-h2: initial window of a stream in bytes, opened again when half is used; 0: never\n"
    "                       in the way\n"
    "  --settle 1           seconds between the last head and the window\n"
    "  --duration 10        seconds of the measured window\n"
    "  --data-size 0        exact bytes of an event's data; 0: any\n"
    "  --coalesce 200       microseconds of sleep after a short batch, so that the server does not pay for waking\n"
    "                       this process at every write; adds up to this much to the lag; 0: wake for every event\n"
    "  --idle               open and hold the streams, expect no events\n"
    "example: fanout --port 8080 --path '/events?interval=50&size=256' --streams 2000 --duration 10\n"
    "         fanout-h2 --port 8080 --path '/events?interval=100&size=256' --streams 9000 --connections 3\n";

static const char *program;

static _Noreturn void refuse(const char *option, const char *value) {
    fprintf(stderr, "%s: --%s: '%s' is not a number in range\n%s", program, option, value, usage);
    exit(64);
}

static double number(const char *option, const char *text, double minimum, double maximum) {
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= minimum && value <= maximum)) {
        refuse(option, text);
    }
    return value;
}

struct options options_parse(const char *name_of_program, int count, char **arguments) {
    program = name_of_program;
    struct options options = {.host = "127.0.0.1",
                              .path = "/events",
                              .streams = 100,
                              .connections = 1,
                              .coalesce = 200,
                              .settle = 1,
                              .duration = 10};
    enum {
        HOST = 1, PORT, PATH, STREAMS, SLOW, SETTLE, DURATION, SIZE, COALESCE, IDLE, TLS, CONNECTIONS, WINDOW, HELP
    };
    static const struct option known[] = {
        {"host", 1, 0, HOST},         {"port", 1, 0, PORT},         {"path", 1, 0, PATH},
        {"streams", 1, 0, STREAMS},   {"slow", 1, 0, SLOW},         {"settle", 1, 0, SETTLE},
        {"idle", 0, 0, IDLE},         {"duration", 1, 0, DURATION}, {"data-size", 1, 0, SIZE},
        {"coalesce", 1, 0, COALESCE}, {"window", 1, 0, WINDOW},     {"tls", 0, 0, TLS},
        {"connections", 1, 0, CONNECTIONS}, {"help", 0, 0, HELP},   {0},
    };
    int index = 0;
    for (int found; (found = getopt_long(count, arguments, "", known, &index)) != -1;) {
        const char *name = known[index].name;
        switch (found) {
        case HOST: options.host = optarg; break;
        case PORT: options.port = (uint16_t)number(name, optarg, 1, 65535); break;
        case PATH: options.path = optarg; break;
        case STREAMS: options.streams = (unsigned)number(name, optarg, 1, 1000000); break;
        case SLOW: options.slow = (unsigned)number(name, optarg, 0, 1000000); break;
        case CONNECTIONS: options.connections = (unsigned)number(name, optarg, 1, 10000); break;
        case WINDOW: options.window = (unsigned)number(name, optarg, 0, 2147483647); break;
        case SETTLE: options.settle = number(name, optarg, 0, 600); break;
        case DURATION: options.duration = number(name, optarg, 0.1, 86400); break;
        case SIZE: options.data_size = (unsigned)number(name, optarg, 0, 65536); break;
        case COALESCE: options.coalesce = (unsigned)number(name, optarg, 0, 100000); break;
        case IDLE: options.idle = true; break;
        case TLS: options.tls = true; break;
        case HELP: fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(64);
        }
    }
    if (options.port == 0 || optind < count || options.slow >= options.streams ||
        options.connections > options.streams) {
        fprintf(stderr, "%s: needs --port, --slow below --streams, not more --connections, and no arguments\n%s",
                program, usage);
        exit(64);
    }
    return options;
}
