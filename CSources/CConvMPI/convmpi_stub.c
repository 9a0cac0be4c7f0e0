// SPDX-License-Identifier: MIT
//
// What stands in for MPI where it was not built in: joining fails, and nothing else is called then.

#ifndef CONVNET_MPI

#include "CConvMPI.h"

#include <string.h>

bool convmpi_is_built(void) {
    return false;
}

int convmpi_init(convmpi_world *world) {
    memset(world, 0, sizeof *world);
    return CONVMPI_NOT_BUILT;
}

int convmpi_finalize(void) {
    return CONVMPI_NOT_BUILT;
}

int convmpi_send(const void *data, ptrdiff_t bytes, int rank, int tag, convmpi_request *request) {
    (void)data, (void)bytes, (void)rank, (void)tag, (void)request;
    return CONVMPI_NOT_BUILT;
}

int convmpi_receive(void *data, ptrdiff_t bytes, int rank, int tag, convmpi_request *request) {
    (void)data, (void)bytes, (void)rank, (void)tag, (void)request;
    return CONVMPI_NOT_BUILT;
}

int convmpi_all_gather(const void *mine, void *all, ptrdiff_t bytes, convmpi_request *request) {
    (void)mine, (void)all, (void)bytes, (void)request;
    return CONVMPI_NOT_BUILT;
}

int convmpi_broadcast(void *data, ptrdiff_t bytes, convmpi_request *request) {
    (void)data, (void)bytes, (void)request;
    return CONVMPI_NOT_BUILT;
}

int convmpi_test(convmpi_request *requests, ptrdiff_t count, bool *done) {
    (void)requests, (void)count, (void)done;
    return CONVMPI_NOT_BUILT;
}

void convmpi_error_text(int error, char *text, ptrdiff_t capacity) {
    (void)error;
    strncpy(text, "built without MPI", (size_t)capacity - 1);
    text[capacity - 1] = 0;
}

int convmpi_ended_rank(void) {
    return -1;
}

int convmpi_process_of_rank(int rank) {
    (void)rank;
    return -1;
}

#endif
