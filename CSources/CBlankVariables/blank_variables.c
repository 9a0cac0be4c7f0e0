// SPDX-License-Identifier: MIT
//
// An empty variable means an unset one: containers often set OMP_NUM_THREADS that way, and libomp
// 14 ends the process for it. It is removed before main, as there are no other threads yet that
// could be reading the environment. For our own programs and tests only: a library leaves its
// process's environment alone.

#include "CBlankVariables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/// Whether a line of the environment is NAME= with nothing but space behind it, NAME being one of
/// those that OpenMP's runtime reads.
static int is_blank(const char *line) {
    static const char *const prefixes[] = {"OMP_", "KMP_", "GOMP_"};
    const char *value = strchr(line, '=');
    if (value == NULL) return 0;
    for (value++; *value != 0; value++)
        if (!isspace((unsigned char)*value)) return 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(line, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    return 0;
}

__attribute__((constructor)) static void remove_blank_variables(void) {
    if (environ == NULL) return;
    char name[256];
    for (char **line = environ; *line != NULL;) {
        const size_t length = strcspn(*line, "=");
        if (!is_blank(*line) || length >= sizeof name) {
            line++;
            continue;
        }
        memcpy(name, *line, length);
        name[length] = 0;
        // What follows moves up to this place.
        if (unsetenv(name) != 0) line++;
    }
}
