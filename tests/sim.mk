# The daemon in a simulated world (tests/sim/). V=points has the labelled points.
SIM_SRC := $(wildcard tests/sim/*.c)
SIM := $(B)/tests/sim/sim
SIM_WRAP := clock_gettime poll usleep eventfd eventfd_write read write close pthread_create \
            pthread_join abort
SEED ?= 1
RUNS ?= 2000

sim: ## the whole daemon among simulated faults, run by run (SEED=n RUNS=n)
	@$(MAKE) --no-print-directory V=points sim-build >/dev/null
	@build/points/tests/sim/sim --seed $(SEED) --runs $(RUNS)

SUITE_KAFKA := $(B)/tests/sim/kafka/suite_kafka

sim-build: $(SIM) $(SUITE_KAFKA)

$(SUITE_KAFKA): $(B)/tests/sim/kafka/suite_kafka.o $(B)/tests/sim/suite.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(SIM): $(SIM_SRC:%.c=$(B)/%.o) $(B)/libsupport.a $(LIB)
	$(CC) $(LDFLAGS) $(SIM_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(LDLIBS)

.PHONY: sim sim-build

# MUTANT: a changed source file of the library, linked in the place of the one that it comes from.
sim-mutant: $(SIM_SRC:%.c=$(B)/%.o) $(B)/libsupport.a $(LIB)
	@$(CC) $(CFLAGS) -w -MF /dev/null -c -o $(MUTANT:.c=.o) $(MUTANT)
	@$(CC) $(LDFLAGS) $(SIM_WRAP:%=-Wl,--wrap=%) -o $(dir $(MUTANT))sim $(SIM_SRC:%.c=$(B)/%.o) \
	  $(MUTANT:.c=.o) $(B)/libsupport.a $(LIB) $(LDLIBS)

.PHONY: sim-mutant
