/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 *
 * The words for enum values: the same in the kernel and outside.
 */
#ifndef RPL_NAMES_GEN_H
#define RPL_NAMES_GEN_H

#include "../../uapi/linux/dm-replica.h"

const char *rpl_kind_name(unsigned int value); /* "unknown" outside the enum */
int rpl_kind_by_name(const char *word); /* value, or -1 */
const char *rpl_state_name(unsigned int value); /* "unknown" outside the enum */
int rpl_state_by_name(const char *word); /* value, or -1 */
const char *rpl_store_mode_name(unsigned int value); /* "unknown" outside the enum */
int rpl_store_mode_by_name(const char *word); /* value, or -1 */
const char *rpl_overflow_name(unsigned int value); /* "unknown" outside the enum */
int rpl_overflow_by_name(const char *word); /* value, or -1 */
const char *rpl_action_name(unsigned int value); /* "unknown" outside the enum */
int rpl_action_by_name(const char *word); /* value, or -1 */
const char *rpl_command_kind_name(unsigned int value); /* "unknown" outside the enum */
int rpl_command_kind_by_name(const char *word); /* value, or -1 */
const char *rpl_command_status_name(unsigned int value); /* "unknown" outside the enum */
int rpl_command_status_by_name(const char *word); /* value, or -1 */
const char *rpl_event_name(unsigned int value); /* "unknown" outside the enum */
int rpl_event_by_name(const char *word); /* value, or -1 */

#endif /* RPL_NAMES_GEN_H */
