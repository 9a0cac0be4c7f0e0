// SPDX-License-Identifier: MIT
// GNU libmicrohttpd as Debian ships it (package libmicrohttpd-dev). Swift does not call functions
// with `...`: those that are needed have a name here for each use.
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdint.h>
#include <sys/socket.h>

/// What a server is started with.
typedef struct {
    const char *address;   // IPv4, such as 127.0.0.1
    uint16_t port;         // 0 for any that is free
    unsigned connections;  // at most so many at once
    unsigned idle_seconds; // a connection on which nothing moves for so long is closed
    void *context;         // what the callbacks get
    MHD_AccessHandlerCallback handle;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connected;
} microhttpd_settings;

/// Starts a server that has one thread for all connections; NULL where it can't, and errno says
/// why.
static inline struct MHD_Daemon *microhttpd_start(const microhttpd_settings *s) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(s->port)};
    if (inet_pton(AF_INET, s->address, &address.sin_addr) != 1) {
        errno = EINVAL;
        return NULL;
    }
    return MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, s->port, NULL, NULL,
        s->handle, s->context, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_CONNECTION_LIMIT, s->connections, MHD_OPTION_CONNECTION_TIMEOUT, s->idle_seconds,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_NOTIFY_COMPLETED, s->completed,
        s->context, MHD_OPTION_NOTIFY_CONNECTION, s->connected, s->context, MHD_OPTION_END);
}

/// The port that a server listens on.
static inline uint16_t microhttpd_port(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/// The socket of a connection, or -1.
static inline int microhttpd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}
