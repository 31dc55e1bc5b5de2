/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What control.c calls of its own files.
 */
#ifndef RPL_CONTROL_INT_H
#define RPL_CONTROL_INT_H

int rpl_event_init(void);
void rpl_event_exit(void);
void rpl_command_init(void);
void rpl_command_exit(void);

#endif /* RPL_CONTROL_INT_H */
