/* tests/sim/suite.c on the real librdkafka: suite_kafka SERVERS STATE_TOPIC JOURNAL_TOPIC */
#include <stdio.h>

#include "tests/sim/suite.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: suite_kafka SERVERS STATE_TOPIC JOURNAL_TOPIC\n");
        return 2;
    }
    return suite_run(argv[1], argv[2], argv[3]) > 0;
}
