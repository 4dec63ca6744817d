#include "daemon/aside.h"

#include "daemon/command.h"

static bool stopped(void *context)
{
    struct aside *aside = context;

    return command_stopped() || atomic_load(&aside->stop);
}

static void *run(void *context)
{
    struct aside *aside = context;

    aside->err = run_daemon(&aside->run, &aside->note);
    atomic_store(&aside->ended, true);
    return NULL;
}

enum err aside_start(struct aside *aside, const struct options *options, bool described,
                     struct err_note *note)
{
    aside->run = (struct run_options){.options = options,
                                      .described = described,
                                      .stopped = stopped,
                                      .context = aside,
                                      .deciding = &aside->deciding};
    aside->note = (struct err_note){.err = ERR_OK};
    atomic_store(&aside->stop, false);
    atomic_store(&aside->ended, false);
    atomic_store(&aside->deciding, 0);
    if (pthread_create(&aside->thread, NULL, run, aside) != 0)
        return FAIL(note, ERR_IO, "no thread for the daemon");
    return ERR_OK;
}

bool aside_ended(struct aside *aside)
{
    return command_stopped() || atomic_load(&aside->ended);
}

enum err aside_stop(struct aside *aside, struct err_note *note)
{
    atomic_store(&aside->stop, true);
    (void)pthread_join(aside->thread, NULL);
    if (aside->err != ERR_OK)
        *note = aside->note;
    return aside->err;
}
