// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: fanout --port PORT [options]\n"
    "Opens streams on a server-sent events origin, checks every event and prints JSON lines: opened,\n"
    "window, window_end, result. Exits 0 if nothing was lost, out of order, twice or malformed, 1 if something was,\n"
    "and 2 if it could not run.\n"
    "  --host 127.0.0.1     IPv4 address; from loopback, several source addresses are used so that ports suffice\n"
    "  --path /events       target of the GET\n"
    "  --streams 100        how many streams, the slow ones included\n"
    "  --slow 0             how many of them never read\n"
    "  --ramp 0             connects per second; 0: as fast as response heads come back\n"
    "  --settle 1           seconds between the last head and the window\n"
    "  --duration 10        seconds of the measured window\n"
    "  --data-size 0        exact bytes of an event's data; 0: any\n"
    "  --coalesce 200       microseconds of sleep after a short batch, so that the server does not pay for waking\n"
    "                       this process at every write; adds up to this much to the lag; 0: wake for every event\n"
    "  --idle               open and hold the streams, expect no events\n"
    "  --csv FILE           one row per stream\n"
    "example: fanout --port 8080 --path '/events?interval=50&size=256' --streams 2000 --duration 10\n";

static _Noreturn void refuse(const char *option, const char *value) {
    fprintf(stderr, "fanout: --%s: '%s' is not a number in range\n%s", option, value, usage);
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

struct options options_parse(int count, char **arguments) {
    struct options options = {
        .host = "127.0.0.1", .path = "/events", .streams = 100, .coalesce = 200, .settle = 1, .duration = 10};
    enum { HOST = 1, PORT, PATH, STREAMS, SLOW, RAMP, SETTLE, DURATION, SIZE, COALESCE, IDLE, CSV, HELP };
    static const struct option known[] = {
        {"host", 1, 0, HOST},         {"port", 1, 0, PORT},     {"path", 1, 0, PATH},
        {"streams", 1, 0, STREAMS},   {"slow", 1, 0, SLOW},     {"ramp", 1, 0, RAMP},
        {"settle", 1, 0, SETTLE},     {"idle", 0, 0, IDLE},     {"duration", 1, 0, DURATION},
        {"data-size", 1, 0, SIZE},    {"csv", 1, 0, CSV},       {"coalesce", 1, 0, COALESCE},
        {"help", 0, 0, HELP},         {0},
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
        case RAMP: options.ramp = (unsigned)number(name, optarg, 0, 1000000); break;
        case SETTLE: options.settle = number(name, optarg, 0, 600); break;
        case DURATION: options.duration = number(name, optarg, 0.1, 86400); break;
        case SIZE: options.data_size = (unsigned)number(name, optarg, 0, 65536); break;
        case COALESCE: options.coalesce = (unsigned)number(name, optarg, 0, 100000); break;
        case IDLE: options.idle = true; break;
        case CSV: options.csv = optarg; break;
        case HELP: fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(64);
        }
    }
    if (options.port == 0 || optind < count || options.slow >= options.streams) {
        fprintf(stderr, "fanout: needs --port, --slow below --streams, and no arguments\n%s", usage);
        exit(64);
    }
    return options;
}
