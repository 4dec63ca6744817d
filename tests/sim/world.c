#include "tests/sim/world.h"

#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <xxhash.h>

#include "base/memory.h"
#include "tests/support/chance.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define FIBER_LEAVE(save, to, size) __sanitizer_start_switch_fiber(save, to, size)
#define FIBER_ENTER(save)           __sanitizer_finish_switch_fiber(save, NULL, NULL)
#define STACK_CLEAN(at, size)       ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define FIBER_LEAVE(save, to, size) ((void)(save))
#define FIBER_ENTER(save)           ((void)(save))
#define STACK_CLEAN(at, size)       ((void)(at))
#endif

enum { stack_bytes = 512 * 1024, stacks_max = 256 };

struct task {
    struct process *process;
    ucontext_t context; /* to begin with; then jumps, which make no system calls */
    jmp_buf at;
    bool begun;
    void *stack;
    world_fn *main;
    void *argument;
    uint64_t waits; /* how often it waited: an old alarm is none */
    bool waiting;
    bool woken;
    bool ended;
    struct task *next;
};

struct event {
    int64_t at_us;
    uint64_t number;
    struct process *process; /* NULL: the world's own */
    world_fn *fn;
    void *context;
    uint64_t waits; /* of a task: fn NULL, context the task */
};

static struct {
    struct chance chance;
    int64_t now_us;
    uint64_t events_made;
    struct event *heap;
    size_t count;
    size_t capacity;
    struct process *processes;
    struct task *tasks;
    struct task *current;
    jmp_buf scheduler_at;
    void *scheduler_fake;
    const void *scheduler_stack;
    size_t scheduler_stack_size;
    XXH3_state_t *digest;
} world;

static void *stacks[stacks_max]; /* kept from one world to the next */
static size_t stack_count;

bool world_loud;
void (*world_on_io)(struct process *process, const char *what);

/* --- time and chance --- */

int64_t world_now(void)
{
    return world.now_us;
}

void world_spend(int64_t us)
{
    world.now_us += us;
}

uint64_t world_below(uint64_t bound)
{
    return chance_below(&world.chance, bound);
}

bool world_one_in(uint64_t count)
{
    return world_below(count) == 0;
}

int64_t world_spread(int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)(high - low) + 1;
    uint64_t draw = world_below(span);

    for (int i = 0; i < 2; i++) {
        uint64_t other = world_below(span);

        draw = other < draw ? other : draw;
    }
    return low + (int64_t)draw;
}

struct slice world_copy(struct slice slice)
{
    uint8_t *data;

    if (slice.data == NULL)
        return slice;
    data = memory_alloc(slice.size + 1, "a copy");
    memcpy(data, slice.data, slice.size);
    data[slice.size] = '\0';
    return slice_make(data, slice.size);
}

void world_trace(const char *format, ...)
{
    char line[500];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof(line))
        size = sizeof(line) - 1;
    XXH3_64bits_update(world.digest, &world.now_us, sizeof(world.now_us));
    XXH3_64bits_update(world.digest, line, (size_t)size);
    if (world_loud)
        printf("%11.6f %s\n", (double)world.now_us / 1e6, line);
}

uint64_t world_digest(void)
{
    return XXH3_64bits_digest(world.digest);
}

/* --- events --- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->number < b->number);
}

static void push(struct event event)
{
    size_t at = world.count++;

    event.number = world.events_made++;
    if (world.count > world.capacity) {
        world.capacity = 2 * world.capacity + 1024;
        world.heap = memory_grow(world.heap, world.capacity * sizeof(event), "events");
    }
    while (at > 0 && before(&event, &world.heap[(at - 1) / 2])) {
        world.heap[at] = world.heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world.heap[at] = event;
}

static struct event pop(void)
{
    struct event first = world.heap[0], last = world.heap[--world.count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= world.count)
            break;
        if (child + 1 < world.count && before(&world.heap[child + 1], &world.heap[child]))
            child++;
        if (!before(&world.heap[child], &last))
            break;
        world.heap[at] = world.heap[child];
        at = child;
    }
    world.heap[at] = last;
    return first;
}

void world_at(int64_t at_us, world_fn *fn, void *context)
{
    push((struct event){.at_us = at_us, .fn = fn, .context = context});
}

void world_at_process(struct process *process, int64_t at_us, world_fn *fn, void *context)
{
    push((struct event){.at_us = at_us, .process = process, .fn = fn, .context = context});
}

/* --- tasks --- */

static void leave(struct task *task)
{
    void *fake = NULL;

    (void)task;
    FIBER_LEAVE(task->ended ? NULL : &fake, world.scheduler_stack, world.scheduler_stack_size);
    if (_setjmp(task->at) == 0)
        _longjmp(world.scheduler_at, 1);
    FIBER_ENTER(fake);
}

static void task_main(void)
{
    struct task *task = world.current;

#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &world.scheduler_stack, &world.scheduler_stack_size);
#endif
    task->main(task->argument);
    task->ended = true;
    task->process->live_tasks--;
    process_wake(task->process);
    leave(task);
}

static void enter(struct task *task)
{
    world.current = task;
    task->waiting = task->woken = false;
    FIBER_LEAVE(&world.scheduler_fake, task->stack, stack_bytes);
    if (_setjmp(world.scheduler_at) == 0) {
        if (task->begun)
            _longjmp(task->at, 1);
        task->begun = true;
        setcontext(&task->context);
    }
    task = world.current; /* the jump may have forgotten it */
    FIBER_ENTER(world.scheduler_fake);
    world.current = NULL;
    if (task->ended && task->stack != NULL) {
        STACK_CLEAN(task->stack, stack_bytes);
        if (stack_count < stacks_max)
            stacks[stack_count++] = task->stack;
        else
            free(task->stack);
        task->stack = NULL;
    }
}

static struct task *make_task(struct process *process, world_fn *main, void *context)
{
    struct task *task = memory_zalloc(sizeof(*task), "a task");

    task->process = process;
    task->main = main;
    task->argument = context;
    task->stack =
        stack_count > 0 ? stacks[--stack_count] : memory_alloc(stack_bytes, "a task's stack");
    getcontext(&task->context);
    task->context.uc_stack.ss_sp = task->stack;
    task->context.uc_stack.ss_size = stack_bytes;
    task->context.uc_link = NULL;
    makecontext(&task->context, task_main, 0);
    task->next = world.tasks;
    world.tasks = task;
    task->waiting = true;
    process->live_tasks++;
    push((struct event){.at_us = world.now_us, .process = process, .context = task});
    return task;
}

struct task *task_start(world_fn *main, void *context)
{
    return make_task(process_current(), main, context);
}

bool task_ended(const struct task *task)
{
    return task->ended;
}

void task_wait(int64_t until_us)
{
    struct task *task = world.current;

    assert(task != NULL);
    task->waiting = true;
    task->waits++;
    push((struct event){.at_us = until_us > world.now_us ? until_us : world.now_us,
                        .process = task->process,
                        .context = task,
                        .waits = task->waits});
    leave(task);
}

/* --- processes --- */

struct process *process_current(void)
{
    return world.current == NULL ? NULL : world.current->process;
}

struct process *process_first(void)
{
    return world.processes;
}

struct process *process_start(int number, world_fn *main, void *context)
{
    struct process *process = memory_zalloc(sizeof(*process), "a process");

    process->number = number;
    process->life = 1;
    for (struct process *other = world.processes; other != NULL; other = other->next) {
        if (other->number == number && other->life >= process->life)
            process->life = other->life + 1;
    }
    process->alive = true;
    process->next = world.processes;
    world.processes = process;
    world_trace("process %d.%d starts", process->number, process->life);
    make_task(process, main, context);
    return process;
}

void process_wake(struct process *process)
{
    for (struct task *task = world.tasks; task != NULL; task = task->next) {
        if (task->process != process || !task->waiting || task->woken)
            continue;
        task->woken = true;
        push((struct event){
            .at_us = world.now_us, .process = process, .context = task, .waits = task->waits});
    }
}

void process_kill(struct process *process, const char *why)
{
    struct task *current = world.current;

    if (!process->alive)
        return;
    world_trace("process %d.%d dies: %s", process->number, process->life, why);
    process->alive = false;
    process->live_tasks = 0;
    for (struct task *task = world.tasks; task != NULL; task = task->next) {
        if (task->process != process || task->ended)
            continue;
        task->ended = true;
        if (task != current && task->stack != NULL) {
            STACK_CLEAN(task->stack, stack_bytes);
            if (stack_count < stacks_max)
                stacks[stack_count++] = task->stack;
            task->stack = NULL;
        }
    }
    if (current != NULL && current->process == process) {
        leave(current);
        abort();
    }
}

void process_freeze(struct process *process, int64_t until_us)
{
    world_trace("process %d.%d is frozen for %" PRId64 " ms", process->number, process->life,
                (until_us - world.now_us) / world_ms_us);
    process->frozen_us = until_us;
}

void world_io(const char *what)
{
    struct process *process = process_current();

    world_spend(1 + (int64_t)world_below(4));
    if (process != NULL && world_on_io != NULL)
        world_on_io(process, what);
    if (process == NULL)
        return;
    if (process->frozen_us > world.now_us)
        task_wait(process->frozen_us);
    else if (world.count > 0 && world.heap[0].at_us < world.now_us)
        task_wait(world.now_us); /* what is due elsewhere happens first */
}

/* --- the world --- */

void world_begin(uint64_t seed)
{
    memset(&world, 0, sizeof(world));
    world.chance = (struct chance){.seed = seed, .state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    world.digest = XXH3_createState();
    XXH3_64bits_reset(world.digest);
}

void world_end(void)
{
    while (world.processes != NULL) {
        struct process *process = world.processes;

        process_kill(process, "the end of the world");
        world.processes = process->next;
        free(process);
    }
    while (world.tasks != NULL) {
        struct task *task = world.tasks;

        world.tasks = task->next;
        free(task);
    }
    XXH3_freeState(world.digest);
    free(world.heap);
    memset(&world, 0, sizeof(world));
}

static void happen(struct event event)
{
    if (event.process != NULL && !event.process->alive)
        return;
    if (event.process != NULL && event.process->frozen_us > world.now_us) {
        event.at_us = event.process->frozen_us;
        push(event);
        return;
    }
    if (event.fn != NULL) {
        event.fn(event.context);
        return;
    }
    struct task *task = event.context;

    if (!task->ended && task->waiting && task->waits == event.waits)
        enter(task);
}

void world_run(int64_t until_us)
{
    while (world.count > 0 && world.heap[0].at_us <= until_us) {
        struct event event = pop();

        if (event.at_us > world.now_us)
            world.now_us = event.at_us;
        happen(event);
    }
    if (world.now_us < until_us)
        world.now_us = until_us;
}
