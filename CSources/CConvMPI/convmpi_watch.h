// SPDX-License-Identifier: MIT
//
// The processes of this machine: where they may run, and whether they still do.

#ifndef CONVMPI_WATCH_H
#define CONVMPI_WATCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CConvMPI.h"

#include <sched.h>
#include <sys/types.h>

/// What the processes of a machine tell each other.
typedef struct {
    int rank;
    pid_t process;
    /// Process numbers mean something to one another in one namespace only.
    ino_t process_namespace;
    cpu_set_t processors;
} convmpi_process;

/// This process, of that rank.
convmpi_process convmpi_this_process(int rank);

/// Fills in how many processors there are for this process and what its share of them is.
void convmpi_share_processors(const convmpi_process *mine, const convmpi_process *all, int count,
                              convmpi_world *world);

/// Begins to watch the others.
void convmpi_watch_processes(const convmpi_process *mine, const convmpi_process *all, int count);

#endif
