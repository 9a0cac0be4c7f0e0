// SPDX-License-Identifier: MIT
//
// The part of MPI that ConvNetDistributed needs, as functions and types that Swift can import, and
// a watch over the processes of this machine, which MPI has nothing for.
//
// Built with the package trait MPI it calls MPI; without it, it needs no MPI and convmpi_init fails
// with CONVMPI_NOT_BUILT. Functions return 0 or an error number that convmpi_error_text explains.
// All but convmpi_ended_rank are called by one thread, the one that called convmpi_init.

#ifndef CCONVMPI_H
#define CCONVMPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CONVMPI_CHECKED __attribute__((warn_unused_result))
#else
#define CONVMPI_CHECKED
#endif

/// What convmpi_init returns where MPI was not built in.
#define CONVMPI_NOT_BUILT (-1)

/// The place of this process among all that mpirun started.
typedef struct {
    /// Its number, from 0, and how many there are.
    int rank, ranks;
    /// How many of them are on this machine.
    int local_ranks;
    /// The processors that it may run on, and its share of them: each is divided among the
    /// processes of this machine that may run on it too. At least 1.
    int processors, processor_share;
} convmpi_world;

/// An operation in progress; what MPI calls a request.
typedef struct {
    uintptr_t handle;
} convmpi_request;

/// Whether MPI is built in.
bool convmpi_is_built(void);

/// Joins the other processes; waits until all have come.
CONVMPI_CHECKED int convmpi_init(convmpi_world *world);

/// Leaves them; waits until all have.
CONVMPI_CHECKED int convmpi_finalize(void);

/// Begins to send `bytes` bytes, at most INT_MAX, to a rank. They must stay as they are until it is
/// done.
CONVMPI_CHECKED int convmpi_send(const void *data, ptrdiff_t bytes, int rank, int tag,
                                 convmpi_request *request);

/// Begins to receive exactly so many bytes that a rank sends with the same tag.
CONVMPI_CHECKED int convmpi_receive(void *data, ptrdiff_t bytes, int rank, int tag,
                                    convmpi_request *request);

/// Begins to collect `bytes` bytes of each rank in `all`, `[ranks][bytes]`, on each.
CONVMPI_CHECKED int convmpi_all_gather(const void *mine, void *all, ptrdiff_t bytes,
                                       convmpi_request *request);

/// Begins to hand rank 0's bytes to all.
CONVMPI_CHECKED int convmpi_broadcast(void *data, ptrdiff_t bytes, convmpi_request *request);

/// Looks which of `count` operations are done, and lets MPI work on the others.
///
/// `done[i]` says whether operation i is; it must not be asked about again then.
CONVMPI_CHECKED int convmpi_test(convmpi_request *requests, ptrdiff_t count, bool *done);

/// Writes what an error number means to `text`, `capacity` bytes with the final 0.
void convmpi_error_text(int error, char *text, ptrdiff_t capacity);

/// A rank of this machine whose process has ended, or -1. Any thread may ask.
int convmpi_ended_rank(void);

/// The process number of a rank of this machine, or -1.
int convmpi_process_of_rank(int rank);

#endif
