#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "daemon/scratch.h"

enum { redis_wait_ms = 10000, redis_poll_ms = 5, redis_end_ms = 3000 };

struct sandbox {
    char folder[scratch_bytes];
    char socket_path[scratch_bytes + 20];
    char redis_url[scratch_bytes + 40];
    pid_t redis;
    rd_kafka_t *kafka; /* owns the broker's thread */
    rd_kafka_mock_cluster_t *cluster;
};

/* Between fork and exec: only what is safe there. Its own process group, so that Ctrl-C reaches us
 * alone and we end it when the daemon has ended. */
static void become_redis(const struct sandbox *sandbox, pid_t parent)
{
    int nothing = open("/dev/null", O_RDWR);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    (void)setpgid(0, 0);
    if (nothing >= 0) {
        (void)dup2(nothing, STDIN_FILENO);
        (void)dup2(nothing, STDOUT_FILENO);
    }
    (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
                 sandbox->socket_path, "--dir", sandbox->folder, "--save", "", "--appendonly", "no",
                 "--daemonize", "no", "--maxmemory-policy", "noeviction", (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

static bool redis_answers(const char *path)
{
    redisContext *redis = redisConnectUnix(path);
    redisReply *reply = NULL;
    bool answers;

    if (redis != NULL && redis->err == 0)
        reply = redisCommand(redis, "PING");
    answers = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL)
        freeReplyObject(reply);
    if (redis != NULL)
        redisFree(redis);
    return answers;
}

static enum err start_redis(struct sandbox *sandbox, struct err_note *note)
{
    pid_t parent = getpid();
    int status = 0;

    sandbox->redis = fork();
    if (sandbox->redis == 0)
        become_redis(sandbox, parent);
    if (sandbox->redis < 0)
        return FAIL(note, ERR_IO, "no process for redis-server: %s", strerror(errno));
    for (int waited_ms = 0; waited_ms < redis_wait_ms; waited_ms += redis_poll_ms) {
        if (waitpid(sandbox->redis, &status, WNOHANG) == sandbox->redis) {
            sandbox->redis = -1;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                return FAIL(note, ERR_IO,
                            "redis-server is not on PATH; install the Debian package redis-server"
                            " (deploy/deps run)");
            return FAIL(note, ERR_IO, "redis-server ended at once, with status %d", status);
        }
        if (redis_answers(sandbox->socket_path))
            return ERR_OK;
        (void)poll(NULL, 0, redis_poll_ms);
    }
    return FAIL(note, ERR_IO, "redis-server does not answer on %s within %d s",
                sandbox->socket_path, redis_wait_ms / 1000);
}

static enum err start_broker(struct sandbox *sandbox, struct err_note *note)
{
    char text[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    /* Its own client never connects anywhere: that is no news. */
    (void)rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    (void)rd_kafka_conf_set(conf, "client.id", "sandbox", NULL, 0);
    sandbox->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (sandbox->kafka == NULL) {
        rd_kafka_conf_destroy(conf);
        return FAIL(note, ERR_BUS_DOWN, "librdkafka makes no client: %s", text);
    }
    sandbox->cluster = rd_kafka_mock_cluster_new(sandbox->kafka, 1);
    if (sandbox->cluster == NULL)
        return FAIL(note, ERR_BUS_DOWN, "librdkafka makes no in-process broker");
    return ERR_OK;
}

static enum err make_folder(struct sandbox *sandbox, struct err_note *note)
{
    TRY(scratch_folder("sandbox", 60, sandbox->folder, note)); /* a socket's path: 107 bytes */
    snprintf(sandbox->socket_path, sizeof(sandbox->socket_path), "%s/redis.sock", sandbox->folder);
    snprintf(sandbox->redis_url, sizeof(sandbox->redis_url), "unix://%s", sandbox->socket_path);
    return ERR_OK;
}

enum err sandbox_create(struct sandbox **sandbox, struct err_note *note)
{
    struct sandbox *made = memory_zalloc(sizeof(*made), "the sandbox");
    enum err err;

    made->redis = -1;
    err = make_folder(made, note);
    if (err == ERR_OK)
        err = start_redis(made, note); /* before there are threads: it forks */
    if (err == ERR_OK)
        err = start_broker(made, note);
    if (err != ERR_OK) {
        sandbox_destroy(made);
        made = NULL;
    }
    *sandbox = made;
    return err;
}

enum err sandbox_topic(struct sandbox *sandbox, const char *name, int32_t partitions,
                       struct err_note *note)
{
    rd_kafka_resp_err_t answer = rd_kafka_mock_topic_create(sandbox->cluster, name, partitions, 1);

    if (answer != RD_KAFKA_RESP_ERR_NO_ERROR)
        return FAIL(note, ERR_BUS_REFUSED, "the in-process broker makes no topic %s: %s", name,
                    rd_kafka_err2str(answer));
    return ERR_OK;
}

const char *sandbox_bootstrap(const struct sandbox *sandbox)
{
    return rd_kafka_mock_cluster_bootstraps(sandbox->cluster);
}

const char *sandbox_redis_url(const struct sandbox *sandbox)
{
    return sandbox->redis_url;
}

static void end_redis(pid_t redis)
{
    if (redis <= 0)
        return;
    (void)kill(redis, SIGTERM);
    for (int waited_ms = 0; waited_ms < redis_end_ms; waited_ms += redis_poll_ms) {
        if (waitpid(redis, NULL, WNOHANG) != 0)
            return;
        (void)poll(NULL, 0, redis_poll_ms);
    }
    (void)kill(redis, SIGKILL);
    (void)waitpid(redis, NULL, 0);
}

void sandbox_destroy(struct sandbox *sandbox)
{
    if (sandbox == NULL)
        return;
    if (sandbox->cluster != NULL)
        rd_kafka_mock_cluster_destroy(sandbox->cluster);
    if (sandbox->kafka != NULL)
        rd_kafka_destroy(sandbox->kafka);
    end_redis(sandbox->redis);
    if (sandbox->folder[0] != '\0') {
        (void)unlink(sandbox->socket_path);
        (void)rmdir(sandbox->folder);
    }
    free(sandbox);
}
