// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * advertise.h - what of the providers is said outside of CIM too, by SLP.
 */
#ifndef PROVIDERS_ADVERTISE_H
#define PROVIDERS_ADVERTISE_H

#include <stdbool.h>
#include <stddef.h>

/* "SNIA:Array", "SNIA:Array:Block Services"...: the name of registered profile @nr in @text, in the
 * form of DSP0206. False: there are no more.
 */
bool prov_profile_name(size_t nr, char *text, size_t size);
/* From now on AdvertiseTypes of the profiles say that they are advertised by SLP. */
void prov_set_advertised(void);

#endif
