// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control plane's life: what main.c calls. See control.h for the order.
 */
#include "control.h"
#include "control-int.h"

int rpl_control_init(void)
{
	rpl_command_init();
	return rpl_event_init();
}

void rpl_control_exit(void)
{
	rpl_command_exit();
	rpl_event_exit();
}
