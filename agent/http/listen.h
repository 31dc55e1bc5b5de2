// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listen.h - listening sockets: given by systemd, else opened as configured.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdint.h>

/* A listening socket on address ("::" also takes IPv4) and port; negative errno. */
int listen_open(const char *address, uint16_t port);
/* Sockets from systemd, told apart by their names (FileDescriptorName=http, https) or else by
 * their port being https_port; a datagram socket is for SLP. -1 where there is none. How many there
 * were.
 */
int listen_from_systemd(uint16_t https_port, int *http_fd, int *https_fd, int *slp_fd);

#endif
