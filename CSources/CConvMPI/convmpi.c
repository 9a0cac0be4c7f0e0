// SPDX-License-Identifier: MIT
//
// The calls to MPI. Errors come back as numbers rather than ending the process, so that Swift can
// say what happened.

#ifdef CONVNET_MPI

#include "CConvMPI.h"
#include "convmpi_watch.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

// Swift keeps MPI's handles as numbers: pointers in Open MPI, ints in MPICH.
_Static_assert(sizeof(MPI_Request) <= sizeof(uintptr_t), "a request fits a number");

static void keep(convmpi_request *request, MPI_Request handle) {
    request->handle = 0;
    memcpy(&request->handle, &handle, sizeof handle);
}

static MPI_Request handle_of(convmpi_request request) {
    MPI_Request handle;
    memcpy(&handle, &request.handle, sizeof handle);
    return handle;
}

// The processes of this machine tell each other who they are and where they may run.
static int look_around(convmpi_world *world) {
    MPI_Comm local;
    int error = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
    if (error != MPI_SUCCESS) return error;
    error = MPI_Comm_size(local, &world->local_ranks);
    if (error != MPI_SUCCESS) return error;

    convmpi_process mine = convmpi_this_process(world->rank);
    convmpi_process *all = calloc((size_t)world->local_ranks, sizeof *all);
    if (!all) return MPI_ERR_NO_MEM;
    error = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, local);
    if (error == MPI_SUCCESS) {
        convmpi_share_processors(&mine, all, world->local_ranks, world);
        convmpi_watch_processes(&mine, all, world->local_ranks);
        error = MPI_Comm_free(&local);
    }
    free(all);
    return error;
}

bool convmpi_is_built(void) {
    return true;
}

int convmpi_init(convmpi_world *world) {
    memset(world, 0, sizeof *world);
    int provided;
    int error = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (error != MPI_SUCCESS) return error;
    error = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (error != MPI_SUCCESS) return error;
    error = MPI_Comm_rank(MPI_COMM_WORLD, &world->rank);
    if (error != MPI_SUCCESS) return error;
    error = MPI_Comm_size(MPI_COMM_WORLD, &world->ranks);
    if (error != MPI_SUCCESS) return error;
    return look_around(world);
}

int convmpi_finalize(void) {
    return MPI_Finalize();
}

int convmpi_send(const void *data, ptrdiff_t bytes, int rank, int tag, convmpi_request *request) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    MPI_Request handle = MPI_REQUEST_NULL;
    int error = MPI_Isend(data, (int)bytes, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &handle);
    keep(request, handle);
    return error;
}

int convmpi_receive(void *data, ptrdiff_t bytes, int rank, int tag, convmpi_request *request) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    MPI_Request handle = MPI_REQUEST_NULL;
    int error = MPI_Irecv(data, (int)bytes, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &handle);
    keep(request, handle);
    return error;
}

int convmpi_all_gather(const void *mine, void *all, ptrdiff_t bytes, convmpi_request *request) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    MPI_Request handle = MPI_REQUEST_NULL;
    int error = MPI_Iallgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE,
                               MPI_COMM_WORLD, &handle);
    keep(request, handle);
    return error;
}

int convmpi_broadcast(void *data, ptrdiff_t bytes, convmpi_request *request) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    MPI_Request handle = MPI_REQUEST_NULL;
    int error = MPI_Ibcast(data, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD, &handle);
    keep(request, handle);
    return error;
}

int convmpi_test(convmpi_request *requests, ptrdiff_t count, bool *done) {
    enum { MOST = 64 };
    MPI_Request handles[MOST];
    int places[MOST];
    for (ptrdiff_t begin = 0; begin < count; begin += MOST) {
        int part = count - begin < MOST ? (int)(count - begin) : MOST;
        for (int i = 0; i < part; i++) {
            handles[i] = handle_of(requests[begin + i]);
            done[begin + i] = false;
        }
        int found;
        int error = MPI_Testsome(part, handles, &found, places, MPI_STATUSES_IGNORE);
        if (error != MPI_SUCCESS) return error;
        // MPI_UNDEFINED where none is active: no request is asked about twice.
        for (int i = 0; i < found; i++) done[begin + places[i]] = true;
        for (int i = 0; i < part; i++) keep(&requests[begin + i], handles[i]);
    }
    return MPI_SUCCESS;
}

void convmpi_error_text(int error, char *text, ptrdiff_t capacity) {
    char message[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(error, message, &length) != MPI_SUCCESS) length = 0;
    if (length > capacity - 1) length = (int)capacity - 1;
    memcpy(text, message, (size_t)length);
    text[length] = 0;
}

#endif
