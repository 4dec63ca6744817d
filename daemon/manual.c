#include "daemon/manual.h"

#include <string.h>

const struct manual_kafka manual_kafka_keys[] = {
    {"kafka.bootstrap.servers", NULL, ARG_OFFER_NOTHING, "Brokers: one:9092,two:9092."},
    {"kafka.security.protocol", "plaintext|ssl|sasl_plaintext|sasl_ssl", ARG_OFFER_WORDS,
     "How brokers are spoken to."},
    {"kafka.sasl.mechanism", "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512|GSSAPI|OAUTHBEARER",
     ARG_OFFER_WORDS, "How one logs in."},
    {"kafka.sasl.username", NULL, ARG_OFFER_NOTHING, "As whom."},
    {"kafka.ssl.ca.location", NULL, ARG_OFFER_FILES, "Certificates of those who are trusted."},
    {"kafka.ssl.certificate.location", NULL, ARG_OFFER_FILES, "One's own certificate."},
    {"kafka.ssl.key.location", NULL, ARG_OFFER_FILES, "Its key."},
    {NULL, NULL, ARG_OFFER_NOTHING, NULL},
};

void manual_each(const struct command_context *context,
                 void (*on_command)(void *user, const struct command *command,
                                    const struct args_spec *spec),
                 void *user)
{
    for (const struct command *command = context->table; command->name != NULL; command++) {
        static struct command_context asked;
        struct err_note note;
        char name[40];
        char *argv[] = {name, NULL};
        enum err err;

        snprintf(name, sizeof(name), "%s", command->name);
        asked = (struct command_context){.table = context->table,
                                         .command = command,
                                         .out = context->out,
                                         .err = context->err,
                                         .describe = on_command,
                                         .describe_user = user};
        err = command->main(&asked, 1, argv, &note);
        (void)err; /* ERR_END: args_parse() ends every command when it is only asked */
    }
}

enum manual_block manual_next_block(const char **text, struct slice *block)
{
    const char *at = *text, *begin;
    bool literal;

    if (at == NULL)
        return MANUAL_END;
    at += strspn(at, "\n");
    if (*at == '\0')
        return MANUAL_END;
    literal = *at == ' ';
    for (begin = at; *at != '\0' && *at != '\n' && (*at == ' ') == literal;) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    *block = slice_make((const uint8_t *)begin, (size_t)(at - begin));
    *text = at;
    return literal ? MANUAL_LITERAL : MANUAL_PROSE;
}

const char *manual_option_words(const struct option_row *row)
{
    switch (row->type) {
    case OPTION_TYPE_BOOL: return "true|false";
    case OPTION_TYPE_CHOICE: return row->choices;
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_INT:
    case OPTION_TYPE_MS:
    case OPTION_TYPE_DURATION:
    case OPTION_TYPE_SIZE:
    case OPTION_TYPE_MEDIA: break;
    }
    return NULL;
}
