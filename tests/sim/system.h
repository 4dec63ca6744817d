/* The system as the world gives it to the product. */
#ifndef RINGBACK_TESTS_SIM_SYSTEM_H
#define RINGBACK_TESTS_SIM_SYSTEM_H

#include <stdint.h>

/* Unix ms of the world's beginning. */
void system_begin(int64_t start_ms);
extern int64_t system_start_ms;
/* The true time as a clock that is right shows it. */
int64_t system_wall_ms(void);

/* A descriptor of the running process that poll() knows. */
int system_fd(void);
void system_signal(int fd);
void system_unsignal(int fd);
void system_close(int fd);

/* How often a process ended itself: its watchdogs. Never set back. */
extern uint64_t system_aborts;

#endif
