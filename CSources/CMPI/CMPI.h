// SPDX-License-Identifier: MIT
//
// MPI's header, for CConvMPI. Its handles, such as MPI_COMM_WORLD, are macros of casts that Swift
// can't import, so nothing in Swift includes it.

#include <mpi.h>
