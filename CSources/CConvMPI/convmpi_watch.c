// SPDX-License-Identifier: MIT
//
// A process that ends is seen through a file descriptor that Linux gives for it (pidfd_open(2),
// since 5.3): unlike its number it can't come to mean another process. Where there is none, nothing
// is watched, and mpirun alone says that a process has ended.

#ifdef CONVNET_MPI

#include "convmpi_watch.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

typedef struct {
    int rank;
    pid_t process;
} watched;

// Written once, while no other thread asks.
static struct pollfd *descriptors;
static watched *others;
static nfds_t watched_count;

convmpi_process convmpi_this_process(int rank) {
    convmpi_process mine = {.rank = rank, .process = getpid()};
    struct stat information;
    if (stat("/proc/self/ns/pid", &information) == 0) mine.process_namespace = information.st_ino;
    if (sched_getaffinity(0, sizeof mine.processors, &mine.processors) != 0)
        CPU_ZERO(&mine.processors);
    return mine;
}

void convmpi_share_processors(const convmpi_process *mine, const convmpi_process *all, int count,
                              convmpi_world *world) {
    double share = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &mine->processors)) continue;
        int users = 0;
        for (int i = 0; i < count; i++) users += CPU_ISSET(cpu, &all[i].processors) != 0;
        world->processors++;
        share += 1.0 / users;
    }
    // Thirds add up to a little less than one.
    world->processor_share = (int)(share + 1e-6);
    if (world->processor_share < 1) world->processor_share = 1;
}

void convmpi_watch_processes(const convmpi_process *mine, const convmpi_process *all, int count) {
    descriptors = calloc((size_t)count, sizeof *descriptors);
    others = calloc((size_t)count, sizeof *others);
    if (!descriptors || !others) return;
    for (int i = 0; i < count; i++) {
        if (all[i].rank == mine->rank || all[i].process_namespace != mine->process_namespace)
            continue;
        int descriptor = (int)syscall(SYS_pidfd_open, all[i].process, 0);
        if (descriptor < 0) continue;
        descriptors[watched_count] = (struct pollfd){.fd = descriptor, .events = POLLIN};
        others[watched_count++] = (watched){all[i].rank, all[i].process};
    }
}

int convmpi_ended_rank(void) {
    if (watched_count == 0 || poll(descriptors, watched_count, 0) <= 0) return -1;
    for (nfds_t i = 0; i < watched_count; i++) {
        if (descriptors[i].revents & POLLIN) return others[i].rank;
    }
    return -1;
}

int convmpi_process_of_rank(int rank) {
    for (nfds_t i = 0; i < watched_count; i++) {
        if (others[i].rank == rank) return others[i].process;
    }
    return -1;
}

#endif
